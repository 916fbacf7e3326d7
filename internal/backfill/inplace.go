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
	// firstSampledWave is the first wave whose rows should stay in place.
	firstSampledWave = 2
	// minHeapOnly is the share of heap-only updates from which waves pay: one pass reads the table only once.
	minHeapOnly = 0.2
	// onePassRegions are filled in one pass before waves are tried again, since the cause may be gone by then.
	onePassRegions = 8
)

// inPlace samples whether updates are heap-only, and turns waves off while they are not.
type inPlace struct {
	mu             sync.Mutex
	rows, heapOnly int64
	onePass        int  // regions still to be filled in one pass
	vacuumable     bool // waves are off, and no old snapshot is the cause: a VACUUM can remove dead rows
}

// updateCounts are a session's own statistics of its updates of one table.
type updateCounts struct{ updated, heapOnly int64 }

func (m *statementMethod) updateCounts(ctx context.Context, tx pg.Tx) (c updateCounts, err error) {
	err = tx.QueryRow(ctx, heapOnlyQuery, m.Table.OID).Scan(&c.updated, &c.heapOnly)
	return c, err
}

// add adds a sample.
func (p *inPlace) add(before, after updateCounts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rows += after.updated - before.updated
	p.heapOnly += after.heapOnly - before.heapOnly
}

// share returns the share of heap-only updates in all samples, 0 without a sample.
func (p *inPlace) share() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rows == 0 {
		return 0
	}
	return float64(p.heapOnly) / float64(p.rows)
}

// waves returns the number of waves for the next region.
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

// checkHeapOnly checks the samples of a region that was filled in waves. If too few updates were heap-only, it turns waves
// off and reports the cause.
func (m *statementMethod) checkHeapOnly(ctx context.Context, s updateCounts) error {
	const enough = 100 // sampled rows
	if s.updated < enough || float64(s.heapOnly) >= minHeapOnly*float64(s.updated) {
		return nil
	}
	var snapshots []string
	err := m.transaction(ctx, func(tx pg.Tx) error {
		rows, err := tx.Query(ctx, horizonQuery)
		if err != nil {
			return err
		}
		snapshots, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	m.inPlace.turnOff(err == nil && len(snapshots) == 0)
	cause := "no old snapshot was found; a trigger that changes an indexed column may be the cause"
	if len(snapshots) > 0 {
		cause = strings.Join(snapshots, "; ") + " prevents the removal of dead rows"
	}
	m.Progress.Emit(event.Notice{Table: m.Name().String(), Text: fmt.Sprintf(
		"only %d%% of the updates are heap-only: the next %d regions are filled in one pass before waves are tried again: %s",
		100*s.heapOnly/s.updated, onePassRegions, cause)})
	return err
}
