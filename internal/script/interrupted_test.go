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

// watched is a psql at work whose words are looked at as they come.
type watched struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	told  strings.Builder
}

func (h *house) start(script string) *watched {
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

// until waits for a line with the words.
func (w *watched) until(words string) {
	w.t.Helper()
	for line := range w.lines {
		w.told.WriteString(line + "\n")
		if strings.Contains(line, words) {
			return
		}
	}
	w.t.Fatalf("psql never said %q: %v\n%s", words, w.cmd.Wait(), w.told.String())
}

// end waits for the end.
func (w *watched) end() error {
	for line := range w.lines {
		w.told.WriteString(line + "\n")
	}
	return w.cmd.Wait()
}

// A script that was ended before any of its statements goes on when it is run again: it is cut before
// each, one after the other, on the same database.
func TestPsqlCutAnywhere(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := small(t, c)
		ran, _ := small(t, c)
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

func (h *house) cutAnywhere(script string) {
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
	const least = 7 // there are as many on the way back
	if cuts < least {
		h.t.Errorf("cut %d times", cuts)
	}
}

// A psql that is killed in the middle of a filling leaves what it committed, and the same script goes on.
func TestPsqlKilled(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		script := h.script(40)
		untilFilled, _, _ := strings.Cut(script, "CALL pg_temp.rekey_fill")
		h.mustPsql(untilFilled) // the column is there
		holder := h.hold("SELECT FROM phoenix_kit_users WHERE id = 5 FOR UPDATE")
		w := h.start(script)
		w.until("other transactions hold rows")
		if got := h.one("SELECT count(*) FROM phoenix_kit_users WHERE uuid IS NULL"); got != "1" {
			t.Errorf("%s rows without a value while one is held", got)
		}
		if err := w.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := w.end(); err == nil {
			t.Error("psql ended well")
		}
		holder()
		h.await("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		h.mustPsql(script)
		h.verified()
		mustDown(t, h)
	})
}

// hold runs a statement in a transaction that stays open until the function that it gives is called.
func (h *house) hold(sql string) func() {
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

// patience bounds what must happen, so that a failing test ends.
const patience = 5 * time.Minute

// await waits until a query gives true.
func (h *house) await(sql string) {
	h.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if h.one(sql) == "true" {
			return
		}
	}
	h.t.Fatalf("it never was: %s", sql)
}

// While an old transaction holds a table the script does not queue for its lock: others read and write as
// ever. It comes back, and goes on when the lock is free.
func TestPsqlComesBackForALock(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		release := h.hold("LOCK TABLE phoenix_kit_users_tokens IN ACCESS SHARE MODE")
		w := h.start(h.script(40))
		for range 3 {
			w.until("phoenix_kit_users_tokens\": ")
			h.do("SET statement_timeout = '2min'; SELECT count(*) FROM phoenix_kit_users_tokens; RESET statement_timeout")
		}
		w.until("an older transaction holds a lock")
		release()
		if err := w.end(); err != nil {
			t.Fatalf("%v\n%s", err, w.told.String())
		}
		h.verified()
	})
}

// A lock that is never had ends the script within its patience; what was done stays, and it goes on.
func TestPsqlGivesUpCleanly(t *testing.T) {
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
		said, err := h.psql(files[0].Text)
		if err == nil || !strings.Contains(said, `no lock on "public"."phoenix_kit_users_tokens"`) {
			t.Errorf("%v: %s", err, said)
		}
		if got := h.one("SELECT obj_description('phoenix_kit'::regclass)"); got != "39" {
			t.Errorf("version %s is recorded", got)
		}
		release()
		h.mustPsql(files[0].Text)
		h.verified()
	})
}

// Rows that are written meanwhile have a uuid in the end, however they were written.
func TestPsqlBesideWriters(t *testing.T) {
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
		if got := h.one("SELECT count(*) > 720 AND count(*) = count(DISTINCT uuid) FROM phoenix_kit_users"); got != "true" {
			t.Error("rows without a uuid, or none were written")
		}
		h.verified()
	})
}

// write inserts and updates until it is stopped.
func (h *house) write(stop <-chan struct{}) error {
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
