package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/heap"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// childVariable contains the order for a process that runs only rekey, so that its memory is rekey's.
const childVariable = "REKEY_BENCH_CHILD"

// order is what the child must do.
type order struct {
	URL     string `json:"url"`
	Pace    string `json:"pace"`
	Ordered bool   `json:"ordered"` // uuids in the order of creation, not by the clock

	To rekey.Phase `json:"to,omitempty"` // without a profile, the whole schema to this phase

	PhoenixKit bool `json:"phoenixkit"` // V40 of PhoenixKit's tables, as its host runs it

	Tenants  int `json:"tenants"` // number of schemas; the other fields do not matter then
	Parallel int `json:"parallel"`

	MaxPerNode int     `json:"max_per_node,omitempty"`
	Meter      *meters `json:"meter,omitempty"` // of a cluster, to measure what its servers do while rows are filled
}

func (o order) config() rekeytest.Setup {
	if o.PhoenixKit {
		return rekeytest.Setup{Scope: phoenixkit.Profile().In(smallSchema)}
	}
	source := rekey.MigrationTime()
	if o.Ordered {
		source = rekey.CreationTime()
	}
	if o.To != "" {
		return rekeytest.Setup{Scope: rekey.Schema{Name: "public"}, Options: rekey.Options{
			To: o.To, Backfill: rekey.BackfillOptions{Pace: rekey.Pace(o.Pace)}, Values: rekey.ValueOptions{Source: source},
			Cluster: rekey.ClusterOptions{MaxPerNode: o.MaxPerNode},
		}}
	}
	return rekeytest.Setup{Scope: profile().In("public"), Options: rekey.Options{Backfill: rekey.BackfillOptions{Pace: rekey.Pace(o.Pace)}, Values: rekey.ValueOptions{Source: source}}}
}

// answer is the child's result.
type answer struct {
	Count   int           `json:"count"`
	Longest time.Duration `json:"longest_ns"`
	Total   time.Duration `json:"total_ns"`
	Steps   []Step        `json:"steps"`
	Marks   []mark        `json:"marks"`
	Memory  int64         `json:"memory_bytes"`
	Error   string        `json:"error,omitempty"`

	Plan   time.Duration `json:"plan_ns,omitempty"`
	Kinds  int           `json:"kinds,omitempty"`
	Up     time.Duration `json:"up_ns,omitempty"`
	Tables int           `json:"tables,omitempty"`

	Idle   Usage `json:"idle"` // of the servers of a cluster
	Fill   Usage `json:"fill"`
	Result int64 `json:"rows,omitempty"` // that were filled
}

// up is way (c): rekey, called as a host calls it.
func up(o order) func(context.Context, *site) (outcome, error) {
	return func(ctx context.Context, s *site) (outcome, error) {
		o.URL = s.url
		a, err := hire(ctx, o)
		if err != nil {
			return outcome{}, err
		}
		return outcomeOf(a)
	}
}

// hire gives an order to a new process.
func hire(ctx context.Context, o order) (answer, error) {
	return hireWatched(ctx, o, func(int) func() { return func() {} })
}

// hireWatched gives an order to a new process, which is watched from its start to its end.
func hireWatched(ctx context.Context, o order, watch func(pid int) (ended func())) (a answer, err error) {
	text, err := json.Marshal(o)
	if err != nil {
		return a, err
	}
	program, err := os.Executable()
	if err != nil {
		return a, err
	}
	cmd := exec.CommandContext(ctx, program) //nolint:gosec // it is this program
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	var output, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &stderr
	if err := cmd.Start(); err != nil {
		return a, err
	}
	ended := watch(cmd.Process.Pid)
	err = cmd.Wait()
	ended()
	if err != nil {
		return a, fmt.Errorf("rekey's process: %w: %s", err, stderr.String())
	}
	return a, json.Unmarshal(output.Bytes(), &a)
}

func outcomeOf(a answer) (outcome, error) {
	found := outcome{locks: &Locks{By: byHold, Count: a.Count, Longest: a.Longest, Total: a.Total}, steps: a.Steps, marks: a.Marks, memory: a.Memory}
	if a.Error != "" {
		return found, errors.New(a.Error)
	}
	return found, nil
}

// child runs rekey according to the order, writes its answer to out, and returns the exit code.
func child(text string, out io.Writer) int {
	heap.Tune() // as the command rekey does
	var o order
	var a answer
	err := json.Unmarshal([]byte(text), &o)
	switch {
	case err != nil:
	case o.Tenants > 0:
		a, err = o.overTenants(context.Background())
	case o.Meter != nil:
		err = o.metered(context.Background(), &a)
	default:
		var result event.Result
		result, err = o.carry(context.Background(), func(e event.Event) {
			if done, is := e.(event.StepDone); is && !done.Already {
				a.Steps = append(a.Steps, Step{done.Step, done.Elapsed})
				a.Marks = append(a.Marks, mark{path.Base(done.Step), time.Now()})
			}
		})
		a.Count, a.Longest, a.Total = result.Locks.Count, result.Locks.LongestHold, result.Locks.TotalHold
	}
	if err == nil {
		a.Memory, err = peak()
	}
	if err != nil {
		a.Error = err.Error()
	}
	if json.NewEncoder(out).Encode(a) != nil {
		return exitFailed
	}
	return 0
}

// metered runs rekey on a cluster, and reads what its servers do before the run and while it fills rows.
func (o order) metered(ctx context.Context, a *answer) error {
	m, err := o.Meter.open(ctx)
	if err != nil {
		return err
	}
	defer m.close(ctx)
	begun, err := m.before(ctx)
	if err != nil {
		return err
	}
	const idle = 3 * time.Second
	if err := rest(ctx, idle); err != nil {
		return err
	}
	ended, err := m.after(ctx)
	if err != nil {
		return err
	}
	a.Idle = m.since(begun, ended)
	var failed error
	result, err := o.carry(ctx, func(e event.Event) {
		done, is := e.(event.StepDone)
		if !is || failed != nil {
			return
		}
		switch path.Base(done.Step) { // the run waits while its events are heeded
		case "add-column":
			begun, failed = m.before(ctx)
		case "fill-column":
			ended, failed = m.after(ctx)
			a.Fill = m.since(begun, ended)
		}
	})
	a.Result, a.Longest = result.Rows, result.Locks.LongestHold
	return errors.Join(err, failed)
}

func (o order) carry(ctx context.Context, heed func(event.Event)) (event.Result, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return event.Result{}, err
	}
	config.MaxConns = 4 // as the command does
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return event.Result{}, err
	}
	defer pool.Close()
	asked := o.config()
	asked.Options.OnEvent = heed
	return rekeytest.Up(ctx, pool, asked)
}
