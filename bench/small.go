package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// Small is the cost of V40 for a small installation of PhoenixKit: the fastest of several runs of each way, one after
// the other.
type Small struct {
	Tables   int           `json:"tables"`
	Rows     int           `json:"rows_a_table"`
	Original time.Duration `json:"original_ns"` // the original's statements
	Script   time.Duration `json:"script_ns"`   // rekey's script, run by psql
	Rekey    time.Duration `json:"rekey_ns"`    // the program, including its start
	Error    string        `json:"error,omitempty"`
}

const (
	smallName     = "small"
	smallTemplate = "bench_small"
	smallRows     = 200
	smallRuns     = 5
	smallSchema   = "public"
)

// small measures the three ways on copies of one database.
func (l *lab) small(ctx context.Context) (err error) {
	found := Small{Tables: len(phoenixkit.Profile().Tables), Rows: smallRows}
	l.say(fmt.Sprintf("building PhoenixKit's %d tables of %d rows", found.Tables, smallRows))
	defer func() {
		if err != nil {
			found.Error = err.Error()
		}
		l.server.Small = append(l.server.Small, found)
		err = errors.Join(err, l.drop(context.WithoutCancel(ctx), smallTemplate))
	}()
	if err := l.makeSmall(ctx); err != nil {
		return err
	}
	text, statements, err := l.prepare(ctx)
	if err != nil {
		return err
	}
	for _, way := range []struct {
		took  *time.Duration
		carry func(context.Context, *site) error
	}{
		{&found.Original, func(ctx context.Context, s *site) error { return original(ctx, s, statements) }},
		{&found.Script, func(ctx context.Context, s *site) error { return script(ctx, s, text) }},
		{&found.Rekey, func(ctx context.Context, s *site) error {
			_, err := hire(ctx, order{URL: s.url, PhoenixKit: true})
			return err
		}},
	} {
		if *way.took, err = l.fastest(ctx, way.carry); err != nil {
			return err
		}
	}
	l.say(fmt.Sprintf("%s: original %s, psql script %s, rekey %s", smallName, short(found.Original), short(found.Script), short(found.Rekey)))
	return nil
}

// makeSmall creates the database that is copied.
func (l *lab) makeSmall(ctx context.Context) error {
	if err := l.drop(ctx, smallTemplate); err != nil {
		return err
	}
	if err := execute(ctx, l.admin, sqltext.Format("CREATE DATABASE {}", sqltext.Name(smallTemplate))); err != nil {
		return err
	}
	session, err := pgx.Connect(ctx, l.cluster.URL(smallTemplate))
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if _, err := fixture.Install(ctx, session, smallSchema); err != nil {
		return err
	}
	if err := fixture.Seed(ctx, session, smallSchema, fixture.Size{Users: smallRows, Events: smallRows, Others: smallRows}); err != nil {
		return err
	}
	return execute(ctx, session, "VACUUM ANALYZE")
}

// prepare returns rekey's script for the template, and the original's statements.
func (l *lab) prepare(ctx context.Context) (script string, statements []string, err error) {
	pool, err := pgxpool.New(ctx, l.cluster.URL(smallTemplate))
	if err != nil {
		return "", nil, err
	}
	defer pool.Close()
	config := rekeytest.Setup{Scope: phoenixkit.Profile().In(smallSchema)}
	files, err := rekeytest.Script(ctx, pool, config, rekey.ScriptPsql)
	if err != nil {
		return "", nil, err
	}
	function := plpgsqlFunction(l)
	statements = []string{function.create}
	for _, table := range phoenixkit.Profile().Tables {
		name := sqltext.Table{Schema: smallSchema, Name: table.Name}
		statements = append(
			statements,
			sqltext.Format("ALTER TABLE {} ADD COLUMN uuid uuid DEFAULT {}()", name, function.name),
			sqltext.Format("UPDATE {} SET uuid = {}() WHERE id IN (SELECT id FROM {} WHERE uuid IS NULL LIMIT 10000)", name, function.name, name),
			sqltext.Format("CREATE UNIQUE INDEX {} ON {} (uuid)", sqltext.Name(table.Name+"_uuid_idx"), name),
			sqltext.Format("ALTER TABLE {} ALTER COLUMN uuid SET NOT NULL", name),
		)
	}
	return files[0].Text, statements, nil
}

// fastest runs a way on new copies and returns the shortest time.
func (l *lab) fastest(ctx context.Context, carry func(context.Context, *site) error) (time.Duration, error) {
	var took []time.Duration
	for range smallRuns {
		s, err := l.copyOf(ctx, smallTemplate)
		if err != nil {
			return 0, err
		}
		begun := time.Now()
		err = carry(ctx, s)
		took = append(took, time.Since(begun))
		if err == nil {
			err = s.uuids(ctx)
		}
		if err = errors.Join(err, s.close(ctx)); err != nil {
			return 0, err
		}
	}
	return slices.Min(took), nil
}

// uuids checks that every table has its uuids: an incomplete run would look fast.
func (s *site) uuids(ctx context.Context) error {
	for _, table := range phoenixkit.Profile().Tables {
		var rows int
		err := s.watch.QueryRow(ctx, sqltext.Format("SELECT count(uuid) FROM {}", sqltext.Table{Schema: smallSchema, Name: table.Name})).Scan(&rows)
		if err != nil {
			return err
		}
		if rows == 0 {
			return fmt.Errorf("%s has no uuids", table.Name)
		}
	}
	return nil
}

// original executes the original's statements, each in its own transaction.
func original(ctx context.Context, s *site, statements []string) error {
	session, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	return execute(ctx, session, statements...)
}

// script runs rekey's script with psql.
func script(ctx context.Context, s *site, text string) error {
	psql, err := server.Psql()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, psql, "-X", "-q", "-f", "-", s.url) //nolint:gosec // it is psql, and the bench's own server
	cmd.Stdin = strings.NewReader(text)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, output)
	}
	return nil
}

func (m Small) cells() []string {
	cells := []string{fmt.Sprint(m.Tables), fmt.Sprint(m.Rows)}
	if m.Error != "" {
		return append(cells, "failed: "+m.Error)
	}
	return append(cells, short(m.Original), short(m.Script), short(m.Rekey))
}

// smallFigures compare the run with the script and with the original.
func smallFigures(s *Server) []Figure {
	against, beyond := fmt.Sprintf("V40 over 33 tables of %d rows, against the psql script", smallRows), "V40 over the same tables, in addition to the original's statements"
	const times, seconds = 2, 1.5
	if len(s.Small) == 0 || s.Small[0].Error != "" {
		return []Figure{unmeasured(against, bound(times, "")), unmeasured(beyond, bound(seconds, "s"))}
	}
	m := s.Small[0]
	more := (m.Rekey - m.Original).Seconds()
	return []Figure{
		quotient(against, float64(m.Rekey), float64(m.Script), times),
		judged(beyond, bound(seconds, "s"), more, "s", more <= seconds),
	}
}
