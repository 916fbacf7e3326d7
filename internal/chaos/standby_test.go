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

// pairHouse is a house with a standby.
type pairHouse struct {
	*house
	standby  *house
	database string
}

func withStandby(t *testing.T, major int, settings map[string]string) pairHouse {
	t.Helper()
	h := settle(t, major, settings)
	h.calm()
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
	return pairHouse{house: h, standby: &house{t: t, cluster: cluster}, database: database}
}

// until asks a question until its answer is true.
func (h *house) until(database, what, sql string, args ...any) {
	h.t.Helper()
	deadline := time.Now().Add(hangs)
	for yes := false; !yes; {
		h.with(database, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...).Scan(&yes)
		})
		if !yes && time.Now().After(deadline) {
			h.t.Fatalf("never: %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// caughtUp waits until the standby is where the server is.
func (p pairHouse) caughtUp() {
	p.t.Helper()
	var at string
	p.with("postgres", func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_current_wal_lsn()::text").Scan(&at)
	})
	p.standby.until("postgres", "the standby catches up", "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", at)
	if diff := cmp.Diff(p.shape(p.database), p.standby.shape(p.database)); diff != "" {
		p.t.Errorf("the standby differs (-server +standby)\n%s", diff)
	}
}

// run brings rekey to its end while clients read and write, each of whose statements must be done in
// time.
func (p pairHouse) run(o order) {
	p.t.Helper()
	clients, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, sql := range []string{
		sqltext.Format("SELECT count(*) FROM {} WHERE id < 100", named("wide")),
		sqltext.Format("UPDATE {} SET n = n + 1 WHERE id = 7", named("wide")),
		sqltext.Format("UPDATE {} SET note = note WHERE id = 7", named("small")),
	} {
		all.Go(func() { p.client(clients, sql) })
	}
	rekey, err := begin(o, func(happened) {})
	if err != nil {
		p.t.Fatal(err)
	}
	ended := rekey.ended(hangs)
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
	if diff := cmp.Diff(p.whole, p.shape(p.database)); diff != "" {
		p.t.Errorf("another end than without a standby (-want +got)\n%s", diff)
	}
}

// client repeats a statement that must never be held up: its commits do not wait for the standby, as an
// application's reads do not.
func (p pairHouse) client(ctx context.Context, sql string) {
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
		rest(ctx, 5*time.Millisecond)
	}
}

func (p pairHouse) order() order {
	return order{URL: p.cluster.URL(p.database) + "&application_name=" + applicationName, Pace: "normal", Lag: time.Hour}
}

// A synchronous standby that answers no more holds every commit up that waits for it, and the locks of
// that transaction. None of rekey's does.
func TestPausedSynchronousStandby(t *testing.T) {
	t.Parallel()
	each(t, 0, func(t *testing.T, major int) {
		p := withStandby(t, major, nil)
		for _, sql := range []string{
			"ALTER SYSTEM SET synchronous_standby_names = '*'", "ALTER SYSTEM SET synchronous_commit = remote_apply", "SELECT pg_reload_conf()",
		} {
			p.execute("postgres", sql)
		}
		p.until("postgres", "the standby is synchronous", "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
		p.standby.execute("postgres", "SELECT pg_wal_replay_pause()")
		p.held()
		p.run(p.order())
		p.held()
		p.standby.execute("postgres", "SELECT pg_wal_replay_resume()")
		p.caughtUp()
	})
}

// held proves that the standby holds up whoever waits for it.
func (p pairHouse) held() {
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
	p.until("postgres", "a commit waits for the standby: without that this proves nothing",
		"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep')", pid)
	p.execute("postgres", fmt.Sprintf("SELECT pg_cancel_backend(%d)", pid)) // it is committed here, and waits no more
	<-ended
	p.execute("postgres", "SET synchronous_commit = local; DROP TABLE held")
}

// A report on a standby, whose snapshot the server hears of, neither keeps rekey from its end nor sees
// another number than before.
func TestOpenReportOnStandby(t *testing.T) {
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
			err := tx.QueryRow(ctx, sqltext.Format("SELECT count(*), sum(n) FROM {}", named("wide"))).Scan(&rows, &sum)
			if err != nil {
				t.Errorf("the report was ended: %v", err)
			}
			return rows, sum
		}
		err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			rows, sum := report(tx)
			p.run(p.order())
			if again, other := report(tx); again != rows || other != sum || rows != wideRows {
				t.Errorf("the report saw %d rows and %d, and then %d and %d", rows, sum, again, other)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		p.caughtUp()
	})
}

// Autovacuum at its most eager takes up every table that is filled, again and again.
func TestEagerAutovacuum(t *testing.T) {
	t.Parallel()
	each(t, 2, func(t *testing.T, major int) {
		h := settle(t, major, map[string]string{
			"autovacuum_naptime": "1s", "autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "1",
			"autovacuum_analyze_scale_factor": "0", "autovacuum_analyze_threshold": "1", "autovacuum_vacuum_insert_scale_factor": "0",
			"autovacuum_vacuum_insert_threshold": "1", "autovacuum_vacuum_cost_delay": "0", "autovacuum_max_workers": "3",
		})
		h.calm()
		seed, _ := fromEnvironment(t)
		tr := newTrial(t, h, &deck{}, &tally{faults: map[kind]int{}}, seed, 1)
		tr.ended = func() {
			h.until(tr.database, "autovacuum takes up the wide table",
				"SELECT autovacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'wide'")
		}
		tr.run()
	})
}
