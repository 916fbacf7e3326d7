package journal

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func lastRun(t *testing.T, pool *pgxpool.Pool, scope string) (r *Run) {
	t.Helper()
	must(t, pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
		r, err = Last(t.Context(), tx, scope)
		return err
	}))
	return r
}

func TestRunsAreRecorded(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		ctx, pool := t.Context(), newJournal(t, c)
		if lastRun(t, pool, "public") != nil {
			t.Error("Last returned a run of an empty journal")
		}
		one := Run{Schema: "public", Holder: Here("1.0", "up"), Target: 40}
		first, err := Begin(ctx, pool, one)
		must(t, err)
		elsewhere, err := Begin(ctx, pool, Run{Schema: `Auth-Kit "2"`, Holder: Here("1.0", "down"), Target: 39})
		must(t, err)
		r := lastRun(t, pool, "public")
		if r.ID != first || r.Holder != one.Holder || r.Target != 40 || r.Outcome != "" || !r.Ended.IsZero() || r.Started.IsZero() {
			t.Errorf("the active run is %+v", r)
		}
		second, err := Begin(ctx, pool, one) // the first run's process has died
		must(t, err)
		must(t, End(ctx, pool, first, "done", "recorded too late", 1))
		const outcome = "SELECT outcome || ended::text || detail FROM rekey.runs WHERE id = $1"
		if got := queryValue[string](t, pool, outcome, first); !strings.HasPrefix(got, Abandoned) || strings.HasSuffix(got, "late") {
			t.Errorf("the abandoned run is recorded as %s", got)
		}
		if r := lastRun(t, pool, `Auth-Kit "2"`); r.ID != elsewhere || r.Outcome != "" {
			t.Errorf("the run of the other schema is %+v", r)
		}
		must(t, End(ctx, pool, second, "stopped", "on request", 1<<40))
		r = lastRun(t, pool, "public")
		if r.ID != second || r.Outcome != "stopped" || r.Detail != "on request" || r.Rows != 1<<40 || r.Ended.Before(r.Started) {
			t.Errorf("the ended run is %+v", r)
		}
	})
}

func TestHolderContainsNoSecrets(t *testing.T) {
	for command, want := range map[string]string{
		"up": "up",
		"up --database-url postgres://me:sesame@db/app": "up",
		"postgres://me:sesame@db/app":                   "",
		"password=sesame":                               "",
		"":                                              "",
	} {
		if got := Here("1.0", command).Command; got != want {
			t.Errorf("command %q is recorded as %q", command, got)
		}
	}
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		holder := Holder{Host: "h", PID: 1, Command: "up postgres://me:sesame@db/app"}
		lease, err := Acquire(t.Context(), pool, "public", holder)
		must(t, err)
		_, err = Begin(t.Context(), pool, Run{Schema: "public", Holder: holder})
		must(t, err)
		const all = "SELECT (SELECT string_agg(l::text, '') FROM rekey.leases l) || (SELECT string_agg(r::text, '') FROM rekey.runs r)"
		if text := queryValue[string](t, pool, all); strings.Contains(text, "sesame") {
			t.Errorf("the journal contains a password: %s", text)
		}
		must(t, lease.Release(t.Context()))
	})
}
