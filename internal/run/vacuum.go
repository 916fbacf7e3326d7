package run

import (
	"context"
	_ "embed"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/lock_waiters.sql
var lockWaitersSQL string

// vacuum runs a VACUUM of a table on a connection of its own, as one by hand is: nothing makes
// that one yield but us.
func (e *Executor) vacuum(t step.Target) func(context.Context, string) error {
	table := t.Relation()
	return func(ctx context.Context, sql string) error {
		if err := e.checkGuard(ctx); err != nil {
			return err
		}
		watch, end := background(ctx)
		defer end()
		return pg.ExecOutsideTx(ctx, e.Direct, sql, func(pid uint32) {
			watch(func(ctx context.Context) { e.cancelIfUnwanted(ctx, table, pid) })
		})
	}
}

// giveWay cancels the backend's statement when another session wants the table, when the run is to stand
// still, and when it is to end.
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

// asked tells whether the run was asked to end.
func (e *Executor) stopRequested() bool {
	select {
	case <-e.Stop:
		return true
	default:
		return false
	}
}
