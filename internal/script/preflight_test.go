package script_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// session opens a connection.
func (h *database) session() *pgx.Conn {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(h.t.Context())) })
	return conn
}

// background runs a function until the test's context ends. Sessions that were opened before are closed after it has
// returned.
func (h *database) background(run func()) {
	ended := make(chan struct{})
	go func() { defer close(ended); run() }()
	h.t.Cleanup(func() { <-ended })
}

// execOn sends statements in one simple query.
func (h *database) execOn(conn *pgx.Conn, sql string) {
	h.t.Helper()
	if _, err := conn.PgConn().Exec(h.t.Context(), sql).ReadAll(); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
}

// simple and extended send a statement with the simple and the extended query protocol.
func simple(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

func extended(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Close()
	return err
}

// requireError requires an error with the code and returns its message, detail and hint.
func requireError(t *testing.T, err error, code string) string {
	t.Helper()
	var output *pgconn.PgError
	if !errors.As(err, &output) || output.Code != code {
		t.Fatalf("error %v, want SQLSTATE %s", err, code)
	}
	return output.Message + "\n" + output.Detail + "\n" + output.Hint
}

// firstStatements returns the first statement of each direction that a migrator runs.
func (h *database) firstStatements(format rekey.ScriptFormat) []string {
	h.t.Helper()
	readers := map[rekey.ScriptFormat]func(*testing.T, []rekey.ScriptFile) (up, down []string){
		rekey.ScriptMigrate: migrations, rekey.ScriptGoose: sections, rekey.ScriptEcto: modules,
	}
	up, down := readers[format](h.t, h.files(40, format))
	return []string{up[0], down[0]}
}

// The first statement of every format fails inside a transaction, with either protocol, and succeeds outside of one.
func TestScriptFailsInsideTransaction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		conn := h.session()
		for format, remedy := range map[rekey.ScriptFormat]string{
			rekey.ScriptMigrate: "by itself", rekey.ScriptGoose: "NO TRANSACTION", rekey.ScriptEcto: "@disable_ddl_transaction true",
		} {
			for _, sql := range h.firstStatements(format) {
				for _, send := range []func(context.Context, *pgx.Conn, string) error{simple, extended} {
					if err := send(t.Context(), conn, sql); err != nil {
						t.Errorf("%s outside of a transaction: %v", format, err)
					}
					h.execOn(conn, "BEGIN")
					if output := requireError(t, send(t.Context(), conn, sql), "25001"); !strings.Contains(output, remedy) {
						t.Errorf("%s: %s", format, output)
					}
					h.execOn(conn, "ROLLBACK")
				}
				requireError(t, simple(t.Context(), conn, "SELECT 1; "+sql), "25001")
			}
		}
	})
}

// psql's script fails in the same way and changes nothing.
func TestPsqlFailsInsideTransaction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		before := h.fingerprint()
		cmd := h.command(h.script(40))
		cmd.Args = append(cmd.Args[:1:1], append([]string{"--single-transaction"}, cmd.Args[1:]...)...)
		output, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(output), "without --single-transaction") {
			t.Errorf("%v: %s", err, output)
		}
		if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
			t.Error(diff)
		}
	})
}

// blockers returns what another session does while the script starts.
func blockers() map[string]struct {
	hold  func(h *database, mine, other *pgx.Conn)
	found string
} {
	return map[string]struct {
		hold  func(h *database, mine, other *pgx.Conn)
		found string
	}{
		"Ecto's lock": {func(h *database, _, other *pgx.Conn) {
			h.execOn(other, "CREATE TABLE schema_migrations (version bigint PRIMARY KEY)")
			h.execOn(other, `BEGIN; LOCK TABLE "schema_migrations" IN SHARE UPDATE EXCLUSIVE MODE`)
		}, "ShareUpdateExclusiveLock on public.schema_migrations"},
		"the lock of a migrator that runs as another role": {func(h *database, _, other *pgx.Conn) {
			h.execOn(other, "DROP ROLE IF EXISTS migrator; CREATE ROLE migrator; CREATE TABLE my_migrations (); ALTER TABLE my_migrations OWNER TO migrator")
			h.execOn(other, `SET SESSION AUTHORIZATION migrator; BEGIN; LOCK TABLE my_migrations IN EXCLUSIVE MODE`)
		}, "ExclusiveLock on public.my_migrations"},
		"a snapshot of the same client": {func(h *database, _, other *pgx.Conn) {
			h.execOn(other, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
		}, "is idle in a transaction and holds a snapshot"},
		"a migrator that waits for this session": {func(h *database, mine, other *pgx.Conn) {
			h.execOn(mine, "SELECT pg_advisory_lock(4711)")
			h.background(func() { _ = simple(h.t.Context(), other, "SELECT pg_advisory_lock(4711)") })
			h.await("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))")
		}, "waits for an advisory lock of this session"},
		"an active application": {func(h *database, _, other *pgx.Conn) {
			h.background(func() {
				for h.t.Context().Err() == nil {
					_ = simple(h.t.Context(), other, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
					time.Sleep(100 * time.Millisecond)
					_ = simple(h.t.Context(), other, "COMMIT")
				}
			})
		}, ""},
		"an old transaction without a snapshot": {func(h *database, _, other *pgx.Conn) {
			h.execOn(other, "BEGIN; SELECT count(*) FROM pg_class")
		}, ""},
		"a snapshot of another program": {func(h *database, _, other *pgx.Conn) {
			h.execOn(other, "SET application_name = report; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
		}, ""},
	}
}

// The script fails before any change if a session would block an index build forever, but not if the session ends by
// itself.
func TestScriptFailsIfSessionBlocksBuild(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, trap := range blockers() {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // a case waits for three seconds
				h := build(t, c, "public", false)
				mine, other := h.session(), h.session()
				sql := h.firstStatements(rekey.ScriptEcto)[0]
				trap.hold(h, mine, other)
				before := h.fingerprint()
				err := extended(t.Context(), mine, sql)
				if trap.found == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if output := requireError(t, err, "55006"); !strings.Contains(output, trap.found) || !strings.Contains(output, "@disable_migration_lock true") {
					t.Error(output)
				}
				if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}
