package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// usualBatch is the number of rows per batch of way (b).
const usualBatch = 10_000

// batched is way (b), the usual online migration. One worker walks up the primary key in ranges of 10,000 rows, with
// prepared statements, without pauses and without waiting for the WAL, as rekey does. Then it builds the index
// concurrently and sets NOT NULL by way of a validated CHECK. It uses rekey's function.
func batched(ctx context.Context, s *site) (outcome, error) {
	session, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return outcome{}, err
	}
	defer session.Close(context.WithoutCancel(ctx))
	f := rekeyFunction(s.lab)
	t := timed{session: session, locks: &Locks{By: byStatement}}
	err = t.all(ctx,
		plain(f.create),
		locking(sqltext.Format("ALTER TABLE {} ADD COLUMN uuid uuid, ALTER COLUMN uuid SET DEFAULT {}()", items(), f.name)),
		plain("SET synchronous_commit = off"),
	)
	if err != nil {
		return outcome{}, err
	}
	if err := walk(ctx, session, f); err != nil {
		return outcome{}, err
	}
	err = t.all(ctx,
		plain("RESET synchronous_commit"),
		plain(sqltext.Format("CREATE UNIQUE INDEX CONCURRENTLY items_uuid_idx ON {} (uuid)", items())),
		locking(sqltext.Format("ALTER TABLE {} ADD CONSTRAINT items_uuid_present CHECK (uuid IS NOT NULL) NOT VALID", items())),
		plain(sqltext.Format("ALTER TABLE {} VALIDATE CONSTRAINT items_uuid_present", items())),
		locking(sqltext.Format("ALTER TABLE {} ALTER COLUMN uuid SET NOT NULL", items())),
		locking(sqltext.Format("ALTER TABLE {} DROP CONSTRAINT items_uuid_present", items())),
	)
	return outcome{locks: t.locks}, err
}

// walk fills the column batch by batch. Rows that are inserted at the same time have the default.
func walk(ctx context.Context, session *pgx.Conn, f function) error {
	var last int64
	if err := session.QueryRow(ctx, sqltext.Format("SELECT coalesce(max(id), 0) FROM {}", items())).Scan(&last); err != nil {
		return err
	}
	next := sqltext.Format("SELECT id FROM {} WHERE id > $1 ORDER BY id OFFSET {} LIMIT 1", items(), usualBatch-1)
	fill := sqltext.Format("UPDATE {} SET uuid = {}() WHERE id > $1 AND id <= $2 AND uuid IS NULL", items(), f.name)
	for from := int64(0); from < last; {
		var to int64
		err := session.QueryRow(ctx, next, from).Scan(&to)
		if errors.Is(err, pgx.ErrNoRows) {
			to, err = last, nil
		}
		if err != nil {
			return err
		}
		if _, err := session.Exec(ctx, fill, from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}
