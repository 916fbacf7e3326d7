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

// session is a connection of its own.
func (h *house) session() *pgx.Conn {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(h.t.Context())) })
	return conn
}

// background runs something until the test's context ends. The sessions that were opened before are closed after it.
func (h *house) background(run func()) {
	ended := make(chan struct{})
	go func() { defer close(ended); run() }()
	h.t.Cleanup(func() { <-ended })
}

// runs sends statements to a session, all in one simple query.
func (h *house) runs(conn *pgx.Conn, sql string) {
	h.t.Helper()
	if _, err := conn.PgConn().Exec(h.t.Context(), sql).ReadAll(); err != nil {
		h.t.Fatalf("%v in %s", err, sql)
	}
}

// simple and extended are the ways in which a migrator sends a statement.
func simple(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

func extended(ctx context.Context, conn *pgx.Conn, sql string) error {
	_, err := conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Close()
	return err
}

// refusal expects an error of the code, and gives what it says.
func refusal(t *testing.T, err error, code string) string {
	t.Helper()
	var said *pgconn.PgError
	if !errors.As(err, &said) || said.Code != code {
		t.Fatalf("%v, not an error %s", err, code)
	}
	return said.Message + "\n" + said.Detail + "\n" + said.Hint
}

// firsts gives the first statement of each way that a migrator runs.
func (h *house) firsts(format rekey.ScriptFormat) []string {
	h.t.Helper()
	readers := map[rekey.ScriptFormat]func(*testing.T, []rekey.ScriptFile) (up, down []string){
		rekey.ScriptMigrate: migrations, rekey.ScriptGoose: sections, rekey.ScriptEcto: modules,
	}
	up, down := readers[format](h.t, h.files(40, format))
	return []string{up[0], down[0]}
}

// The first statement of every format finds a transaction around it, in whatever way it is sent, and takes none for one.
func TestATransactionIsFound(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		conn := h.session()
		for format, remedy := range map[rekey.ScriptFormat]string{
			rekey.ScriptMigrate: "by itself", rekey.ScriptGoose: "NO TRANSACTION", rekey.ScriptEcto: "@disable_ddl_transaction true",
		} {
			for _, sql := range h.firsts(format) {
				for _, send := range []func(context.Context, *pgx.Conn, string) error{simple, extended} {
					if err := send(t.Context(), conn, sql); err != nil {
						t.Errorf("%s, no transaction: %v", format, err)
					}
					h.runs(conn, "BEGIN")
					if said := refusal(t, send(t.Context(), conn, sql), "25001"); !strings.Contains(said, remedy) {
						t.Errorf("%s: %s", format, said)
					}
					h.runs(conn, "ROLLBACK")
				}
				refusal(t, simple(t.Context(), conn, "SELECT 1; "+sql), "25001")
			}
		}
	})
}

// psql's script ends in the same way, with nothing changed.
func TestPsqlInATransaction(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		before := h.everything()
		cmd := h.command(h.script(40))
		cmd.Args = append(cmd.Args[:1:1], append([]string{"--single-transaction"}, cmd.Args[1:]...)...)
		said, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(said), "without --single-transaction") {
			t.Errorf("%v: %s", err, said)
		}
		if diff := cmp.Diff(before, h.everything()); diff != "" {
			t.Error(diff)
		}
	})
}

// traps are what another session does while the script begins.
func traps() map[string]struct {
	hold  func(h *house, mine, other *pgx.Conn)
	found string
} {
	return map[string]struct {
		hold  func(h *house, mine, other *pgx.Conn)
		found string
	}{
		"Ecto's lock": {func(h *house, _, other *pgx.Conn) {
			h.runs(other, "CREATE TABLE schema_migrations (version bigint PRIMARY KEY)")
			h.runs(other, `BEGIN; LOCK TABLE "schema_migrations" IN SHARE UPDATE EXCLUSIVE MODE`)
		}, "ShareUpdateExclusiveLock on public.schema_migrations"},
		"the lock of a migrator that runs as another role": {func(h *house, _, other *pgx.Conn) {
			h.runs(other, "DROP ROLE IF EXISTS migrator; CREATE ROLE migrator; CREATE TABLE my_migrations (); ALTER TABLE my_migrations OWNER TO migrator")
			h.runs(other, `SET SESSION AUTHORIZATION migrator; BEGIN; LOCK TABLE my_migrations IN EXCLUSIVE MODE`)
		}, "ExclusiveLock on public.my_migrations"},
		"a snapshot of the same client": {func(h *house, _, other *pgx.Conn) {
			h.runs(other, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
		}, "is idle in a transaction and holds a snapshot"},
		"a migrator that waits for this one": {func(h *house, mine, other *pgx.Conn) {
			h.runs(mine, "SELECT pg_advisory_lock(4711)")
			h.background(func() { _ = simple(h.t.Context(), other, "SELECT pg_advisory_lock(4711)") })
			h.eventually("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
		}, "waits for an advisory lock of this session"},
		"an application that goes on": {func(h *house, _, other *pgx.Conn) {
			h.background(func() {
				for h.t.Context().Err() == nil {
					_ = simple(h.t.Context(), other, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
					time.Sleep(100 * time.Millisecond)
					_ = simple(h.t.Context(), other, "COMMIT")
				}
			})
		}, ""},
		"an old transaction without a snapshot": {func(h *house, _, other *pgx.Conn) {
			h.runs(other, "BEGIN; SELECT count(*) FROM pg_class")
		}, ""},
		"a snapshot of another program": {func(h *house, _, other *pgx.Conn) {
			h.runs(other, "SET application_name = report; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
		}, ""},
	}
}

// eventually waits until an expression is true.
func (h *house) eventually(sql string) {
	h.t.Helper()
	for range 200 {
		if h.one(sql) == "true" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.t.Fatalf("never: %s", sql)
}

// A session that would keep an index build waiting for ever is found before anything is changed; what ends by itself is not.
func TestAMigratorThatBlocksItself(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, trap := range traps() {
			t.Run(name, func(t *testing.T) {
				h := build(t, c, "public", false)
				mine, other := h.session(), h.session()
				sql := h.firsts(rekey.ScriptEcto)[0]
				trap.hold(h, mine, other)
				before := h.everything()
				err := extended(t.Context(), mine, sql)
				if trap.found == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if said := refusal(t, err, "55006"); !strings.Contains(said, trap.found) || !strings.Contains(said, "@disable_migration_lock true") {
					t.Error(said)
				}
				if diff := cmp.Diff(before, h.everything()); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}
