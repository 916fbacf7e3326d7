package guard

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Read calls work in a read-only transaction with one snapshot, as pg.Read does. If there is something to watch, it locks the tables and
// checks their code before that, in the same transaction. It returns the refusal of a table whose code must not run.
func (w *Watch) Read(ctx context.Context, pool *pgxpool.Pool, work func(pg.Tx) error) error {
	if w == nil {
		return pg.Read(ctx, pool, work)
	}
	return pg.ReadLater(ctx, pool, func(tx pg.Tx) error {
		if err := w.lock(ctx, tx); err != nil {
			return err
		}
		if err := w.Check(ctx, tx); err != nil {
			return err
		}
		return work(tx)
	})
}

// locks are the lock modes of reads, the strongest first. None conflicts with reads and writes.
//
// Planning a query evaluates constant parts of the indexes and statistics of its tables, so nothing that adds some may commit between the
// check and the query. SHARE UPDATE EXCLUSIVE conflicts with all statements that could: also with CREATE STATISTICS and with ALTER TABLE
// that attaches a child. Autovacuum and concurrent index builds hold the same mode, for hours; while another session has it, ROW
// EXCLUSIVE keeps out CREATE INDEX. A role that may only read gets ACCESS SHARE, which keeps the names of the tables.
//
//nolint:gochecknoglobals // a constant that Go cannot write
var locks = []string{"SHARE UPDATE EXCLUSIVE MODE NOWAIT", "ROW EXCLUSIVE MODE", "ACCESS SHARE MODE"}

// lock locks all tables in the strongest mode that the role can get.
func (w *Watch) lock(ctx context.Context, tx pg.Tx) error {
	tables := w.lockable()
	for i, mode := range locks {
		if _, err := tx.Exec(ctx, "SAVEPOINT code"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "LOCK TABLE "+strings.Join(tables, ", ")+" IN "+mode)
		if err == nil || i == len(locks)-1 || !denied(err) {
			return err
		}
		if _, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT code"); err != nil {
			return err
		}
	}
	return nil
}

// denied reports whether a weaker lock may succeed: another session has the table, the role lacks a privilege, or the server is a
// standby.
func denied(err error) bool {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains([]string{
		pgerrcode.LockNotAvailable, pgerrcode.InsufficientPrivilege, pgerrcode.ReadOnlySQLTransaction, pgerrcode.ObjectNotInPrerequisiteState,
	}, serverErr.Code)
}

// lockable returns the names of all tables of the watch that can be locked, in one order.
func (w *Watch) lockable() []string {
	var names []string
	for at := w; at != nil; at = at.next {
		for _, one := range at.table.All() {
			if one.Kind == catalog.Ordinary || one.Kind == catalog.Partitioned {
				names = append(names, sqltext.Format("{}", sqltext.Table{Schema: one.Schema, Name: one.Name, Only: true}))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
