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

// errMoved says that the table has other files than when its regions were cut: VACUUM FULL, CLUSTER,
// TRUNCATE. No page number means anything any more.
var errRewritten = errors.New("the table was rewritten meanwhile")

const (
	maxPasses = 3 // over a table that is rewritten again and again; then the sweeps have it all
	minRegion = 512
	// regionTime is well inside a checkpoint interval: a page that a checkpoint comes upon between two
	// waves goes into the WAL as a whole once more.
	regionTime = time.Minute
)

// pass is one way through the regions, which its workers take from a common queue.
type pass struct {
	*filler
	filenode   uint32
	mu         sync.Mutex
	remaining  tableRange    // not yet given out
	exhausted  bool          // nothing is left
	regionSize int64         // pages of the next one
	maxRegion  int64         // and of the largest
	target     time.Duration // in which one is to be done
}

// regions takes all the table's pages of now through the waves.
func (f *filler) regions(ctx context.Context) error {
	for range maxPasses {
		if err := f.pass(ctx); !errors.Is(err, errRewritten) {
			return err
		}
	}
	return nil
}

func (f *filler) pass(ctx context.Context) error {
	p := &pass{filler: f}
	begun, err := p.begin(ctx)
	if err != nil {
		return err
	}
	workers := max(f.workers(), len(begun))
	p.regionSize = evenRegion(p.regionSize, f.Table.Pages, int64(workers))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for i := range workers {
		w := &worker{pass: p, number: int64(i)}
		if i < len(begun) {
			w.position = begun[i]
		} else {
			w.position.Over = true
		}
		group.Go(func() {
			if errs[i] = w.work(ctx); errs[i] != nil && !errors.Is(errs[i], ErrStopped) {
				cancel(errs[i])
			}
		})
	}
	group.Wait()
	return firstError(errs)
}

// even makes a region no larger, so that the workers get equally many of about the same size.
func evenRegion(region, pages, workers int64) int64 {
	rounds := max((pages+region*workers-1)/(region*workers), 1)
	return max((pages+rounds*workers-1)/(rounds*workers), 1)
}

// first gives the error that matters: one that is not just another worker's echo.
func firstError(errs []error) error {
	var stopped error
	for _, err := range errs {
		if err != nil && !errors.Is(err, ErrStopped) {
			return err
		}
		stopped = errors.Join(stopped, err)
	}
	if stopped != nil {
		return ErrStopped
	}
	return nil
}

// begin looks at the table as it is now and takes up what an earlier run left.
func (p *pass) begin(ctx context.Context) (begun []position, err error) {
	err = p.runTransaction(ctx, func(tx pg.Tx) error {
		begun = nil
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
		places, err := p.Checkpoints.Load(ctx, tx)
		begun = p.resume(places)
		return err
	})
	return begun, err
}

// size bounds the regions by what the server writes between two checkpoints, and makes them smaller
// where the pace is slower.
func (p *pass) setSizes(ctx context.Context, tx pg.Tx) error {
	var wal, seconds int64
	if err := tx.QueryRow(ctx, settingsQuery).Scan(&wal, &seconds); err != nil {
		return err
	}
	const written = 3 * 8192 // bytes of WAL a page, over all its waves
	const part = 4           // of the interval
	p.maxRegion = min(p.choice.Region, wal/part/written/int64(p.workers()))
	p.maxRegion = max(int64(float64(p.maxRegion)*p.Pace.Speed().Duty()), min(minRegion, p.choice.Region))
	p.target = min(regionTime, time.Duration(seconds)*time.Second/part)
	p.regionSize = p.maxRegion
	return nil
}

// resume gives the positions of an earlier run and leaves out what it had given out. Regions are given
// out in order, so all below the farthest was; one that was given out and not begun is the sweeps'.
func (p *pass) resume(places []Checkpoint) (begun []position) {
	var filled int64
	for _, place := range places {
		saved, ok := decode(place, p.choice.By)
		if place.Filenode != p.filenode || !ok {
			continue
		}
		filled += place.Rows
		if !p.exhausted && (p.remaining.open || saved.To > p.remaining.from) {
			p.remaining = p.remaining.after(saved.To)
		}
		begun = append(begun, saved)
	}
	p.exhausted = p.exhausted || !p.remaining.open && p.remaining.from >= p.remaining.to
	p.progress.SetTotal(max(int64(p.Table.Rows)-filled, 0))
	return begun
}

// files gives pg_relation_filenode: other files, other pages. 0 is for a table that is gone.
func (f *filler) currentFilenode(ctx context.Context, tx pg.Tx) (uint32, error) {
	var node int64
	err := tx.QueryRow(ctx, sqltext.Format("SELECT coalesce(pg_relation_filenode({}::oid), 0)::int8", f.Table.OID)).Scan(&node)
	return uint32(node), err
}

// claim gives out the next region.
func (p *pass) nextRegion(ctx context.Context, w *worker) (ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exhausted {
		return false, nil
	}
	err = p.runTransaction(ctx, func(tx pg.Tx) error {
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

// took makes the next regions smaller when one of so many pages took too long.
func (p *pass) recordRegion(pages int64, elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pages == 0 { // it was taken up in its middle
		return
	}
	fits := int64(float64(pages) * float64(p.target) / float64(max(elapsed, time.Millisecond)))
	p.regionSize = max(min(p.regionSize, fits), min(minRegion, p.maxRegion))
}
