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

// diary remembers places, and lets no transaction through once so many regions are done.
type diary struct {
	mu     sync.Mutex
	places map[int64]backfill.Checkpoint
	done   int
	most   int // 0: none is too many
}

var errTaken = errors.New("another run has taken over")

func (d *diary) Load(context.Context, pg.Tx) (all []backfill.Checkpoint, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.places {
		all = append(all, p)
	}
	return all, nil
}

func (d *diary) Save(_ context.Context, _ pg.Tx, p backfill.Checkpoint) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.places[p.Region] = p
	d.done++
	return nil
}

func (d *diary) Guard(context.Context, pg.Tx) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.most > 0 && d.done >= d.most {
		return errTaken
	}
	return nil
}

// A run that was fenced off leaves a plan, the next goes on by it, and their rows add up.
func TestFencedRunGoesOn(t *testing.T) {
	b := lay(t, servertest.Cluster(t, 15), sets()["seconds at random"].sql+after)
	d := &diary{places: map[int64]backfill.Checkpoint{}, most: 4}
	w := small(b.work())
	w.Checkpoints = d
	w.Workers = 1 // another one's batch could be committed and not confirmed any more
	first, err := Run(t.Context(), w)
	if !errors.Is(err, errTaken) || first.Rows == 0 || first.Rows == rows {
		t.Fatalf("%+v, %v", first, err)
	}
	kept := b.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'rekey'")
	d.most = 0
	second := b.fill(w)
	b.ordered("at")
	var saved int64
	for _, p := range d.places {
		saved += p.Rows
	}
	if kept == 0 || first.Rows+second.Rows != rows || saved > rows || saved < second.Rows {
		t.Errorf("%d tables were kept; %d and %d rows, %d in the diary", kept, first.Rows, second.Rows, saved)
	}
}

// A plan for a column that is gone is not followed, nor is its moment taken.
func TestPlanOfADroppedColumn(t *testing.T) {
	b := lay(t, servertest.Cluster(t, 15), sets()["the future"].sql+after)
	d := &diary{places: map[int64]backfill.Checkpoint{}, most: 4}
	w := small(b.work())
	w.Checkpoints = d
	if _, err := Run(t.Context(), w); !errors.Is(err, errTaken) {
		t.Fatal(err)
	}
	b.exec("ALTER TABLE t DROP uuid; ALTER TABLE t ADD uuid uuid")
	w = small(b.work())
	moment := w.Cutoff
	w.Cutoff = moment.AddDate(0, 0, -1)
	if result := b.fill(w); result.Rows != rows || !result.Cutoff.Equal(w.Cutoff) {
		t.Errorf("%+v", result)
	}
	if proof := b.prove(w); proof.Judged != rows || !proof.Holds() {
		t.Errorf("%+v", proof)
	}
	if err := pg.Run(t.Context(), b.pool, pg.Settings{}, func(tx pg.Tx) error { return DropPlan(t.Context(), tx, w.Table.OID) }); err != nil {
		t.Error(err)
	}
}
