package phoenixkit_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// poolSize is the number of server connections of the pooler.
const poolSize = 3

// pooler is PgBouncer in transaction mode in front of a server.
type pooler struct{ port int }

func (p pooler) url(role, database string) string {
	link := url.URL{Scheme: "postgres", User: url.User(role), Host: fmt.Sprintf("127.0.0.1:%d", p.port), Path: "/" + database, RawQuery: "sslmode=disable"}
	return link.String()
}

// startPooler runs PgBouncer until the test ends. It skips the test if PgBouncer is not installed.
func startPooler(t *testing.T, c *server.Cluster) pooler {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // Debian's path, which is not in every PATH
	}
	if _, err := os.Stat(program); err != nil {
		servertest.SkipWithout(t, "no pgbouncer: apt-get install pgbouncer (macOS: brew install pgbouncer)")
	}
	dir, err := os.MkdirTemp("", "pgbouncer") //nolint:usetesting // t.TempDir is for our own user only
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := pooler{port: freePort(t)}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	users := write("users.txt", `"postgres" ""`+"\n"+`"`+strings.ReplaceAll(owner, `"`, `""`)+`" ""`+"\n")
	ini := write("pgbouncer.ini", fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = %d
server_idle_timeout = 600
ignore_startup_parameters = extra_float_digits
`, c.Port(), p.port, users, poolSize))
	arguments := []string{ini}
	if os.Geteuid() == 0 {
		arguments = []string{"-u", "nobody", ini} // pgbouncer refuses to run as root
	}
	var log strings.Builder
	cmd := exec.Command(program, arguments...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for end := time.Now().Add(deadline); ; time.Sleep(20 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), p.url("postgres", "postgres")+"&default_query_exec_mode=exec")
		if err == nil {
			_ = conn.Close(t.Context())
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("could not connect to pgbouncer: %v", err)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func (h *database) pooled(p pooler) *pgxpool.Pool {
	h.t.Helper()
	// A pool as hosts have it, with pgx's prepared statements.
	pool, err := pgxpool.New(context.Background(), p.url(owner, h.db.Name)+"&pool_max_conns=4")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(pool.Close)
	return pool
}

// TestPooler: rekey works through PgBouncer in transaction mode, and leaves no session state on the connections that it
// shares with other clients.
func TestPooler(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		p := startPooler(t, c)
		clean := h.leftovers(p)
		shape, before := h.shape("public"), h.fingerprint("public")

		result, err := phoenixkit.Up(t.Context(), h.pooled(p), phoenixkit.Options{Version: 40})
		if len(result.Problems) != 1 || result.Problems[0].Code != "pooler" || !strings.Contains(result.Problems[0].Hint, "--direct-url") || result.Exit != 4 {
			t.Errorf("up without a direct connection: %+v %v", result, err)
		}
		other, err := pgxpool.New(t.Context(), c.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		result, err = phoenixkit.Up(t.Context(), h.pooled(p), phoenixkit.Options{Version: 40, Options: rekey.Options{Direct: other}})
		if len(result.Problems) != 1 || result.Problems[0].Code != "direct_url_mismatch" || result.Exit != 4 {
			t.Errorf("direct connection to another database: %+v %v", result, err)
		}
		if diff := cmp.Diff(before, h.fingerprint("public")); diff != "" {
			t.Errorf("a refused run changed the database (-before +after)\n%s", diff)
		}

		tuned := false
		options := phoenixkit.Options{Version: 40, Options: rekey.Options{Direct: h.pool(owner), OnEvent: func(e event.Event) {
			if _, ok := e.(event.TableStarted); ok && !tuned {
				tuned = true // a request sent through the pooler reaches the run
				if err := migrator(t, h.pooled(p)).Tune(t.Context(), rekey.Tuning{Pace: rekey.PaceFull}); err != nil {
					t.Error(err)
				}
				h.waitFor("SELECT NOT EXISTS (SELECT FROM rekey.orders)")
			}
		}}}
		if result, err = phoenixkit.Up(t.Context(), h.pooled(p), options); err != nil || result.NothingToDo || !tuned {
			t.Fatalf("through the pooler: %+v %v", result, err)
		}
		if _, err := phoenixkit.Verify(t.Context(), h.pooled(p), phoenixkit.Options{}); err != nil {
			t.Errorf("verify: %v", err)
		}
		if diff := cmp.Diff(clean, h.leftovers(p)); diff != "" {
			t.Errorf("up left session state (-before +after)\n%s", diff)
		}
		options = phoenixkit.Options{Version: 39, Options: rekey.Options{Direct: h.pool(owner)}}
		if result, err = phoenixkit.Down(t.Context(), h.pooled(p), options); err != nil || result.NothingToDo {
			t.Fatalf("down through the pooler: %+v %v", result, err)
		}
		if diff := cmp.Diff(clean, h.leftovers(p)); diff != "" {
			t.Errorf("down left session state (-before +after)\n%s", diff)
		}
		if diff := cmp.Diff(shape, h.shape("public")); diff != "" {
			t.Errorf("up and down did not restore the schema (-before +after)\n%s", diff)
		}
	})
}

// leftovers returns what another client finds on each of the pooler's server connections: session settings, prepared
// statements, advisory locks, cursors, temporary tables.
func (h *database) leftovers(p pooler) [][]string {
	h.t.Helper()
	const sql = `BEGIN;
		SELECT 'setting ' || name || ' = ' || setting FROM pg_settings
		WHERE source = 'session' AND name <> 'application_name'
		UNION ALL SELECT 'statement ' || name FROM pg_prepared_statements
		UNION ALL SELECT 'advisory lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
		UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE name <> ''
		UNION ALL SELECT 'temporary ' || relname FROM pg_class WHERE relpersistence = 't'
		UNION ALL SELECT 'replica role' WHERE current_setting('session_replication_role') <> 'origin'
		ORDER BY 1`
	var all [][]string
	for range poolSize { // the transactions stay open, so each gets its own server connection
		conn, err := pgx.Connect(h.t.Context(), p.url(owner, h.db.Name))
		if err != nil {
			h.t.Fatal(err)
		}
		defer conn.Close(h.t.Context())
		results, err := conn.PgConn().Exec(h.t.Context(), sql).ReadAll()
		if err != nil {
			h.t.Fatal(err)
		}
		found := []string{}
		for _, row := range results[1].Rows {
			found = append(found, string(row[0]))
		}
		all = append(all, found)
	}
	for _, found := range all {
		if len(found) > 0 {
			h.t.Logf("on a connection of the pooler: %s", sqltext.Literal(strings.Join(found, "; ")))
		}
	}
	return all
}
