//go:build unix

package chaos

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// The tables: one large enough for waves and wide, one of a few dozen pages, and one with an existing uuid column that
// is partly filled, with values of version 4 among them.
const (
	schema    = `Chaos "Kit"`
	wideRows  = 60_000
	smallRows = 3_000
	foundRows = 8_000
	// referenced is the number of rows of wide to which found refers. They stay, with their ids.
	referenced = 1_000
)

const seedSQL = `
CREATE SCHEMA "Chaos ""Kit""";
SET search_path = "Chaos ""Kit""";
CREATE TABLE kit ();
COMMENT ON TABLE kit IS '39';
CREATE TABLE wide (
	id bigint PRIMARY KEY, note text NOT NULL, n integer NOT NULL DEFAULT 0, filler text, doc jsonb, at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE small (id integer PRIMARY KEY, note text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE found (
	id bigint PRIMARY KEY, note text NOT NULL, parent bigint REFERENCES wide, at timestamptz NOT NULL DEFAULT now(), uuid uuid
);
COMMENT ON COLUMN found.uuid IS 'the application''s own';
INSERT INTO wide (id, note, filler, doc)
	SELECT n, 'seed ' || n, repeat(md5(n::text), 5), jsonb_build_object('n', n, 'md5', md5(n::text)) FROM generate_series(1, 60000) n;
INSERT INTO small (id, note) SELECT n, 'seed ' || n FROM generate_series(1, 3000) n;
INSERT INTO found (id, note, parent, uuid)
	SELECT n, 'seed ' || n, 1 + n % 1000,
		CASE WHEN n % 2 = 0 THEN overlay(overlay(md5(n::text) PLACING CASE WHEN n % 10 = 0 THEN '4' ELSE '7' END FROM 13) PLACING '8' FROM 17)::uuid END
	FROM generate_series(1, 8000) n;
CREATE INDEX ON wide (note);
CREATE INDEX ON wide (n, at);
CREATE INDEX ON found (parent);
RESET search_path`

func config() rekeytest.Setup {
	return rekeytest.Setup{Scope: rekey.Profile{
		Name: "chaos", VersionTable: "kit", Column: "uuid", From: 39, To: 40, VerifyFrom: 74, Last: 82,
		Tables: []rekey.ProfileTable{{Name: "wide", TimeColumn: "at"}, {Name: "small", TimeColumn: "at"}, {Name: "found", TimeColumn: "at"}},
	}.In(schema), Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: time.Minute}}}
}

func tables() []string { return []string{"wide", "small", "found"} }

func qualified(table string) sqltext.Table { return sqltext.Table{Schema: schema, Name: table} }

// testServer is a durable server of one version with the database from which every trial starts.
type testServer struct {
	t           testing.TB
	cluster     *server.Cluster
	seed        map[string]map[int64]row // the rows before the trial
	undisturbed []string                 // the fingerprint after an undisturbed run
}

const seedDatabase = "seed"

func startServer(t *testing.T, major int, settings map[string]string) *testServer {
	t.Helper()
	h := startEmpty(t, major, settings)
	h.execute(seedDatabase, seedSQL)
	h.execute(seedDatabase, "VACUUM (ANALYZE)")
	h.seed = h.rows(seedDatabase)
	return h
}

