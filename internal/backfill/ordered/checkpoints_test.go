package ordered

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// memoryCheckpoints keeps checkpoints in memory. Guard fails once so many regions are done.
type memoryCheckpoints struct {
	mu    sync.Mutex
	saved map[int64]backfill.Checkpoint
	saves int
	limit int // 0 for none
}

var errTakenOver = errors.New("another run has taken over")

func (d *memoryCheckpoints) Load(context.Context, pg.Tx) (all []backfill.Checkpoint, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.saved {
		all = append(all, p)
	}
	return all, nil
}

func (d *memoryCheckpoints) Save(_ context.Context, _ pg.Tx, p backfill.Checkpoint) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saved[p.Region] = p
	d.saves++
	return nil
}

func (*memoryCheckpoints) Preconditions() []pg.Precondition { return nil }

func (d *memoryCheckpoints) Guard(context.Context, pg.Tx) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limit > 0 && d.saves >= d.limit {
		return errTakenOver
	}
	return nil
}

// A run that another one replaced leaves a plan, the next run continues it, and their rows add up.
func TestResumesPlan(t *testing.T) {
	b := newEnv(t, servertest.Cluster(t, 15), tableCases()["seconds at random"].sql+addUUID)
	d := &memoryCheckpoints{saved: map[int64]backfill.Checkpoint{}, limit: 4}
	w := smallRegions(b.job())
	w.Checkpoints = d
	w.Workers = 1 // the last batch of a second worker could be committed without being counted
	first, err := run(t.Context(), w)
	if !errors.Is(err, errTakenOver) || first.Rows == 0 || first.Rows == rows {
		t.Fatalf("the first run returned %+v, %v", first, err)
	}
	tables := b.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'rekey'")
	d.limit = 0
	second := b.fill(w)
	b.requireOrder("at")
	var saved int64
	for _, p := range d.saved {
		saved += p.Rows
	}
	if tables == 0 || first.Rows+second.Rows != rows || saved > rows || saved < second.Rows {
		t.Errorf("the interrupted run left %d tables; %d and %d rows were filled, %d are in the checkpoints", tables, first.Rows, second.Rows, saved)
	}
}

// A plan for a dropped column is not used, and neither is its cutoff.
func TestIgnoresPlanOfDroppedColumn(t *testing.T) {
	b := newEnv(t, servertest.Cluster(t, 15), tableCases()["the future"].sql+addUUID)
	d := &memoryCheckpoints{saved: map[int64]backfill.Checkpoint{}, limit: 4}
	w := smallRegions(b.job())
	w.Checkpoints = d
	if _, err := run(t.Context(), w); !errors.Is(err, errTakenOver) {
		t.Fatal(err)
	}
	b.exec("ALTER TABLE t DROP uuid; ALTER TABLE t ADD uuid uuid")
	w = smallRegions(b.job())
	cutoff := w.Cutoff
	w.Cutoff = cutoff.AddDate(0, 0, -1)
	if result := b.fill(w); result.Rows != rows || !result.Cutoff.Equal(w.Cutoff) {
		t.Errorf("the result is %+v", result)
	}
	if proof := b.prove(w); proof.Judged != rows || !proof.Holds() {
		t.Errorf("the proof is %+v", proof)
	}
	if err := pg.Run(t.Context(), b.pool, pg.Settings{}, func(tx pg.Tx) error { return DropPlan(t.Context(), tx, w.Table.OID) }); err != nil {
		t.Error(err)
	}
}
