package ordered

import (
	"context"
	crand "crypto/rand"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
)

// method fills one table in order. It implements [backfill.Method].
type method struct {
	*backfill.Engine
	Values
	sql            rowSQL
	choice         backfill.Choice
	scale          order.Scale
	plan           plan
	unused         bool            // the stored plan is not used
	horizon        uint32          // oldest transaction that could be running when the filling began; 0 after the first survey used it
	filledOnce     bool            // Once has filled rows
	left           *unfilled       // by the last pass; nil before the first
	filledBefore   map[int64]int64 // rows filled by each worker, in earlier passes and runs
	next           atomic.Int64    // region to assign
	held           atomic.Int64    // rows held at the last attempt
	filled         atomic.Int64    // rows filled in this attempt
	idle           backfill.IdleRounds
	recorded       atomic.Bool // this filling has recorded something
	recordedBefore bool        // an earlier filling has recorded something
}

// Complete adds the outcome.
func (m *method) Complete(r *backfill.Result) {
	r.Choice, r.Clean = m.choice, !m.recordedBefore && !m.recorded.Load() && !m.plan.stored
	if m.Outcome != nil {
		*m.Outcome = Outcome{
			Cutoff: time.UnixMicro(int64(m.scale.Cutoff)).UTC(), Regions: len(m.plan.regions),
			Early: m.plan.adjusted[order.Early], Late: m.plan.adjusted[order.Late], Carried: m.plan.adjusted[order.Carried], Missing: m.plan.adjusted[order.Missing],
		}
	}
}

// readCutoff calls OnStart if it is set.
func (m *method) readCutoff(ctx context.Context) error {
	if m.OnStart == nil {
		return nil
	}
	return m.Transaction(ctx, durableSettings, func(tx pg.Tx) error {
		start, err := m.OnStart(ctx, tx)
		m.Cutoff = start.Cutoff
		return err
	})
}

// Begin reads the plan of an interrupted run, or makes one.
func (m *method) Begin(ctx context.Context) error {
	if m.filledOnce && m.Cutoff.IsZero() {
		m.Cutoff = time.UnixMicro(int64(m.plan.cutoff)) // also for the rows that are left
	}
	if err := m.readCutoff(ctx); err != nil {
		return err
	}
	found, err := m.begin(ctx)
	if err != nil || found {
		return err
	}
	return m.survey(ctx)
}

// End drops the stored plan.
func (m *method) End(ctx context.Context) error { return m.dropPlan(ctx) }

// dropPlan drops the stored plan, if there is one.
func (m *method) dropPlan(ctx context.Context) error {
	if !m.plan.stored && !m.unused {
		return nil
	}
	m.unused = false
	return m.Transaction(ctx, durableSettings, func(tx pg.Tx) error { return DropPlan(ctx, tx, m.Table.OID) })
}

// begin loads the plan of an interrupted run and determines the cutoff.
func (m *method) begin(ctx context.Context) (found bool, err error) {
	err = m.Transaction(ctx, readSettings, func(tx pg.Tx) error {
		if err := m.requireNoBatch(ctx, tx); err != nil {
			return err
		}
		m.plan = plan{}
		if !m.Cutoff.IsZero() {
			m.plan.cutoff = order.Instant(m.Cutoff.UnixMicro())
		}
		if found, err = m.loadPlan(ctx, tx); err != nil {
			return err
		}
		m.recordedBefore = m.recordedBefore || m.unused
		m.unused = m.unused && !found
		if m.horizon, err = horizon(ctx, tx); err != nil {
			return err
		}
		if m.plan.cutoff == 0 {
			if m.plan.cutoff, err = now(ctx, tx); err != nil {
				return err
			}
		}
		return m.resume(ctx, tx)
	})
	m.scale = order.Scale{Unit: max(m.Time.Unit, 1), Cutoff: m.plan.cutoff}
	return found, err
}

// resume reads how many rows earlier runs filled.
func (m *method) resume(ctx context.Context, tx pg.Tx) error {
	m.filledBefore = map[int64]int64{}
	if m.Checkpoints == nil {
		return nil
	}
	checkpoints, err := m.Checkpoints.Load(ctx, tx)
	m.recordedBefore = m.recordedBefore || len(checkpoints) > 0
	var filled int64
	for _, checkpoint := range checkpoints {
		m.filledBefore[checkpoint.Region] = checkpoint.Rows
		filled += checkpoint.Rows
	}
	m.Progress.SetTotal(max(int64(m.Table.Rows)-filled, 0))
	return err
}

// newAssigner returns an assigner with its own source of randomness, seeded by the system.
func (m *method) newAssigner() *assigner {
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	return &assigner{scale: m.scale, random: rand.New(rand.NewChaCha8(seed))}
}

// regions fills the regions that are not done, with as many workers as the pace allows.
func (m *method) regions(ctx context.Context) error {
	workers := min(m.WorkerCount(), max(len(m.plan.regions), 1))
	m.next.Store(0)
	m.held.Store(0)
	m.filled.Store(0)
	started := make([]*regionWriter, workers)
	for i := range started {
		n := int64(i)
		started[i] = &regionWriter{method: m, assigner: m.newAssigner(), sizer: pace.NewSizer(firstRows, minRows, maxRows), number: n, filled: m.filledBefore[n]}
	}
	err := backfill.Parallel(ctx, workers, func(ctx context.Context, i int) error { return started[i].work(ctx) })
	for _, w := range started {
		m.filledBefore[w.number] = w.filled
	}
	return err
}

// readTimeout is enough to read a region from a cold disk.
const readTimeout = 5 * time.Minute

// readSettings returns the settings of a transaction that reads a region. It locks no rows.
func readSettings() pg.Settings {
	return pg.Settings{Lock: backfill.LockTimeout, Statement: readTimeout, SynchronousCommit: "off"}
}

// longestReadRest is the longest pause after a region was read.
const longestReadRest = 5 * time.Second

// read reads a region in a transaction. Under a limit of the impact it pauses afterwards, as after a batch.
func (m *method) read(ctx context.Context, work func(pg.Tx) error) error {
	var took time.Duration
	err := m.Transaction(ctx, readSettings, func(tx pg.Tx) error {
		start := time.Now()
		defer func() { took = time.Since(start) }()
		return work(tx)
	})
	setting := m.Pace.Setting()
	if err != nil || setting.StatementTime <= 0 {
		return err
	}
	return m.Sleep(ctx, min(time.Duration(float64(took)*(1/setting.Duty-1)), longestReadRest))
}

// durableSettings returns the settings of a transaction whose result must survive a crash.
func durableSettings() pg.Settings {
	return pg.Settings{Lock: backfill.LockTimeout, Statement: readTimeout}
}
