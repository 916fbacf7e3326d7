//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// running is rekey in another process.
type running struct {
	*testing.T
	cmd    *exec.Cmd
	mu     sync.Mutex
	output bytes.Buffer
	ended  chan struct{}
}

// Write records the output of the process.
func (r *running) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.Write(text)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.output.String()
}

func start(t *testing.T, url, name string, words ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	r := &running{T: t, cmd: exec.CommandContext(ctx, name, words...), ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "REKEY_DATABASE_URL="+url)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait()
	}()
	t.Cleanup(func() { cancel(); <-r.ended })
	return r
}

// until waits until the process has written the text.
func (r *running) until(text string) {
	r.Helper()
	for begun := time.Now(); !strings.Contains(r.text(), text); time.Sleep(10 * time.Millisecond) {
		select {
		case <-r.ended:
			r.Fatalf("it ended before it wrote %q: %s", text, r.text())
		default:
		}
		if time.Since(begun) > timeout {
			r.Fatalf("it never wrote %q: %s", text, r.text())
		}
	}
}

func (r *running) signal(s syscall.Signal) {
	r.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.Fatal(err)
	}
}

// code waits for the end. It is negative if a signal killed the process.
func (r *running) code() int {
	r.Helper()
	<-r.ended
	return r.cmd.ProcessState.ExitCode()
}

// app creates a database with a schema of one table with rows.
func app(t *testing.T, c *server.Cluster) string {
	t.Helper()
	url := servertest.Database(t, c).URL
	execute(t, url, `CREATE SCHEMA app; CREATE TABLE app.t (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), n int);
		INSERT INTO app.t (n) SELECT generate_series(1, 2000)`)
	return url
}

func leases(t *testing.T, url string) (n int) {
	t.Helper()
	if err := servertest.Pool(t, url).QueryRow(t.Context(), "SELECT count(*) FROM rekey.leases").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHangup: SIGHUP ends a run cleanly and releases its lease.
func TestHangup(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		defer release()
		r := start(t, url, "rekey", "up", "--schema", "app")
		r.until("not locked")
		r.signal(syscall.SIGHUP)
		if code := r.code(); code != 129 || !strings.Contains(r.text(), "same command") {
			t.Errorf("it ended with %d: %s", code, r.text())
		}
		if n := leases(t, url); n != 0 {
			t.Errorf("%d leases are left", n)
		}
	})
}

// TestIgnoredSignals: rekey does not handle signals that were ignored when it started, as with nohup.
func TestIgnoredSignals(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		r := start(t, url, "sh", "-c", `trap "" HUP INT; exec rekey up --schema app`)
		r.until("not locked")
		r.signal(syscall.SIGHUP)
		r.signal(syscall.SIGINT)
		time.Sleep(time.Second) // a run that stops does so at once
		release()
		if code := r.code(); code != 0 || strings.Contains(r.text(), "stopping") {
			t.Errorf("it ended with %d: %s", code, r.text())
		}
	})
}

// TestSuspended: a run continues after it was suspended for longer than the idle timeout of a transaction.
func TestSuspended(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		r := start(t, url, "rekey", "up", "--schema", "app")
		r.until("not locked")
		r.signal(syscall.SIGSTOP)
		time.Sleep(13 * time.Second) // longer than a lease lasts without a heartbeat
		release()
		r.signal(syscall.SIGCONT)
		if code := r.code(); code != 0 {
			t.Errorf("it ended with %d: %s", code, r.text())
		}
	})
}

// TestTwoInterrupts: the second Ctrl-C ends a run promptly, even if the server does not respond.
func TestTwoInterrupts(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		n := servertest.Through(t, url)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		defer release()
		r := start(t, n.URL, "rekey", "up", "--schema", "app")
		r.until("not locked")
		n.Silence()
		time.Sleep(time.Second)
		begun := time.Now()
		r.signal(syscall.SIGINT)
		r.until("stopping")
		r.signal(syscall.SIGINT)
		if code := r.code(); code != 130 {
			t.Errorf("it ended with %d: %s", code, r.text())
		}
		if took := time.Since(begun); took > 10*time.Second { // 2 s each for the journal, the lease and the connections
			t.Errorf("that took %s", took)
		}
	})
}

// ending is the last line, or the document, of --json.
type ending struct {
	Problems []struct{ Kind, Code, Table, Step, SQLState, Message, Detail, Hint string }
}

// TestFaultsOfReaders: a read-only command reports the table, the step, a code and the next command too.
func TestFaultsOfReaders(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		execute(t, url, "INSERT INTO app.t (n) SELECT generate_series(1, 150000)")
		if r := start(t, url, "rekey", "up", "--schema", "app"); r.code() != 0 {
			t.Fatal(r.text())
		}
		execute(t, url, `DROP INDEX app.t_uuid_idx; ANALYZE app.t;
			DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET temp_file_limit = 1024', current_database());
			EXECUTE format('ALTER DATABASE %I SET work_mem = 1024', current_database()); END$$`)
		for _, command := range []string{"verify", "plan", "status", "sql up", "up"} {
			r := start(t, url, "rekey", append(strings.Fields(command), "--schema", "app", "--json")...)
			code := r.code()
			lines := strings.Split(strings.TrimSpace(r.text()), "\n")
			said := r.text()
			if command == "up" {
				said = lines[len(lines)-1]
			}
			var end ending
			if err := json.Unmarshal([]byte(said), &end); err != nil || len(end.Problems) != 1 {
				t.Errorf("%s: %v in %s", command, err, r.text())
				continue
			}
			if p := end.Problems[0]; code != 1 || p.Code != "limit_reached" || p.Table != "app.t" || p.Step == "" || p.SQLState != "53400" || !strings.Contains(p.Hint, "same command") {
				t.Errorf("%s: exit %d, %+v", command, code, p)
			}
		}
		r := start(t, url, "rekey", "verify", "--schema", "app")
		if code := r.code(); code != 1 || !strings.Contains(r.text(), "rekey verify failed on app.t in step") || !strings.Contains(r.text(), "HINT:") {
			t.Errorf("exit %d, %s", code, r.text())
		}
	})
}

