package phoenixkit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/fixture"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// session is a connection of the application's.
func (h *house) session(role string) *pgconn.PgConn {
	h.t.Helper()
	config, err := pgconn.ParseConfig(h.db.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	config.User = role
	config.RuntimeParams["application_name"] = "report"
	conn, err := pgconn.ConnectConfig(h.t.Context(), config)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (h *house) run(conn *pgconn.PgConn, sql string) {
	h.t.Helper()
	if _, err := conn.Exec(h.t.Context(), sql).ReadAll(); err != nil {
		h.t.Errorf("%v in %s", err, sql)
	}
}

const snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"

// TestBuildTellsWhomItWaitsFor: an old snapshot keeps CREATE INDEX CONCURRENTLY waiting, and is named.
func TestBuildTellsWhomItWaitsFor(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		report := h.session(superuser)
		h.run(report, snapshot)
		var named atomic.Value
		_, err := h.up(owner, func(o *phoenixkit.Options) {
			o.OnEvent = func(e event.Event) {
				if p, ok := e.(event.IndexProgress); ok && len(p.Waiting) > 0 && named.Load() == nil {
					named.Store(p)
					h.run(report, "COMMIT")
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := named.Load().(event.IndexProgress)
		if len(p.Waiting) != 1 || !strings.HasPrefix(p.Waiting[0], "pid ") || !strings.Contains(p.Waiting[0], "report") ||
			p.Phase != "waiting for old snapshots" && !strings.HasPrefix(p.Phase, "waiting for") || p.Table == "" || p.Index == "" {
			t.Errorf("told is %+v", p)
		}
	})
}

// orphan makes a run build its first index while another session holds it up, and kills the run there:
// its backend builds on, and nobody attends.
func (h *house) orphan(other *pgconn.PgConn, hold, phase string) {
	h.t.Helper()
	backend := h.session(owner)
	ctx, kill := context.WithCancel(h.t.Context())
	_, err := phoenixkit.Up(ctx, h.pool(owner), phoenixkit.Options{Version: 40, Options: rekey.Options{OnEvent: func(e event.Event) {
		sql := executed(e)
		if !strings.Contains(sql, "INDEX CONCURRENTLY") || ctx.Err() != nil {
			return
		}
		h.run(other, hold)
		backend.Exec(h.t.Context(), sql) // nobody reads the answer
		h.waitFor("SELECT EXISTS (SELECT FROM pg_index WHERE NOT indisvalid) AND EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase = '" + phase + "')")
		socket, _ := backend.Conn().(*net.TCPConn)
		_ = socket.SetLinger(0)
		_ = socket.Close()
		kill()
	}}})
	if !errors.Is(err, problem.ErrInterrupted) {
		h.t.Fatalf("it ended with %v", err)
	}
}

// TestOrphanedBuild: the process that built an index was killed, and its backend builds on. The next run
// waits for it, and takes the index that it made.
func TestOrphanedBuild(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		report := h.session(superuser)
		h.orphan(report, snapshot, "waiting for old snapshots")
		const built = "SELECT indexrelid::int8 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname LIKE '%uuid_idx' ORDER BY indexrelid LIMIT 1"
		index := one[int64](h, built)
		waited := false
		_, err := h.up(owner, func(o *phoenixkit.Options) {
			o.OnEvent = func(e event.Event) {
				if notice, ok := e.(event.Notice); ok && strings.Contains(notice.Text, "another session is building") {
					waited = true
					h.run(report, "COMMIT")
				}
			}
		})
		if err != nil || !waited {
			t.Errorf("waited: %v; it ended with %v", waited, err)
		}
		if now := one[int64](h, built); now != index {
			t.Errorf("the index that was waited for was built again: %d, %d", index, now)
		}
		if _, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Error(err)
		}
	})
}

// TestOrphanedBuildGivesWay: a build that nobody attends waits for a session that then wants a lock which
// conflicts with the build's. The run that waits for the build ends it before the server ends the session.
func TestOrphanedBuildGivesWay(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		writer := h.session(superuser)
		h.orphan(writer, "BEGIN; LOCK TABLE phoenix_kit_users IN ROW EXCLUSIVE MODE", "waiting for writers before build")
		// The build looks for deadlocks a second after it has begun to wait, and finds none; then the only one to look
		// is this session. On a busy machine the run, which looks five times a second, is given the time.
		h.run(writer, "SET deadlock_timeout = '1min'")
		h.waitFor(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'
			AND pid <> pg_backend_pid() AND datname = current_database() AND clock_timestamp() > query_start + interval '2 seconds')`)
		var locked chan error
		_, err := h.up(owner, func(o *phoenixkit.Options) {
			o.OnEvent = func(e event.Event) {
				if notice, ok := e.(event.Notice); ok && locked == nil && strings.Contains(notice.Text, "another session is building") {
					locked = make(chan error, 1)
					go func() {
						_, err := writer.Exec(t.Context(), "LOCK TABLE phoenix_kit_users IN SHARE ROW EXCLUSIVE MODE; COMMIT").ReadAll()
						locked <- err
					}()
				}
			}
		})
		if err != nil || locked == nil {
			t.Fatalf("waited: %v; it ended with %v", locked != nil, err)
		}
		if err := <-locked; err != nil {
			t.Errorf("the application's session: %v", err)
		}
		if _, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Error(err)
		}
	})
}

// TestEagerServer: a synchronous standby that never answers, an autovacuum on the table, and one against
// wraparound.
func TestEagerServer(t *testing.T) {
	for _, major := range servertest.Versions(t) {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
			t.Parallel()
			installation, err := server.Find(t.Context(), major)
			if err != nil {
				t.Fatal(err)
			}
			c, err := server.Start(t.Context(), installation, server.Options{Settings: map[string]string{
				"synchronous_standby_names": "nobody", "deadlock_timeout": "200ms",
				"autovacuum_naptime": "1s", "autovacuum_freeze_max_age": "100000",
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Stop(context.Background()) })
			t.Run("synchronous standby", func(t *testing.T) { silentStandby(t, c) })
			t.Run("autovacuum", func(t *testing.T) { underAutovacuum(t, c) })
			t.Run("wraparound", func(t *testing.T) { againstWraparound(t, c) })
		})
	}
}

func silentStandby(t *testing.T, c *server.Cluster) {
	t.Helper()
	h := build(t, c, small)
	h.set(`ALTER ROLE {owner} SET synchronous_commit = on`)
	defer h.set(`ALTER ROLE {owner} RESET synchronous_commit`)
	r := h.start(func() {})
	select {
	case <-r.done:
	case <-time.After(patience):
		t.Fatalf("it hangs: %s", one[string](h, "SELECT string_agg(format('%s %s', wait_event, query), '; ') FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	if _, err := h.down(owner); err != nil {
		t.Fatal(err)
	}
}

// vacuumed is a house whose users autovacuum takes long over, and is at work on when it is given back.
func vacuumed(t *testing.T, c *server.Cluster, begin, seen string) *house {
	t.Helper()
	h := build(t, c, small)
	h.set("TRUNCATE phoenix_kit, phoenix_kit_users, phoenix_kit_email_templates, oban_jobs CASCADE")
	if err := fixture.Seed(t.Context(), h.pool(owner), "public", fixture.Size{Users: 20000, Others: 5}); err != nil {
		t.Fatal(err)
	}
	h.set(`ALTER TABLE phoenix_kit_users SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
		autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000000)`)
	h.set(begin)
	// One that has been at it for a second is slow, as it was told to be; the first that comes may be over
	// at once.
	h.waitFor(`SELECT EXISTS (SELECT FROM pg_stat_activity a JOIN pg_stat_progress_vacuum p ON p.pid = a.pid
		WHERE p.relid = 'phoenix_kit_users'::regclass AND a.query ~ '` + seen + `' AND clock_timestamp() > a.query_start + interval '1 second')`)
	return h
}

func underAutovacuum(t *testing.T, c *server.Cluster) {
	t.Helper()
	h := vacuumed(t, c, "DELETE FROM phoenix_kit_users WHERE id % 3 = 0", "^autovacuum: VACUUM")
	result, err := h.up(owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", result.Locks)
}

func againstWraparound(t *testing.T, c *server.Cluster) {
	t.Helper()
	h := vacuumed(t, c, "DO $$BEGIN FOR i IN 1..110000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END$$", `\(to prevent wraparound\)$`)
	stop := make(chan struct{})
	var told string
	_, err := h.up(owner, func(o *phoenixkit.Options) {
		o.Stop = stop
		o.OnEvent = func(e event.Event) {
			// A busy server may be too slow for a reading, and that is told as well.
			if throttled, ok := e.(event.Throttled); ok && told == "" && strings.Contains(throttled.Reason, "an autovacuum") {
				told = throttled.Reason
				close(stop)
			}
		}
	})
	if !errors.Is(err, problem.ErrInterrupted) || !strings.Contains(told, `an autovacuum to prevent wraparound is at work on "public"."phoenix_kit_users" (pid `) {
		t.Errorf("told is %q; it ended with %v", told, err)
	}
	_, err = h.up(owner, func(o *phoenixkit.Options) {
		o.Throttle.Without, o.Locks.RetryTimeout = []string{"wraparound"}, 5*time.Second // time for more than one look at who it is
	})
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != "lock_timeout" || !strings.Contains(p.Detail, "autovacuum worker") || !strings.Contains(p.Detail, "(to prevent wraparound)") {
		t.Errorf("it ended with %v", err)
	}
}
