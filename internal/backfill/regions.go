package backfill

import (
	"context"
	_ "embed"
	"errors"
	"sync"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/settings.sql
var settingsQuery string

// errRewritten reports that VACUUM FULL, CLUSTER or TRUNCATE gave the table another file, which makes page numbers useless.
var errRewritten = errors.New("the table was rewritten during the filling")

const (
	maxRewrites = 3 // over a table that is rewritten again and again; then the passes fill the rest
	minRegion   = 512
	// regionTime is well below a checkpoint interval: each page that is changed before and after a checkpoint is written to
	// the WAL in full once more.
	regionTime = time.Minute
)

// pass is one attempt to fill all regions, which its workers take from a common queue.
type pass struct {
	*statementMethod
	filenode   uint32
	mu         sync.Mutex
	remaining  tableRange    // not yet assigned to a worker
	exhausted  bool          // nothing remains
	regionSize int64         // pages of the next region
	maxRegion  int64         // pages of the largest region
	target     time.Duration // of one region
}

// regions fills all current pages of the table in waves.
func (m *statementMethod) regions(ctx context.Context) error {
	for range maxRewrites {
		if err := m.pass(ctx); !errors.Is(err, errRewritten) {
			return err
		}
	}
	return nil
}

func (m *statementMethod) pass(ctx context.Context) error {
	p := &pass{statementMethod: m}
	resumed, err := p.begin(ctx)
	if err != nil {
		return err
	}
	workers := max(m.workers(), len(resumed))
	p.regionSize = evenRegion(p.regionSize, m.Table.Pages, int64(workers))
	return Parallel(ctx, workers, func(ctx context.Context, i int) error {
		w := &worker{pass: p, number: int64(i), position: position{Over: true}}
		if i < len(resumed) {
			w.position = resumed[i]
		}
		return w.work(ctx)
	})
}

// workers returns the number of concurrent workers.
func (m *statementMethod) workers() int {
	if m.Workers <= 0 && m.Table.Pages <= smallPages {
		return 1
	}
	return m.WorkerCount()
}

// evenRegion makes a region smaller so that all workers get the same number of regions of about the same size.
func evenRegion(region, pages, workers int64) int64 {
	rounds := max((pages+region*workers-1)/(region*workers), 1)
	return max((pages+rounds*workers-1)/(rounds*workers), 1)
}

// begin reads the state of the table and the positions of an earlier run.
func (p *pass) begin(ctx context.Context) (resumed []position, err error) {
	err = p.transaction(ctx, func(tx pg.Tx) error {
		resumed = nil
		end, ok, err := p.ranges.end(ctx, tx)
		if err != nil {
			return err
		}
		p.remaining, p.exhausted = tableRange{open: true, to: end}, !ok
		if p.filenode, err = p.currentFilenode(ctx, tx); err != nil {
			return err
		}
		if err := p.setSizes(ctx, tx); err != nil || p.Checkpoints == nil {
			return err
		}
		checkpoints, err := p.Checkpoints.Load(ctx, tx)
		resumed = p.resume(checkpoints)
		return err
	})
	return resumed, err
}

// setSizes limits regions by the WAL between two checkpoints, and makes them smaller at a slower pace.
func (p *pass) setSizes(ctx context.Context, tx pg.Tx) error {
	var wal, seconds int64
	if err := tx.QueryRow(ctx, settingsQuery).Scan(&wal, &seconds); err != nil {
		return err
	}
	const written = 3 * 8192 // bytes of WAL per page, over all waves
	const parts = 4          // a region takes at most a quarter of the interval
	p.maxRegion = min(p.choice.Region, wal/parts/written/int64(p.workers()))
	p.maxRegion = max(int64(float64(p.maxRegion)*p.Pace.Speed().Duty()), min(minRegion, p.choice.Region))
	p.target = min(regionTime, time.Duration(seconds)*time.Second/parts)
	p.regionSize = p.maxRegion
	return nil
}

// resume returns the positions of an earlier run and excludes the regions that it assigned. It assigned them in order, so
// that everything below the last one is excluded; the sweeps fill a region that was assigned and not begun.
func (p *pass) resume(checkpoints []Checkpoint) (resumed []position) {
	var filled int64
	for _, checkpoint := range checkpoints {
		saved, ok := decode(checkpoint, p.choice.By)
		if checkpoint.Filenode != p.filenode || !ok {
			continue
		}
		filled += checkpoint.Rows
		if !p.exhausted && (p.remaining.open || saved.To > p.remaining.from) {
			p.remaining = p.remaining.after(saved.To)
		}
		resumed = append(resumed, saved)
	}
	p.exhausted = p.exhausted || !p.remaining.open && p.remaining.from >= p.remaining.to
	p.Progress.SetTotal(max(int64(p.Table.Rows)-filled, 0))
	return resumed
}

// currentFilenode returns pg_relation_filenode, 0 for a table that was dropped. A new filenode means new pages.
func (m *statementMethod) currentFilenode(ctx context.Context, tx pg.Tx) (uint32, error) {
	var node int64
	err := tx.QueryRow(ctx, sqltext.Format("SELECT coalesce(pg_relation_filenode({}::oid), 0)::int8", m.Table.OID)).Scan(&node)
	return uint32(node), err
}

// nextRegion assigns the next region to a worker; ok is false if there is none.
func (p *pass) nextRegion(ctx context.Context, w *worker) (ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exhausted {
		return false, nil
	}
	err = p.transaction(ctx, func(tx pg.Tx) error {
		var end int64
		if end, ok, err = p.ranges.split(ctx, tx, p.remaining, p.regionSize); err != nil || !ok {
			return err
		}
		taken := p.remaining.upTo(end)
		w.position = position{By: p.choice.By, From: taken.from, Open: taken.open, To: taken.to, Waves: p.inPlace.waves(p.choice.Waves), filled: w.position.filled}
		return w.save(ctx, tx, w.position)
	})
	if err != nil || !ok {
		p.exhausted = p.exhausted || err == nil
		return false, err
	}
	w.pages = p.regionSize
	p.remaining = p.remaining.after(w.position.To)
	p.exhausted = p.remaining.from >= p.remaining.to
	return true, nil
}

// recordRegion makes the next regions smaller if one of so many pages took too long.
func (p *pass) recordRegion(pages int64, elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pages == 0 { // the region was resumed and its duration is not known
		return
	}
	fits := int64(float64(pages) * float64(p.target) / float64(max(elapsed, time.Millisecond)))
	p.regionSize = max(min(p.regionSize, fits), min(minRegion, p.maxRegion))
}
