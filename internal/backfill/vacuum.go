package backfill

import (
	"context"
	"fmt"
	"sync"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// vacuumParts is how often a table that is filled the plain way is vacuumed, at most. Measured with
// BenchmarkVacuum: table and indexes end a quarter smaller, for no more WAL.
const vacuumParts = 8

// vacuums counts what was filled the plain way since the last VACUUM.
type vacuums struct {
	mu    sync.Mutex
	pages int64
}

// due tells whether another part of the table is done; who is told so does it.
func (v *vacuums) due(pages, all int64) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pages += pages
	if v.pages*vacuumParts < all {
		return false
	}
	v.pages = 0
	return true
}

// vacuumSQL gives the space of rows that have moved to those that are still to move. It waits for nobody,
// cuts no empty pages off, which would take ACCESS EXCLUSIVE, and leaves the indexes to autovacuum.
func vacuumSQL(t statements) string {
	return sqltext.Format("VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP false) {}", t.table)
}

// reuse vacuums after a part that was filled the plain way. That it does not come about costs space and
// nothing else.
func (w *worker) vacuumIfDue(ctx context.Context) error {
	if w.Vacuum == nil || w.position.Waves > 1 || !w.choice.Vacuum && !w.inPlace.prunable() {
		return nil
	}
	w.mu.Lock()
	last := w.exhausted
	w.mu.Unlock()
	if last || !w.vacuums.due(w.pages, w.Table.Pages) {
		return nil
	}
	if err := w.Wait(ctx, w.progress); err != nil {
		return err
	}
	sql := vacuumSQL(w.sql)
	if err := w.Vacuum(ctx, sql); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	w.progress.Emit(event.Notice{Table: w.Target.String(), Text: fmt.Sprintf("the rows move to other pages: "+
		"%s has let those that follow use the space that they left", sql)})
	return nil
}
