package backfill

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/heaponly.sql
var heapOnlyQuery string

//go:embed queries/horizon.sql
var horizonQuery string

const (
	// sampledFrom is the first wave that should find room in place.
	firstSampledWave = 2
	// leastShare of heap-only updates makes waves worth while: a plain pass reads the table but once.
	minHeapOnly = 0.2
	// plainRegions are filled the plain way before waves are tried again: what was in the way may be gone.
	onePassRegions = 8
)

// inPlace watches whether updates are heap-only, by samples, and turns waves off while they are not.
type inPlace struct {
	mu             sync.Mutex
	rows, heapOnly int64
	onePass        int  // regions that are still to be filled the plain way
	vacuumable     bool // they are, and no old snapshot is the cause: a VACUUM can take dead rows away
}

// counts are a session's own figures of its updates of one table.
type updateCounts struct{ updated, heapOnly int64 }

func (f *filler) updateCounts(ctx context.Context, tx pg.Tx) (c updateCounts, err error) {
	err = tx.QueryRow(ctx, heapOnlyQuery, f.Table.OID).Scan(&c.updated, &c.heapOnly)
	return c, err
}

// add notes a sample.
func (p *inPlace) add(before, after updateCounts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows += after.updated - before.updated
	p.heapOnly += after.heapOnly - before.heapOnly
}

// share is that of heap-only updates among the sampled ones; 0 without a sample.
func (p *inPlace) share() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rows == 0 {
		return 0
	}
	return float64(p.heapOnly) / float64(p.rows)
}

// waves is how many the next region gets.
func (p *inPlace) waves(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.onePass > 0 {
		p.onePass--
		return 1
	}
	return n
}

func (p *inPlace) turnOff(prunable bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onePass, p.vacuumable = onePassRegions, prunable
}

func (p *inPlace) prunable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.vacuumable
}

// judge looks at the samples of a region that was filled in waves and, where they were in vain, says so
// and why.
func (f *filler) checkHeapOnly(ctx context.Context, s updateCounts) error {
	const enough = 100 // rows of a sample
	if s.updated < enough || float64(s.heapOnly) >= minHeapOnly*float64(s.updated) {
		return nil
	}
	var snapshots []string
	err := f.runTransaction(ctx, func(tx pg.Tx) error {
		rows, err := tx.Query(ctx, horizonQuery)
		if err != nil {
			return err
		}
		snapshots, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	f.inPlace.turnOff(err == nil && len(snapshots) == 0)
	cause := "no old snapshot is to be seen; a trigger that changes an indexed column would explain it"
	if len(snapshots) > 0 {
		cause = strings.Join(snapshots, "; ") + " keeps dead rows from being pruned"
	}
	f.progress.Emit(event.Notice{Table: f.Target.String(), Text: fmt.Sprintf(
		"only %d %% of the updates are heap-only: the next %d regions are filled in one plain pass, then waves are tried again: %s",
		100*s.heapOnly/s.updated, onePassRegions, cause)})
	return err
}
