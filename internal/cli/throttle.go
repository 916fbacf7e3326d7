package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/setting"
)

// signalFlags say when a run pauses.
type signalFlags struct {
	maxLag, maxSnapshotAge time.Duration
	maxWAL                 size
	query, file            string
	without                []string
}

// speed registers the flags of the backfill's speed, which tune has too.
func (f *flags) speed(cmd *cobra.Command, pace, impact, batch string) {
	set := cmd.Flags()
	set.StringVar(&f.pace, "pace", "", "speed of the backfill"+pace)
	set.Var(&f.maxImpact, "max-impact", "limit of commits and reads, x idle"+impact)
	set.DurationVar(&f.batchTime, "batch-time", 0, "target time of a batch, "+setting.Range("batch-time")+batch)
	_ = cmd.RegisterFlagCompletionFunc("pace", cobra.FixedCompletions(setting.Choices("pace"), cobra.ShellCompDirectiveNoFileComp))
}

func (s *signalFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	s.maxWAL = size(setting.DefaultNumber("max-retained-wal"))
	set.DurationVar(&s.maxLag, "max-lag", setting.Default("max-lag"), "pause while a standby lags more")
	set.Var(&s.maxWAL, "max-retained-wal", "pause while a replication slot retains more WAL")
	set.DurationVar(&s.maxSnapshotAge, "max-snapshot-age", 0, "pause while dead rows are kept for longer; by a transaction, a slot or a standby; 0: never")
	set.StringVar(&s.query, "throttle-query", "", "pause while this query returns true or a text")
	set.StringVar(&s.file, "throttle-file", "", "pause while this file exists")
	set.StringSliceVar(&s.without, "without-signal", nil, "signals to ignore: "+strings.Join(setting.Signals(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("without-signal", cobra.FixedCompletions(setting.Signals(), cobra.ShellCompDirectiveNoFileComp))
}

func (s *signalFlags) options() rekey.ThrottleOptions {
	return rekey.ThrottleOptions{
		MaxLag: s.maxLag, MaxRetainedWAL: int64(s.maxWAL), MaxSnapshotAge: s.maxSnapshotAge,
		Query: s.query, File: s.file, Without: s.without,
	}
}

// ratio is how many times as long something may take, or off.
type ratio float64

const off = "off"

// String returns the number, off, or "" for the default.
func (r *ratio) String() string {
	switch {
	case *r == 0:
		return ""
	case *r == ratio(rekey.NoMaxImpact):
		return off
	default:
		return strconv.FormatFloat(float64(*r), 'f', -1, 64)
	}
}

// Set parses a number or off.
func (r *ratio) Set(text string) error {
	if text == off {
		*r = ratio(rekey.NoMaxImpact)
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not a number and not %q", text, off)
	}
	*r = ratio(n)
	return nil
}

// Type returns the name of the type in messages.
func (r *ratio) Type() string { return "ratio" }

// size is a number of bytes, written as in PostgreSQL: 512MB, 10GB.
type size int64

func units() []string { return []string{"B", "kB", "MB", "GB", "TB"} }

// String returns the number in the largest unit that needs no fraction.
func (s *size) String() string {
	n, unit := int64(*s), 0
	for n != 0 && n%1024 == 0 && unit < len(units())-1 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + units()[unit]
}

// Set parses a size above zero.
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
	return fmt.Errorf("%q is not a size", text)
}

// Type returns the name of the type in messages.
func (s *size) Type() string { return "size" }
