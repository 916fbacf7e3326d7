package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/problem"
)

// signalFlags say when a run stands still.
type signalFlags struct {
	maxLag, maxSnapshotAge time.Duration
	maxWAL                 size
	query, file            string
	without                []string
}

// knobs registers the flags that tune takes too.
func (f *flags) knobs(cmd *cobra.Command, pace, batch string) {
	set := cmd.Flags()
	set.StringVar(&f.pace, "pace", "", "`speed` of the filling: gentle, normal or full"+pace)
	set.DurationVar(&f.batchTime, "batch-time", 0, "what a transaction of the filling aims at: 1ms to 10s"+batch)
	_ = cmd.RegisterFlagCompletionFunc("pace", cobra.FixedCompletions(paces(), cobra.ShellCompDirectiveNoFileComp))
}

func paces() []string { return []string{"gentle", "normal", "full"} }

func (s *signalFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	s.maxWAL = 10 << 30
	set.DurationVar(&s.maxLag, "max-lag", 10*time.Second, "stand still while a standby is further behind")
	set.Var(&s.maxWAL, "max-retained-wal", "stand still while a replication slot keeps back more WAL")
	set.DurationVar(&s.maxSnapshotAge, "max-snapshot-age", 0, "stand still while a transaction, slot or standby keeps dead rows for longer; never if 0")
	set.StringVar(&s.query, "throttle-query", "", "stand still while this `SELECT` returns true or a text")
	set.StringVar(&s.file, "throttle-file", "", "stand still while this `file` exists")
	set.StringSliceVar(&s.without, "without-signal", nil, "`names` not to be looked at: "+strings.Join(signals(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("without-signal", cobra.FixedCompletions(signals(), cobra.ShellCompDirectiveNoFileComp))
}

func signals() []string {
	return []string{"lag", "wal", "snapshots", "wraparound", "query", "file", "standby"}
}

func (s *signalFlags) apply(c *rekey.Config) {
	c.MaxLag, c.MaxRetainedWAL, c.MaxSnapshotAge = s.maxLag, int64(s.maxWAL), s.maxSnapshotAge
	c.ThrottleQuery, c.ThrottleFile, c.WithoutSignals = s.query, s.file, s.without
}

// The bounds of --batch-time: a commit takes the lower one, and rows are locked for the upper one.
const (
	leastBatchTime = time.Millisecond
	mostBatchTime  = 10 * time.Second
)

func (f *flags) checkKnobs(cmd *cobra.Command) *problem.Problem {
	changed := func(name string) bool { return cmd.Flags().Changed(name) }
	switch {
	case changed("pace") && !slices.Contains(paces(), f.pace):
		return wrong("bad_pace", fmt.Sprintf("there is no pace %q", f.pace), "Use gentle, normal or full.")
	case changed("batch-time") && (f.batchTime < leastBatchTime || f.batchTime > mostBatchTime):
		return wrong("bad_batch_time", fmt.Sprintf("--batch-time cannot be %s", f.batchTime), "It goes from 1ms to 10s.")
	case changed("max-lag") && f.signals.maxLag < time.Millisecond:
		return wrong("bad_max_lag", fmt.Sprintf("--max-lag cannot be %s", f.signals.maxLag), "Write a duration with its unit: 10s, 1m; or leave it out: --without-signal lag")
	case f.signals.maxSnapshotAge < 0:
		return wrong("bad_snapshot_age", fmt.Sprintf("--max-snapshot-age cannot be %s", f.signals.maxSnapshotAge), "Write a duration with its unit: 10m, 1h.")
	}
	for _, name := range f.signals.without {
		if !slices.Contains(signals(), name) {
			hint := "The signals are " + strings.Join(signals(), ", ") + "."
			if near := problem.Nearest(name, signals()); near != "" {
				hint = "Did you mean: --without-signal " + near
			}
			return wrong("unknown_signal", fmt.Sprintf("there is no signal %q", name), hint)
		}
	}
	return nil
}

// size is a number of bytes, written as PostgreSQL writes them: 512MB, 10GB.
type size int64

func units() []string { return []string{"B", "kB", "MB", "GB", "TB"} }

// String is the largest unit that keeps the number whole.
func (s *size) String() string {
	n, unit := int64(*s), 0
	for n != 0 && n%1024 == 0 && unit < len(units())-1 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + units()[unit]
}

// Set reads a size above zero.
func (s *size) Set(text string) error {
	for i := len(units()) - 1; i >= 0; i-- {
		number, found := strings.CutSuffix(strings.ToUpper(text), strings.ToUpper(units()[i]))
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n <= 0 || n > (1<<62)>>(10*i) {
			break
		}
		*s = size(n << (10 * i))
		return nil
	}
	return fmt.Errorf("%q is no size", text)
}

// Type is what the help calls it.
func (s *size) Type() string { return "size" }
