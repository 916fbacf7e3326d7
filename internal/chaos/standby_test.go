//go:build unix

package chaos

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// serverPair is a server with a standby.
type serverPair struct {
	*testServer
	standby  *testServer
	database string
}

func withStandby(t *testing.T, major int, settings map[string]string) serverPair {
	t.Helper()
	h := startServer(t, major, settings)
	h.runUndisturbed()
	database := h.copy("followed")
	cluster, err := h.cluster.Standby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return serverPair{testServer: h, standby: &testServer{t: t, cluster: cluster}, database: database}
}

// waitUntil repeats a query until it returns true.
func (h *testServer) waitUntil(database, what, sql string, args ...any) {
	h.t.Helper()
	deadline := time.Now().Add(timeout)
	for yes := false; !yes; {
		h.with(database, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...).Scan(&yes)
		})
		if !yes && time.Now().After(deadline) {
			h.t.Fatalf("condition did not become true: %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// caughtUp waits until the standby has replayed everything, and compares the two servers.
func (p serverPair) caughtUp() {
	p.t.Helper()
	var at string
	p.with("postgres", func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_current_wal_lsn()::text").Scan(&at)
	})
	p.standby.waitUntil("postgres", "the standby catches up", "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", at)
	if diff := cmp.Diff(p.shape(p.database), p.standby.shape(p.database)); diff != "" {
		p.t.Errorf("the standby differs (-server +standby)\n%s", diff)
	}
}

// run completes a run of rekey while clients read and write. Each of their statements must finish in time.
func (p serverPair) run(o request) {
	p.t.Helper()
	clients, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, sql := range []string{
		sqltext.Format("SELECT count(*) FROM {} WHERE id < 100", qualified("wide")),
		sqltext.Format("UPDATE {} SET n = n + 1 WHERE id = 7", qualified("wide")),
		sqltext.Format("UPDATE {} SET note = note WHERE id = 7", qualified("small")),
	} {
		all.Go(func() { p.client(clients, sql) })
	}
	rekey, err := begin(o, func(eventLine) {})
	if err != nil {
		p.t.Fatal(err)
	}
	ended := rekey.waitEnd(timeout)
	if !ended {
		rekey.kill()
	}
	<-rekey.done
	stop()
	all.Wait()
	switch {
	case !ended:
		p.t.Fatalf("rekey did not end; it was last at %s", rekey.where())
	case rekey.fault() != nil || !rekey.result.OK:
		p.t.Fatalf("rekey ended with %v %v", rekey.result, rekey.fault())
	}
	if diff := cmp.Diff(p.undisturbed, p.shape(p.database)); diff != "" {
		p.t.Errorf("the catalogue differs from that without a standby (-want +got)\n%s", diff)
	}
}

// client repeats a statement that must never be blocked. Its commits do not wait for the standby.
func (p serverPair) client(ctx context.Context, sql string) {
	clean := context.Background()
	conn, err := pgx.Connect(clean, p.cluster.URL(p.database))
	if err != nil {
		p.t.Error(err)
		return
	}
	defer conn.Close(clean)
	if _, err := conn.PgConn().Exec(clean, "SET statement_timeout = '2min'; SET synchronous_commit = local").ReadAll(); err != nil {
		p.t.Error(err)
		return
	}
	for ctx.Err() == nil {
		if _, err := conn.Exec(clean, sql, pgx.QueryExecModeExec); err != nil {
			p.t.Errorf("%s: %v", sql, detailed(err))
			return
		}
		pause(ctx, 5*time.Millisecond)
	}
}

func (p serverPair) request() request {
	return request{URL: p.cluster.URL(p.database) + "&application_name=" + applicationName, Pace: "normal", Lag: time.Hour}
}

// A synchronous standby that does not answer blocks every commit that waits for it, with the locks of its transaction.
// No commit of rekey waits for it.
func TestCommitsDoNotWaitForStandby(t *testing.T) {
	t.Parallel()
	each(t, 0, func(t *testing.T, major int) {
		p := withStandby(t, major, nil)
		for _, sql := range []string{
			"ALTER SYSTEM SET synchronous_standby_names = '*'", "ALTER SYSTEM SET synchronous_commit = remote_apply", "SELECT pg_reload_conf()",
		} {
			p.execute("postgres", sql)
		}
		p.waitUntil("postgres", "the standby is synchronous", "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
		p.standby.execute("postgres", "SELECT pg_wal_replay_pause()")
		p.checkBlocked()
		p.run(p.request())
		p.checkBlocked()
		p.standby.execute("postgres", "SELECT pg_wal_replay_resume()")
		p.caughtUp()
	})
}

// checkBlocked checks that the standby blocks commits that wait for it.
func (p serverPair) checkBlocked() {
	p.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.cluster.URL("postgres"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = conn.Exec(ctx, "CREATE TABLE held ()")
	}()
	pid := int32(conn.PgConn().PID())
	p.waitUntil("postgres", "a commit waits for the standby",
		"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep')", pid)
	p.execute("postgres", fmt.Sprintf("SELECT pg_cancel_backend(%d)", pid)) // the commit is done locally, and stops waiting
	<-ended
	p.execute("postgres", "SET synchronous_commit = local; DROP TABLE held")
}

// A report on a standby whose snapshot the server respects (hot_standby_feedback) does not prevent a run from
// finishing, and its results do not change.
func TestReportOnStandbyDoesNotBlockRun(t *testing.T) {
	t.Parallel()
	each(t, 1, func(t *testing.T, major int) {
		p := withStandby(t, major, map[string]string{
			"hot_standby_feedback": "on", "wal_receiver_status_interval": "1s", "max_standby_streaming_delay": "-1",
		})
		p.caughtUp()
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, p.standby.cluster.URL(p.database))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		report := func(tx pgx.Tx) (rows, sum int64) {
			err := tx.QueryRow(ctx, sqltext.Format("SELECT count(*), sum(n) FROM {}", qualified("wide"))).Scan(&rows, &sum)
			if err != nil {
				t.Errorf("the report was cancelled: %v", err)
			}
			return rows, sum
		}
		err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			rows, sum := report(tx)
			p.run(p.request())
			if again, other := report(tx); again != rows || other != sum || rows != wideRows {
				t.Errorf("the report read %d rows with sum %d, then %d rows with sum %d", rows, sum, again, other)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		p.caughtUp()
	})
}

// An eager autovacuum repeatedly processes the tables that are filled.
func TestRunWithEagerAutovacuum(t *testing.T) {
	t.Parallel()
	each(t, 2, func(t *testing.T, major int) {
		h := startServer(t, major, map[string]string{
			"autovacuum_naptime": "1s", "autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "1",
			"autovacuum_analyze_scale_factor": "0", "autovacuum_analyze_threshold": "1", "autovacuum_vacuum_insert_scale_factor": "0",
			"autovacuum_vacuum_insert_threshold": "1", "autovacuum_vacuum_cost_delay": "0", "autovacuum_max_workers": "3",
		})
		h.runUndisturbed()
		seed, _ := fromEnvironment(t)
		tr := newTrial(t, h, &deck{}, &counts{faults: map[kind]int{}}, seed, 1)
		tr.ended = func() {
			h.waitUntil(tr.database, "autovacuum processes the wide table",
				"SELECT autovacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'wide'")
		}
		tr.run()
	})
}
