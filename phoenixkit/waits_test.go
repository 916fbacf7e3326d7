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

// session opens a connection of the application.
func (h *database) session(role string) *pgconn.PgConn {
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

func (h *database) run(conn *pgconn.PgConn, sql string) {
	h.t.Helper()
	if _, err := conn.Exec(h.t.Context(), sql).ReadAll(); err != nil {
		h.t.Errorf("%v in %s", err, sql)
	}
}

const snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1"

// TestBuildReportsBlockers: an old snapshot delays CREATE INDEX CONCURRENTLY, and rekey reports it.
func TestBuildReportsBlockers(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
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
			t.Errorf("reported: %+v", p)
		}
	})
}

// orphan makes a run build its first index while another session blocks it, and then ends the run: the backend
// continues the build without a client.
func (h *database) orphan(other *pgconn.PgConn, hold, phase string) {
	h.t.Helper()
	backend := h.session(owner)
	ctx, kill := context.WithCancel(h.t.Context())
	_, err := phoenixkit.Up(ctx, h.pool(owner), phoenixkit.Options{Version: 40, Options: rekey.Options{OnEvent: func(e event.Event) {
		sql := executed(e)
		if !strings.Contains(sql, "INDEX CONCURRENTLY") || ctx.Err() != nil {
			return
		}
		h.run(other, hold)
		backend.Exec(h.t.Context(), sql) // the answer is not read
		h.waitFor("SELECT EXISTS (SELECT FROM pg_index WHERE NOT indisvalid) AND EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase = '" + phase + "')")
		socket, _ := backend.Conn().(*net.TCPConn)
		_ = socket.SetLinger(0)
		_ = socket.Close()
		kill()
	}}})
	if !errors.Is(err, problem.ErrInterrupted) {
		h.t.Fatalf("the run ended with %v", err)
	}
}

// TestOrphanedBuild: the process that built an index was killed, and its backend continues. The next run waits for it
// and uses the index.
func TestOrphanedBuild(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		report := h.session(superuser)
		h.orphan(report, snapshot, "waiting for old snapshots")
		const built = "SELECT indexrelid::int8 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname LIKE '%uuid_idx' ORDER BY indexrelid LIMIT 1"
		index := queryOne[int64](h, built)
		waited := false
		_, err := h.up(owner, func(o *phoenixkit.Options) {
			o.OnEvent = func(e event.Event) {
				if notice, ok := e.(event.Notice); ok && strings.Contains(notice.Text, "another session that is building") {
					waited = true
					h.run(report, "COMMIT")
				}
			}
		})
		if err != nil || !waited {
			t.Errorf("waited: %v; error: %v", waited, err)
		}
		if now := queryOne[int64](h, built); now != index {
			t.Errorf("the index was built again: oid %d, then %d", index, now)
		}
		if _, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Error(err)
		}
	})
}

// TestOrphanedBuildIsCancelled: a build without a client waits for a session that then requests a conflicting lock. The
// waiting run cancels the build before the server cancels the session.
func TestOrphanedBuildIsCancelled(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		writer := h.session(superuser)
		h.orphan(writer, "BEGIN; LOCK TABLE phoenix_kit_users IN ROW EXCLUSIVE MODE", "waiting for writers before build")
		// The build checks for a deadlock after a second of waiting, and finds none. After that only this session would
		// check. On a busy machine this gives the run, which checks five times a second, enough time.
		h.run(writer, "SET deadlock_timeout = '1min'")
		h.waitFor(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'
			AND pid <> pg_backend_pid() AND datname = current_database() AND clock_timestamp() > query_start + interval '2 seconds')`)
		var locked chan error
		_, err := h.up(owner, func(o *phoenixkit.Options) {
			o.OnEvent = func(e event.Event) {
				if notice, ok := e.(event.Notice); ok && locked == nil && strings.Contains(notice.Text, "another session that is building") {
					locked = make(chan error, 1)
					go func() {
						_, err := writer.Exec(t.Context(), "LOCK TABLE phoenix_kit_users IN SHARE ROW EXCLUSIVE MODE; COMMIT").ReadAll()
						locked <- err
					}()
				}
			}
		})
		if err != nil || locked == nil {
			t.Fatalf("waited: %v; error: %v", locked != nil, err)
		}
		if err := <-locked; err != nil {
			t.Errorf("the application's session: %v", err)
		}
		if _, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Error(err)
		}
	})
}

// TestBusyServer: a synchronous standby that never answers, an autovacuum of the table, and one to prevent wraparound.
// It starts servers of its own, so it runs on the oldest and the newest version unless REKEY_PG_VERSIONS is set.
func TestBusyServer(t *testing.T) {
	for _, major := range servertest.Ends(t) {
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
			if servertest.IsNewest(t, c) { // all versions show it by the same text
				t.Run("wraparound", func(t *testing.T) { againstWraparound(t, c) })
			}
		})
	}
}

func silentStandby(t *testing.T, c *server.Cluster) {
	t.Helper()
	h := build(t, c, small)
	h.setUp(`ALTER ROLE {owner} SET synchronous_commit = on`)
	defer h.setUp(`ALTER ROLE {owner} RESET synchronous_commit`)
	r := h.start(func() {})
	select {
	case <-r.done:
	case <-time.After(deadline):
		t.Fatalf("the run hangs: %s", queryOne[string](h, "SELECT string_agg(format('%s %s', wait_event, query), '; ') FROM pg_stat_activity WHERE wait_event = 'SyncRep'"))
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	if _, err := h.down(owner); err != nil {
		t.Fatal(err)
	}
}

// vacuumed returns a database in which a slow autovacuum is processing the table of users.
func vacuumed(t *testing.T, c *server.Cluster, begin, seen string) *database {
	t.Helper()
	h := build(t, c, small)
	h.setUp("TRUNCATE phoenix_kit, phoenix_kit_users, phoenix_kit_email_templates, oban_jobs CASCADE")
	if err := fixture.Seed(t.Context(), h.pool(owner), "public", fixture.Size{Users: 20000, Others: 5}); err != nil {
		t.Fatal(err)
	}
	h.setUp(`ALTER TABLE phoenix_kit_users SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
		autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 1000000000)`)
	h.setUp(begin)
	// An autovacuum that has run for a second is a slow one. The first one may end at once.
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
	var reason string
	_, err := h.up(owner, func(o *phoenixkit.Options) {
		o.Stop = stop
		o.OnEvent = func(e event.Event) {
			// On a busy server a slow reading may be reported as well.
			if throttled, ok := e.(event.Throttled); ok && reason == "" && strings.Contains(throttled.Reason, "an autovacuum") {
				reason = throttled.Reason
				close(stop)
			}
		}
	})
	if !errors.Is(err, problem.ErrInterrupted) || !strings.Contains(reason, `an autovacuum to prevent wraparound is running on "public"."phoenix_kit_users" (pid `) {
		t.Errorf("reason %q; error: %v", reason, err)
	}
	_, err = h.up(owner, func(o *phoenixkit.Options) {
		o.Throttle.Without, o.Locks.RetryTimeout = []string{"wraparound"}, 5*time.Second // time for more than one query for the blocker
	})
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != "lock_timeout" || !strings.Contains(p.Detail, "autovacuum worker") || !strings.Contains(p.Detail, "(to prevent wraparound)") {
		t.Errorf("unexpected error: %v", err)
	}
}