// startEmpty starts a server with an empty seed database.
func startEmpty(t *testing.T, major int, settings map[string]string) *testServer {
	t.Helper()
	installation, err := server.Find(t.Context(), major)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := server.Start(t.Context(), installation, server.Options{Durable: true, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	h := &testServer{t: t, cluster: cluster}
	h.execute("postgres", "CREATE DATABASE "+seedDatabase)
	return h
}

// runUndisturbed records the fingerprint after an undisturbed run.
func (h *testServer) runUndisturbed() {
	h.t.Helper()
	name := h.copy("uncut")
	p, err := begin(request{URL: h.cluster.URL(name), Pace: "full"}, func(eventLine) {})
	if err != nil {
		h.t.Fatal(err)
	}
	<-p.done
	if p.result == nil || !p.result.OK {
		h.t.Fatalf("an undisturbed run: %v %v", p.result, p.fault())
	}
	h.undisturbed = h.shape(name)
	h.drop(name)
}

func (h *testServer) copy(name string) string {
	h.t.Helper()
	sql := sqltext.Format("CREATE DATABASE {} TEMPLATE {}", sqltext.Name(name), sqltext.Name(seedDatabase))
	h.with("postgres", func(ctx context.Context, conn *pgx.Conn) error {
		for {
			// A session that is leaving the seed database, or an autovacuum in it, may take longer than the server
			// waits.
			_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
			switch {
			case err == nil:
				// From PostgreSQL 15 on, a crash before the next checkpoint would set copied sequences back.
				_, err = conn.PgConn().Exec(ctx, "CHECKPOINT").ReadAll()
				return err
			case code(err) != pgerrcode.ObjectInUse:
				return err
			}
		}
	})
	return name
}

func (h *testServer) drop(name string) {
	h.t.Helper()
	h.execute("postgres", sqltext.Format("DROP DATABASE {} WITH (FORCE)", sqltext.Name(name)))
}

func (h *testServer) execute(database, sql string) {
	h.t.Helper()
	h.with(database, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		return err
	})
}

func (h *testServer) with(database string, work func(context.Context, *pgx.Conn) error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, h.cluster.URL(database)+"&default_query_exec_mode=exec")
	if err != nil {
		h.t.Fatalf("%v, the server's log ends with:\n%s", err, h.cluster.Log())
	}
	defer conn.Close(ctx)
	if err := work(ctx, conn); err != nil {
		h.t.Fatalf("%s: %v", database, err)
	}
}

// otherValues matches the count in the mark of an existing column.
var otherValues = regexp.MustCompile(`"other":\d+`)

// shape returns the fingerprint without the rows, which the writers change.
func (h *testServer) shape(database string) []string {
	h.t.Helper()
	var lines []string
	h.with(database, func(ctx context.Context, conn *pgx.Conn) (err error) {
		lines, err = steptest.FullFingerprint(ctx, conn, schema)
		return err
	})
	for i, line := range lines { // the number of existing values of another version depends on the writers
		lines[i] = otherValues.ReplaceAllString(line, `"other":some`)
	}
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "rows of ") })
}

// rows reads all rows.
func (h *testServer) rows(database string) map[string]map[int64]row {
	h.t.Helper()
	all := map[string]map[int64]row{}
	h.with(database, func(ctx context.Context, conn *pgx.Conn) error {
		for _, table := range tables() {
			found, err := readRows(ctx, conn, table, "true")
			if err != nil {
				return err
			}
			all[table] = found
		}
		return nil
	})
	return all
}

// readRows reads the rows of a table that satisfy a condition, with or without a column uuid.
func readRows(ctx context.Context, conn *pgx.Conn, table, where string, args ...any) (map[int64]row, error) {
	rows, err := selectRows(ctx, conn, "coalesce(uuid::text, '')", table, where, args)
	if code(err) == pgerrcode.UndefinedColumn {
		return selectRows(ctx, conn, "''", table, where, args)
	}
	return rows, err
}

func selectRows(ctx context.Context, conn *pgx.Conn, uuid, table, where string, args []any) (map[int64]row, error) {
	sql := "SELECT id::int8, note, " + uuid + sqltext.Format(" FROM {} WHERE ", qualified(table)) + where
	found, err := conn.Query(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...)
	if err != nil {
		return nil, err
	}
	rows := map[int64]row{}
	var id int64
	var r row
	_, err = pgx.ForEachRow(found, []any{&id, &r.note, &r.own}, func() error {
		rows[id] = r
		return nil
	})
	return rows, err
}

// database returns the name of a trial's database.
func database(number int) string { return fmt.Sprintf("trial_%d", number) }
