package ordered

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

// filler fills one table.
type filler struct {
	Job
	sql            statements
	choice         backfill.Choice
	scale          order.Scale
	plan           plan
	unused         bool   // the stored plan is not used
	horizon        uint32 // oldest transaction that could be running when the filling began; 0 after the first survey used it
	progress       *backfill.Progress
	batches        atomic.Int64
	totalHeld      atomic.Int64 // rows held, counted at each attempt
	rounds         int
	filledBefore   map[int64]int64 // rows filled by each worker, in earlier rounds and runs
	next           atomic.Int64    // region to assign
	held           atomic.Int64    // rows held at the last attempt
	filled         atomic.Int64    // rows filled in this attempt
	idle           backfill.IdleRounds
	recorded       atomic.Bool // this filling has recorded something
	recordedBefore bool        // an earlier filling has recorded something
}

// testWaves is the number of waves for small regions in tests.
const testWaves = 4

// ErrOrder reports that a table has neither a key nor a creation-time column.
var ErrOrder = errors.New("the table has neither a key nor a creation-time column")

// Run fills every row that has no value, such that values sort as (time, key), and returns when no such row is left. For a
// table without a key, values sort by time, and rows of one instant are in no order.
//
// Errors: ErrOrder and the errors of backfill.Run. Rows that are filled stay filled, and Run may be called again; it
// keeps the order.
func Run(ctx context.Context, w Job) (Result, error) {
	choice, k := w.explain()
	switch {
	case k.empty() && w.Time.Name == "":
		return Result{}, ErrOrder
	case k.empty():
		return fillByTime(ctx, w)
	}
	f := &filler{Job: w, choice: choice, sql: newStatements(w.Name(), w.Column, k, w.Time)}
	if w.regionRows > 0 {
		f.choice.Region, f.choice.Waves = w.regionRows, max(choice.Waves, testWaves)
	}
	if f.RetryTimeout <= 0 {
		f.RetryTimeout = backfill.DefaultRetryTimeout
	}
	f.progress = backfill.NewProgress(w.Name().String(), max(int64(w.Table.Rows), 0), w.Emit)
	done, err := f.fillOnce(ctx)
	if !done && err == nil {
		err = f.run(ctx)
	}
	f.progress.Report(true)
	return f.result(), err
}

// fillByTime fills a table without a key. The server computes each value, which depends only on the row.
func fillByTime(ctx context.Context, w Job) (Result, error) {
	if w.OnStart != nil {
		f := &filler{Job: w}
		if err := f.readCutoff(ctx); err != nil {
			return Result{}, err
		}
		w.Cutoff = f.Cutoff
	}
	if w.Cutoff.IsZero() {
		err := pg.Read(ctx, w.Pool, func(tx pg.Tx) error {
			at, err := now(ctx, tx)
			w.Cutoff = time.UnixMicro(int64(at))
			return err
		})
		if err != nil {
			return Result{}, err
		}
	}
	w.Writer = backfill.Expression(ValueSQL(w.Time, w.Cutoff))
	result, err := backfill.Run(ctx, w.Job)
	return Result{Result: result, Cutoff: w.Cutoff.UTC()}, err
}

func (f *filler) result() Result {
	return Result{
		Result: backfill.Result{
			Clean: !f.recordedBefore && !f.recorded.Load() && !f.plan.stored,
			Rows:  f.progress.Rows(), Batches: f.batches.Load(), Held: f.totalHeld.Load(), Sweeps: f.rounds, Choice: f.choice,
		},
		Cutoff: time.UnixMicro(int64(f.scale.Cutoff)).UTC(), Regions: len(f.plan.regions), Rounds: f.rounds,
		Early: f.plan.adjusted[order.Early], Late: f.plan.adjusted[order.Late], Carried: f.plan.adjusted[order.Carried], Missing: f.plan.adjusted[order.Missing],
	}
}

// readCutoff calls OnStart if it is set.
func (f *filler) readCutoff(ctx context.Context) error {
	if f.OnStart == nil {
		return nil
	}
	return f.runTransaction(ctx, durableSettings(), func(tx pg.Tx) error {
		start, err := f.OnStart(ctx, tx)
		f.Cutoff = start.Cutoff
		return err
	})
}

