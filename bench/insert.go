package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// inserts measures rows that enter a table whose unique index already has as many, by v7 and by v4. A checkpoint
// precedes them, so that the WAL contains every changed page of the index as a full page once.
func (l *lab) inserts(ctx context.Context) error {
	kinds := []struct {
		version string
		makes   sqltext.Table
	}{
		{"v7", rekeyFunction(l).name},
		{"v4", sqltext.Table{Schema: "pg_catalog", Name: "gen_random_uuid"}},
	}
	for _, kind := range kinds {
		found, err := l.insert(ctx, kind.makes)
		if err != nil {
			return fmt.Errorf("inserting %s: %w", kind.version, err)
		}
		found.Version = kind.version
		l.server.Inserts = append(l.server.Inserts, found)
		l.say(fmt.Sprintf("inserts %s: %s", kind.version, seconds(found.Wall)))
	}
	return nil
}

func (l *lab) insert(ctx context.Context, makes sqltext.Table) (Insert, error) {
	found := Insert{Rows: l.options.inserts}
	s, err := l.copy(ctx)
	if err != nil {
		return found, err
	}
	defer func() { _ = s.close(ctx) }()
	err = execute(
		ctx, s.watch, rekeyFunction(l).create,
		sqltext.Format("CREATE TABLE public.keyed (uuid uuid NOT NULL DEFAULT {}(), body text NOT NULL)", makes),
		"CREATE UNIQUE INDEX keyed_uuid_idx ON public.keyed (uuid)",
	)
	if err == nil {
		err = pour(ctx, s.watch, found.Rows)
	}
	if err == nil {
		err = execute(ctx, s.watch, "CHECKPOINT")
	}
	if err != nil {
		return found, err
	}
	before, err := s.position(ctx)
	if err != nil {
		return found, err
	}
	begun := time.Now()
	if err := pour(ctx, s.watch, found.Rows); err != nil {
		return found, err
	}
	found.Wall = time.Since(begun)
	after, err := s.position(ctx)
	if err != nil {
		return found, err
	}
	found.WAL = after - before
	err = s.watch.QueryRow(ctx, "SELECT pg_relation_size('public.keyed_uuid_idx')").Scan(&found.Index)
	return found, err
}

// pour inserts rows, a thousand per transaction.
func pour(ctx context.Context, session *pgx.Conn, rows int) error {
	const statement = "INSERT INTO public.keyed (body) SELECT 'the text of row ' || n FROM generate_series(1, $1::int) AS n"
	const batch = 1000
	for left := rows; left > 0; left -= batch {
		if _, err := session.Exec(ctx, statement, min(batch, left)); err != nil {
			return err
		}
	}
	return nil
}
