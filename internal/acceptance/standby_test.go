package acceptance

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// A standby is refused by name for every phase, with exit code 4. While a standby lags, switch and contract pause before the next
// change of each key, and continue when it has caught up. The short form only refuses.
func TestStandby(t *testing.T) {
	on(t, func(t *testing.T, shared *server.Cluster) {
		c := durable(t, shared.Major)
		linked := template(t, c, "acceptance_keys_linked", keySQL, upWords())
		db := servertest.Database(t, c, linked)
		standby, err := c.Standby(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := standby.Stop(context.Background()); err != nil {
				t.Error(err)
			}
		})
		for _, words := range [][]string{switchWords(), contractWords(), {"down", "--schema", "app", "--to", "linked"}, upWords()} {
			refusedOnStandby(t, standby.URL(db.Name), words)
		}
		if !long() {
			return
		}
		primary, replica := servertest.Pool(t, db.URL), servertest.Pool(t, standby.URL(db.Name))
		for _, words := range [][]string{switchWords(), contractWords()} {
			pausesWhileLagging(t, primary, replica, words)
		}
		servertest.Execute(t, primary, "SELECT 1 / (count(*) = 0)::int FROM pg_attribute WHERE attrelid = 'app.users'::regclass AND attname = 'id'")
		t.Logf("standby: PostgreSQL %d: switch, contract and down refused with exit code %d; both paused while it lagged", c.Major, exitRefused)
	})
}

func refusedOnStandby(t *testing.T, url string, words []string) {
	t.Helper()
	r := command(url, append(words, "--json")...)
	err := r.cmd.Run()
	var last refusal
	lines := strings.Split(strings.TrimSpace(r.output.String()), "\n")
	if jsonErr := json.Unmarshal([]byte(lines[len(lines)-1]), &last); jsonErr != nil {
		t.Fatalf("%v: %s", err, &r.output)
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitRefused || len(last.Problems) != 1 || last.Problems[0].Code != "standby" || last.Problems[0].Hint == "" {
		t.Errorf("rekey %s on a standby: %v: %+v", strings.Join(words, " "), err, last)
	}
}

// pausesWhileLagging stops the replay on the standby, and runs the command, which must pause. It must end when the replay continues.
func pausesWhileLagging(t *testing.T, primary, replica *pgxpool.Pool, words []string) {
	t.Helper()
	servertest.Execute(t, replica, "SELECT pg_wal_replay_pause()")
	servertest.Execute(t, primary, "DROP TABLE IF EXISTS app_noise; CREATE TABLE app_noise AS SELECT 1 AS n")
	time.Sleep(1500 * time.Millisecond) // longer than the limit
	before := keysOf(t, primary)
	r := command(primary.Config().ConnString(), append(words, "--json", "--max-lag", "1s")...)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		paused := 0
		if err := primary.QueryRow(t.Context(), "SELECT count(*) FROM rekey.standstills s WHERE s::text LIKE '%behind%'").Scan(&paused); err != nil {
			t.Fatal(err)
		}
		if paused == 1 {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("rekey %s did not pause: %s", words[0], &r.output)
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("it ended while the standby lags: %v: %s", err, &r.output)
	case <-time.After(300 * time.Millisecond):
	}
	if diff := cmp.Diff(before, keysOf(t, primary)); diff != "" {
		t.Errorf("a paused run changed primary keys (-before +after)\n%s", diff)
	}
	servertest.Execute(t, replica, "SELECT pg_wal_replay_resume()")
	if err := <-ended; err != nil {
		t.Errorf("%v: %s", err, &r.output)
	}
}

// keysOf returns the columns of all primary keys.
func keysOf(t *testing.T, pool *pgxpool.Pool) (keys string) {
	t.Helper()
	err := pool.QueryRow(t.Context(), "SELECT string_agg(conrelid::regclass || ' ' || pg_get_constraintdef(oid), '; ' ORDER BY conrelid::regclass::text) FROM pg_constraint WHERE contype = 'p' AND connamespace = 'app'::regnamespace").Scan(&keys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
