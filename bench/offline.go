package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// items is the table that is migrated.
func items() sqltext.Table { return sqltext.Table{Schema: "public", Name: "items"} }

// offline is way (a): the original's statements, each in its own transaction, which blocks the application for less
// time than one transaction for all. The volatile default makes ADD COLUMN rewrite the table and every index; the loop
// after it finds no rows.
func offline(kind func(*lab) function) func(context.Context, *site) (outcome, error) {
	return func(ctx context.Context, s *site) (outcome, error) {
		session, err := pgx.Connect(ctx, s.url)
		if err != nil {
			return outcome{}, err
		}
		defer session.Close(context.WithoutCancel(ctx))
		f := kind(s.lab)
		t := timed{session: session, locks: &Locks{By: byStatement}}
		err = t.all(ctx,
			plain(f.create),
			locking(sqltext.Format("ALTER TABLE {} ADD COLUMN uuid uuid DEFAULT {}()", items(), f.name)),
			plain(sqltext.Format("UPDATE {} SET uuid = {}() WHERE id IN (SELECT id FROM {} WHERE uuid IS NULL LIMIT 10000)",
				items(), f.name, items())),
			plain(sqltext.Format("CREATE UNIQUE INDEX items_uuid_idx ON {} (uuid)", items())),
			locking(sqltext.Format("ALTER TABLE {} ALTER COLUMN uuid SET NOT NULL", items())),
		)
		return outcome{locks: t.locks}, err
	}
}

// timed executes statements and measures those that take ACCESS EXCLUSIVE.
type timed struct {
	session *pgx.Conn
	locks   *Locks
}

// statement is one statement of a way; exclusive means that it takes ACCESS EXCLUSIVE on the table.
type statement struct {
	sql       string
	exclusive bool
}

func plain(sql string) statement   { return statement{sql: sql} }
func locking(sql string) statement { return statement{sql: sql, exclusive: true} }

func (t timed) all(ctx context.Context, statements ...statement) error {
	for _, one := range statements {
		begun := time.Now()
		if err := execute(ctx, t.session, one.sql); err != nil {
			return err
		}
		if one.exclusive {
			t.locks.add(time.Since(begun))
		}
	}
	return nil
}
