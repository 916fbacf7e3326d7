package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// The databases: the template, and the copy of it that a run uses.
const (
	template = "bench_template"
	working  = "bench"
)

// lab is one server and the measurements on it.
type lab struct {
	options options
	say     func(string)

	cluster     *server.Cluster
	admin       *pgx.Conn // connection to database postgres
	rows        int64     // rows of the template
	accounts    int64     // number of different accounts in it
	functionSQL string    // how rekey creates its function
	server      *Server   // the measurements so far
}

// usualAccounts is the number of accounts to which the rows refer; see queries/rows.sql.
const usualAccounts = 50_000

// settings returns the settings of a modest server that keeps its data; durability has PostgreSQL's defaults.
func settings() map[string]string {
	return map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "4GB", "min_wal_size": "4GB", "checkpoint_timeout": "5min", "autovacuum": "on", "jit": "on",
	}
}

// open starts a server of a major version.
func open(ctx context.Context, o options, major int, say func(string)) (*lab, error) {
	installation, err := server.Find(ctx, major)
	if err != nil {
		return nil, err
	}
	cluster, err := server.Start(ctx, installation, server.Options{Durable: !o.careless, Settings: settings()})
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, cluster: cluster, accounts: usualAccounts, server: &Server{Version: installation.Version, Major: major}}
	l.say = func(line string) { say(fmt.Sprintf("PostgreSQL %s: %s", installation.Version, line)) }
	if l.admin, err = pgx.Connect(ctx, cluster.URL("postgres")); err == nil {
		l.server.Settings, err = l.settings(ctx)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) settings(ctx context.Context) (map[string]string, error) {
	rows, err := l.admin.Query(ctx, settingsSQL)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		found[name] = value
		return nil
	})
	return found, err
}

// close ends the server, even if it failed to start or the program is about to end.
func (l *lab) close() {
	const timeout = 30 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if l.admin != nil {
		_ = l.admin.Close(ctx)
	}
	_ = l.cluster.Stop(ctx)
}

// build creates the database that all runs of one size copy.
func (l *lab) build(ctx context.Context, rows int64) error {
	l.say(fmt.Sprintf("building %d rows", rows))
	if err := l.drop(ctx, template); err != nil {
		return err
	}
	l.rows = rows
	if err := execute(ctx, l.admin, sqltext.Format("CREATE DATABASE {}", sqltext.Name(template))); err != nil {
		return err
	}
	if err := l.fill(ctx); err != nil {
		return err
	}
	if err := l.round(ctx); err != nil {
		return err
	}
	var err error
	l.functionSQL, err = planned(ctx, l.cluster.URL(template))
	return err
}

func (l *lab) fill(ctx context.Context) error {
	session, err := pgx.Connect(ctx, l.cluster.URL(template))
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if err := execute(ctx, session, tableSQL); err != nil {
		return err
	}
	const most = 1_000_000 // rows per statement, so that Ctrl-C takes effect soon
	for from := int64(1); from <= l.rows; from += most {
		if _, err := session.Exec(ctx, rowsSQL, from, min(from+most-1, l.rows), l.rows); err != nil {
			return err
		}
	}
	return execute(
		ctx, session,
		sqltext.Format("SELECT setval('public.items_id_seq', {})", l.rows),
		"CREATE INDEX items_account_idx ON public.items (account_id)",
		"CREATE INDEX items_kind_idx ON public.items (kind, inserted_at)",
		"CREATE INDEX items_inserted_idx ON public.items (inserted_at)",
		"CREATE EXTENSION pgcrypto SCHEMA public",
		"CREATE TABLE public.items_version ()",
		"COMMENT ON TABLE public.items_version IS '1'",
		"VACUUM (ANALYZE) public.items",
	)
}

// round writes more WAL than any run does, up to max_wal_size, so that runs find segments to reuse, as on a busy
// server. On a new server, each 16 MB segment is filled with zeros first, while every COMMIT waits.
func (l *lab) round(ctx context.Context) error {
	const perRow, most, chunk = 2 << 10, 4 << 30, 128 << 20 // bytes; each chunk is one statement, so that Ctrl-C takes effect soon
	for left := min(l.rows*perRow, most); left > 0; left -= chunk {
		if _, err := l.admin.Exec(ctx, walSQL, min(left, chunk)); err != nil {
			return err
		}
	}
	return execute(ctx, l.admin, "CHECKPOINT")
}

// copy creates the database of one run by copying the template's files, followed by a checkpoint. From PostgreSQL 15
// on the default copy is written to the WAL, and the runs would start in another state than on older versions.
func (l *lab) copy(ctx context.Context) (*site, error) { return l.copyOf(ctx, template) }

func (l *lab) copyOf(ctx context.Context, template string) (*site, error) {
	if err := l.drop(ctx, working); err != nil {
		return nil, err
	}
	strategy := ""
	if l.server.Major >= 15 {
		strategy = " STRATEGY file_copy"
	}
	create := sqltext.Format("CREATE DATABASE {} TEMPLATE {}", sqltext.Name(working), sqltext.Name(template)) + strategy
	if err := execute(ctx, l.admin, create, "CHECKPOINT"); err != nil {
		return nil, err
	}
	s := &site{lab: l, url: l.cluster.URL(working)}
	var err error
	s.watch, err = pgx.Connect(ctx, s.url)
	return s, err
}

func (l *lab) drop(ctx context.Context, database string) error {
	return execute(ctx, l.admin, sqltext.Format("DROP DATABASE IF EXISTS {}", sqltext.Name(database))+" WITH (FORCE)")
}

// execute sends statements one by one: together they would be one transaction.
func execute(ctx context.Context, session *pgx.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := session.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%w: %s", err, statement)
		}
	}
	return nil
}
