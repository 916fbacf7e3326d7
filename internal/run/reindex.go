package run

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// rebuildIndex runs REINDEX INDEX CONCURRENTLY. If it fails, it drops the invalid indexes that are left: they slow down every write.
func (e *Executor) rebuildIndex(ctx context.Context, g plan.Group, a step.Concurrently) error {
	err := e.dropIndex(ctx, a.Table, a.Statement)
	if err == nil || ctx.Err() != nil {
		return err
	}
	left, listErr := e.leftOfReindex(ctx, a)
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	for _, name := range left {
		drop := step.Concurrently{Table: a.Table, Index: name, Invalid: true}
		if e.dropInvalidIndex(ctx, drop) != nil {
			e.Emit.Emit(event.Notice{Table: g.String(), Text: "index " + name + " is invalid and could not be dropped; " +
				"the next run drops it, or run: " + dropIndexSQL(drop)})
		}
	}
	return err
}

// leftOfReindex returns the names of the invalid indexes that REINDEX CONCURRENTLY of an index has left.
func (e *Executor) leftOfReindex(ctx context.Context, a step.Concurrently) (left []string, err error) {
	err = pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
		found, err := tx.Query(ctx, sqltext.Format("SELECT c.relname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"+
			" WHERE NOT i.indisvalid AND i.indrelid = pg_catalog.to_regclass({})", sqltext.Value(sqltext.Format("{}", a.Table))))
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(found, pgx.RowTo[string])
		for _, name := range names {
			if step.IsLeftOfReindex(name, a.Index) {
				left = append(left, name)
			}
		}
		return err
	})
	return left, err
}