func (f *filler) run(ctx context.Context) error {
	if err := f.readCutoff(ctx); err != nil {
		return err
	}
	found, err := f.begin(ctx)
	if err != nil {
		return err
	}
	if !found {
		if err := f.survey(ctx); err != nil {
			return err
		}
	}
	if err := f.runRounds(ctx); err != nil {
		return err
	}
	return f.dropPlan(ctx)
}

// dropPlan drops the stored plan, if there is one.
func (f *filler) dropPlan(ctx context.Context) error {
	if !f.plan.stored && !f.unused {
		return nil
	}
	f.unused = false
	return f.runTransaction(ctx, durableSettings(), func(tx pg.Tx) error { return DropPlan(ctx, tx, f.Table.OID) })
}

// begin loads the plan of an interrupted run and determines the cutoff.
func (f *filler) begin(ctx context.Context) (found bool, err error) {
	err = f.runTransaction(ctx, readSettings(), func(tx pg.Tx) error {
		if err := f.requireNoBatch(ctx, tx); err != nil {
			return err
		}
		f.plan = plan{}
		if !f.Cutoff.IsZero() {
			f.plan.cutoff = order.Instant(f.Cutoff.UnixMicro())
		}
		if found, err = f.loadPlan(ctx, tx); err != nil {
			return err
		}
		f.recordedBefore = f.recordedBefore || f.unused
		f.unused = f.unused && !found
		if f.horizon, err = horizon(ctx, tx); err != nil {
			return err
		}
		if f.plan.cutoff == 0 {
			if f.plan.cutoff, err = now(ctx, tx); err != nil {
				return err
			}
		}
		return f.resume(ctx, tx)
	})
	f.scale = order.Scale{Unit: max(f.Time.Unit, 1), Cutoff: f.plan.cutoff}
	return found, err
}

// resume reads how many rows earlier runs filled.
func (f *filler) resume(ctx context.Context, tx pg.Tx) error {
	f.filledBefore = map[int64]int64{}
	if f.Checkpoints == nil {
		return nil
	}
	checkpoints, err := f.Checkpoints.Load(ctx, tx)
	f.recordedBefore = f.recordedBefore || len(checkpoints) > 0
	var filled int64
	for _, checkpoint := range checkpoints {
		f.filledBefore[checkpoint.Region] = checkpoint.Rows
		filled += checkpoint.Rows
	}
	f.progress.SetTotal(max(int64(f.Table.Rows)-filled, 0))
	return err
}

// newAssigner returns an assigner with its own source of randomness, seeded by the system.
func (f *filler) newAssigner() *assigner {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return &assigner{scale: f.scale, random: rand.New(rand.NewChaCha8(seed))}
}

// regions fills the regions that are not done, with as many workers as the pace allows.
func (f *filler) regions(ctx context.Context) error {
	workers := min(f.workers(), max(len(f.plan.regions), 1))
	f.next.Store(0)
	f.held.Store(0)
	f.filled.Store(0)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errs, started := make([]error, workers), make([]*worker, workers)
	var all sync.WaitGroup
	for i := range workers {
		w := &worker{filler: f, assigner: f.newAssigner(), sizer: pace.NewSizer(firstRows, minRows, maxRows), number: int64(i), filled: f.filledBefore[int64(i)]}
		started[i] = w
		all.Go(func() {
			if errs[i] = w.work(ctx); errs[i] != nil && !errors.Is(errs[i], backfill.ErrStopped) {
				cancel(errs[i])
			}
		})
	}
	all.Wait()
	for _, w := range started {
		f.filledBefore[w.number] = w.filled
	}
	return firstError(errs)
}

// firstError returns the first error other than backfill.ErrStopped, else that one if a worker returned it.
func firstError(errs []error) error {
	var stopped error
	for _, err := range errs {
		if err != nil && !errors.Is(err, backfill.ErrStopped) {
			return err
		}
		stopped = errors.Join(stopped, err)
	}
	if stopped != nil {
		return backfill.ErrStopped
	}
	return nil
}

func (f *filler) record(rows int64) {
	if rows > 0 {
		f.batches.Add(1)
		f.progress.Add(rows)
	}
}

// workers returns the number of concurrent workers.
func (f *filler) workers() int {
	const spare = 4 // connections: two workers, the throttle and the heartbeat
	switch {
	case f.Workers > 0:
		return f.Workers
	case runtime.NumCPU() < 2, f.Pool.Config().MaxConns < spare:
		return 1
	default:
		return f.Pace.Speed().MaxWorkers()
	}
}
