package backfill

import (
	"context"
	"fmt"
	"sync"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// vacuumParts is how often a table that is filled in one pass is vacuumed, at most. Measured with BenchmarkVacuum: table and
// indexes end up a quarter smaller, for no more WAL.
const vacuumParts = 8

// vacuums counts the pages filled in one pass since the last VACUUM.
type vacuums struct {
	mu    sync.Mutex
	pages int64
}

// due adds pages and reports whether the caller must run VACUUM.
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

// vacuumSQL makes the space of rows that moved available to the rows that follow. SKIP_LOCKED does not wait for locks,
// TRUNCATE false avoids ACCESS EXCLUSIVE, and INDEX_CLEANUP false leaves the indexes to autovacuum.
func vacuumSQL(t statements) string {
	return sqltext.Format("VACUUM (SKIP_LOCKED, TRUNCATE false, INDEX_CLEANUP false) {}", t.table.All())
}

// vacuumIfDue runs VACUUM after a part of the table that was filled in one pass. It ignores an error, which costs only space.
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
	if err := w.Wait(ctx); err != nil {
		return err
	}
	sql := vacuumSQL(w.sql)
	if err := w.Vacuum(ctx, sql); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return nil
	}
	w.Progress.Emit(event.Notice{Table: w.Name().String(), Text: fmt.Sprintf("rows move to other pages; "+
		"%s made the space that they left available", sql)})
	return nil
}
