package script_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// watched is a running psql whose output the test reads line by line.
type watched struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  chan string
	output strings.Builder
}

func (h *database) start(script string) *watched {
	h.t.Helper()
	w := &watched{t: h.t, cmd: h.command(script), lines: make(chan string, 1000)}
	out, err := w.cmd.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		defer close(w.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			w.lines <- scanner.Text()
		}
	}()
	return w
}

// until waits for a line that contains the text.
func (w *watched) until(words string) {
	w.t.Helper()
	for line := range w.lines {
		w.output.WriteString(line + "\n")
		if strings.Contains(line, words) {
			return
		}
	}
	w.t.Fatalf("psql did not print %q: %v\n%s", words, w.cmd.Wait(), w.output.String())
}

// wait waits for psql to exit.
func (w *watched) wait() error {
	for line := range w.lines {
		w.output.WriteString(line + "\n")
	}
	return w.cmd.Wait()
}

// A script that is interrupted before any of its statements continues when it is run again. It is cut before each
// statement in turn, on the same database.
func TestPsqlResumes(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createSmallSite(t, c)
		ran, _ := createSmallSite(t, c)
		for _, version := range []int{40, 39} {
			config.Direction = map[int]rekey.Direction{40: rekey.Up, 39: rekey.Down}[version]
			files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
			if err != nil {
				t.Fatal(err)
			}
			h.cutAnywhere(files[0].Text)
			call := map[int]func(context.Context, *pgxpool.Pool, rekeytest.Setup) (event.Result, error){40: rekeytest.Up, 39: rekeytest.Down}[version]
			if _, err := call(t.Context(), ran.pool, config); err != nil {
				t.Fatal(err)
			}
			same(t, h, ran)
		}
	})
}

func (h *database) cutAnywhere(script string) {
	h.t.Helper()
	cuts := 0
	for at := strings.Index(script, "-- ==== "); at < len(script); cuts++ {
		next := strings.Index(script[at:], "\n\n-- ") // a blank line, and the next statement's comment
		if next < 0 {
			break
		}
		at += next + len("\n\n")
		h.mustPsql(script[:at])
	}
	h.mustPsql(script)
	const least = 7 // a down script has that many
	if cuts < least {
		h.t.Errorf("only %d cuts", cuts)
	}
}

// A psql that is killed while it fills keeps what it committed, and the same script continues.
func TestPsqlResumesAfterKill(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		script := h.script(40)
		untilFilled, _, _ := strings.Cut(script, "CALL pg_temp.rekey_fill")
		h.mustPsql(untilFilled) // up to and including the new column
		holder := h.hold("SELECT FROM phoenix_kit_users WHERE id = 5 FOR UPDATE")
		w := h.start(script)
		w.until("other transactions lock rows")
		if got := h.query("SELECT count(*) FROM phoenix_kit_users WHERE uuid IS NULL"); got != "1" {
			t.Errorf("%s rows without a value, want 1: the locked one", got)
		}
		if err := w.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := w.wait(); err == nil {
			t.Error("psql exited without an error")
		}
		holder()
		h.await("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		h.mustPsql(script)
		h.verified()
		mustDown(t, h)
	})
}

// hold runs a statement in a transaction that stays open until the returned function is called.
func (h *database) hold(sql string) func() {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), h.url)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, s := range []string{"BEGIN", sql} {
		if _, err := conn.Exec(h.t.Context(), s); err != nil {
			h.t.Fatal(err)
		}
	}
	end := func() { _ = conn.Close(context.WithoutCancel(h.t.Context())) }
	h.t.Cleanup(end)
	return end
}

// deadline bounds every wait of a test.
const deadline = 5 * time.Minute

// await waits until a query returns true.
func (h *database) await(sql string) {
	h.t.Helper()
	for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if h.query(sql) == "true" {
			return
		}
	}
	h.t.Fatalf("condition did not become true: %s", sql)
}

// While an older transaction holds a lock on a table, the script does not queue for its own, so other sessions read and
// write without waiting. It retries, and continues once the lock is free.
func TestPsqlRetriesLockWithoutQueueing(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		release := h.hold("LOCK TABLE phoenix_kit_users_tokens IN ACCESS SHARE MODE")
		w := h.start(h.script(40))
		for range 3 {
			w.until("phoenix_kit_users_tokens\": ")
			h.exec("SET statement_timeout = '2min'; SELECT count(*) FROM phoenix_kit_users_tokens; RESET statement_timeout")
		}
		w.until("an older transaction holds a lock")
		release()
		if err := w.wait(); err != nil {
			t.Fatalf("%v\n%s", err, w.output.String())
		}
		h.verified()
	})
}

// A script that never gets a lock ends after its lock retry timeout. What it did stays, and a second run continues.
func TestPsqlEndsAfterLockRetryTimeout(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		config := h.config(40)
		config.Options.Locks.RetryTimeout = 300 * time.Millisecond
		files, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql)
		if err != nil {
			t.Fatal(err)
		}
		release := h.hold("LOCK TABLE phoenix_kit_users_tokens IN ACCESS SHARE MODE")
		output, err := h.psql(files[0].Text)
		if err == nil || !strings.Contains(output, `could not lock "public"."phoenix_kit_users_tokens"`) {
			t.Errorf("%v: %s", err, output)
		}
		if got := h.query("SELECT obj_description('phoenix_kit'::regclass)"); got != "39" {
			t.Errorf("recorded version %s, want 39", got)
		}
		release()
		h.mustPsql(files[0].Text)
		h.verified()
	})
}

// Rows that are inserted or updated during the script have a uuid at the end.
func TestPsqlWithConcurrentWriter(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		script := h.script(40)
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- h.write(stop) }()
		h.mustPsql(script)
		close(stop)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := h.query("SELECT count(*) > 720 AND count(*) = count(DISTINCT uuid) FROM phoenix_kit_users"); got != "true" {
			t.Error("rows lack a uuid, or the writer wrote none")
		}
		h.verified()
	})
}

// write inserts and updates until the channel is closed.
func (h *database) write(stop <-chan struct{}) error {
	ctx := context.WithoutCancel(h.t.Context())
	for n := 0; ; n++ {
		_, err := h.pool.Exec(ctx, `WITH new AS (INSERT INTO phoenix_kit_users (email, hashed_password, inserted_at, updated_at)
			VALUES ('w' || $1::int, 'x', now(), now()) RETURNING id)
			UPDATE phoenix_kit_users SET updated_at = now() WHERE id % 97 = $1::int % 97`, n)
		if err != nil {
			return err
		}
		select {
		case <-stop:
			if n > 30 {
				return nil
			}
		default:
		}
	}
}
