package run

import (
	"context"
	_ "embed"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/lock_waiters.sql
var lockWaitersSQL string

// vacuum returns a function that runs a VACUUM of a table on a session of its own. Unlike an autovacuum it does not
// yield to other sessions by itself, so rekey cancels it when it must.
func (e *Executor) vacuum(t step.Target) func(context.Context, string) error {
	table := t.Relation()
	return func(ctx context.Context, sql string) error {
		if err := e.checkGuard(ctx); err != nil {
			return err
		}
		watch, end := background(ctx)
		defer end()
		defer e.Pace.Begin()()
		return pg.ExecOutsideTx(ctx, e.Direct, sql, func(pid uint32) {
			watch(func(ctx context.Context) { e.cancelIfUnwanted(ctx, table, pid) })
		})
	}
}

// cancelIfUnwanted cancels the VACUUM when another session waits for a lock on the table, when the run is paused
// and when it must end.
func (e *Executor) cancelIfUnwanted(ctx context.Context, table string, pid uint32) {
	poll(ctx, deadlockCheckInterval, func() error {
		reason, _ := e.Pace.Paused()
		return pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
			wanted := e.stopRequested() || reason != ""
			if !wanted {
				if err := tx.QueryRow(ctx, lockWaitersSQL, table, int64(pid)).Scan(&wanted); err != nil || !wanted {
					return err
				}
			}
			return cancelStatement(ctx, tx, pid)
		})
	})
}

// stopRequested reports whether the run was asked to end.
func (e *Executor) stopRequested() bool {
	select {
	case <-e.Stop:
		return true
	default:
		return false
	}
}