// TestSilentConnections: all open connections fall silent and new ones work. The run continues on new ones, before a
// change and while the server builds an index.
func TestSilentConnections(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for name, held := range map[string]string{
			"no lock":       "LOCK TABLE app.t IN ACCESS SHARE MODE",
			"old snapshots": "SELECT count(*) FROM app.other",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				url := app(t, c)
				execute(t, url, "CREATE TABLE app.other ()")
				n := servertest.Through(t, url)
				var release func()
				if name == "no lock" {
					release = servertest.Hold(t, servertest.Pool(t, url), held)
				} else {
					release = snapshot(t, url, held)
				}
				r := start(t, n.URL, "rekey", "up", "--schema", "app", "--exclude", "other")
				if name == "no lock" {
					r.until("not locked")
				} else {
					waits(t, url)
				}
				n.SilenceOpen()
				release()
				if code := r.code(); code != 0 {
					t.Errorf("it ended with %d: %s", code, r.text())
				}
				if r := start(t, url, "rekey", "verify", "--schema", "app", "--exclude", "other"); r.code() != 0 {
					t.Error(r.text())
				}
			})
		}
	})
}

// snapshot holds a snapshot that a build waits for.
func snapshot(t *testing.T, url, query string) (release func()) {
	t.Helper()
	tx, err := servertest.Pool(t, url).BeginTx(context.WithoutCancel(t.Context()), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err == nil {
		_, err = tx.Exec(t.Context(), query)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }
}

// waits returns when a build waits for other transactions.
func waits(t *testing.T, url string) {
	t.Helper()
	pool := servertest.Pool(t, url)
	for begun := time.Now(); time.Since(begun) < timeout; time.Sleep(20 * time.Millisecond) {
		var n int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND phase LIKE 'waiting for old%'").Scan(&n)
		if err != nil || n > 0 {
			return
		}
	}
	t.Fatal("no build waits")
}

// silentBound is the limit in docs/reference/problems.md, and busy the additional time on a busy machine.
const silentBound, busy = 30 * time.Second, 60 * time.Second

// cut is a command whose network falls silent after some bytes.
type cut struct {
	command string
	after   int64
	network *servertest.Network
	run     *running
	begun   time.Time
}

// TestSilentServer: the server falls silent at some point of some command, and the command ends within the limit with
// a code and the next command.
func TestSilentServer(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		bare, done := app(t, c), app(t, c)
		if r := start(t, done, "rekey", "up", "--schema", "app"); r.code() != 0 {
			t.Fatal(r.text())
		}
		var cuts []*cut
		for command, after := range map[string][]int64{
			"plan": {900, 4000}, "status": {900, 4000}, "verify": {900, 4000, 8000, 25000}, "sql": {900, 4000},
			"up": {900, 4000, 12000, 25000, 40000}, "down": {900, 4000, 12000, 25000},
		} {
			for _, bytes := range after {
				url := bare
				switch command {
				case "verify":
					url = done
				case "up":
					url = app(t, c)
				case "down":
					url = app(t, c)
					if r := start(t, url, "rekey", "up", "--schema", "app"); r.code() != 0 {
						t.Fatal(r.text())
					}
				}
				n := servertest.Through(t, url)
				n.SilenceAfter(bytes)
				words := []string{command, "--schema", "app", "--json"}
				if command == "sql" {
					words = slices.Insert(words, 1, "up")
				}
				cuts = append(cuts, &cut{command, bytes, n, start(t, n.URL, "rekey", words...), time.Now()})
			}
		}
		for _, one := range cuts { // they wait in parallel
			one.ended(t)
		}
	})
}

func (c *cut) ended(t *testing.T) {
	t.Helper()
	code := c.run.code()
	if took := time.Since(c.begun); took > silentBound+busy {
		t.Errorf("%s after %d bytes took %s", c.command, c.after, took)
	}
	if !c.network.Silent() || code == 0 {
		t.Errorf("%s after %d bytes: it ended with %d before the network was silent", c.command, c.after, code)
		return
	}
	text := c.run.text()
	if lines := strings.Split(strings.TrimSpace(text), "\n"); c.command == "up" || c.command == "down" {
		text = lines[len(lines)-1]
	}
	end := ending{}
	if err := json.Unmarshal([]byte(text), &end); err != nil || len(end.Problems) != 1 {
		t.Errorf("%s after %d bytes: %v in %s", c.command, c.after, err, c.run.text())
		return
	}
	p := end.Problems[0]
	want := map[string]int{"connection_timed_out": 1, "unreachable": 1, "lease_lost": 5}
	if want[p.Code] != code || p.Hint == "" || p.Code == "connection_timed_out" && p.Step == "" {
		t.Errorf("%s after %d bytes: exit %d, %+v", c.command, c.after, code, p)
	}
}
