package throttle

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestPausesWhileSlotRetainsWAL(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c)
		b.exec("SELECT pg_create_physical_replication_slot('behind', true)")
		t.Cleanup(func() {
			conn, err := pgxpool.New(context.Background(), b.db.URL)
			if err == nil {
				_, _ = conn.Exec(context.Background(), "SELECT pg_drop_replication_slot('behind')")
				conn.Close()
			}
		})
		b.start(b.plain, Limits{MaxRetainedWAL: 1 << 20})
		b.exec("SELECT pg_logical_emit_message(false, 'much', repeat('x', 4000000))")
		b.waitPaused("replication slot behind retains", "of WAL", "limit 1024 kB")
		b.exec("CHECKPOINT") // a slot advances only to flushed WAL
		b.exec("SELECT pg_replication_slot_advance('behind', pg_current_wal_lsn())")
		b.waitResumed()
	})
}

func TestPausesWhileSnapshotIsOld(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, sql := range map[string][2]string{
			"prepared transaction": {"BEGIN; INSERT INTO t VALUES (2); PREPARE TRANSACTION 'forgotten'", "COMMIT PREPARED 'forgotten'"},
			"pid":                  {"BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t", "COMMIT"},
		} {
			t.Run(name, func(t *testing.T) {
				b := newEnv(t, c)
				w := b.start(b.admin, Limits{MaxSnapshotAge: 300 * time.Millisecond})
				conn, err := pgxpool.New(t.Context(), b.db.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				one, err := conn.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer one.Release()
				if _, err := one.Conn().PgConn().Exec(t.Context(), sql[0]).ReadAll(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(500 * time.Millisecond)
				if reason, _ := b.pace.Paused(); reason != "" {
					t.Errorf("paused while no rows are filled: %s", reason)
				}
				w.SetActivity(t.Context(), Activity{Table: "public.t", Filling: true})
				b.waitPaused(name, "has prevented the removal of dead rows", "limit 300ms")
				if _, err := one.Conn().PgConn().Exec(t.Context(), sql[1]).ReadAll(); err != nil {
					t.Fatal(err)
				}
				b.waitResumed()
			})
		}
	})
}

// A standby that stops replaying pauses the run, and so does one that the role may not see.
func TestPausesWhileStandbyLags(t *testing.T) {
	for _, major := range servertest.Versions(t) {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
			t.Parallel()
			primary, standby := startPair(t, major)
			b := newEnv(t, primary)
			follower, err := pgxpool.New(t.Context(), standby.URL("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			defer follower.Close()
			waitTrue(t, b.admin, "SELECT count(*) > 0 FROM pg_stat_replication WHERE state = 'streaming'")

			found, err := Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{})
			if err != nil || len(found) != 1 || found[0].Code != "signal_hidden" ||
				!strings.Contains(found[0].Hint, `GRANT pg_monitor TO "plain"`) || !strings.Contains(found[0].Hint, "--without-signal lag") {
				t.Errorf("a hidden lag is not refused: %v %v", found, err)
			}
			if found, err = Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{Without: []string{Lag}}); err != nil || len(found) > 0 {
				t.Errorf("refused although its signal is disabled: %v %v", found, err)
			}
			b.exec("GRANT pg_monitor TO plain")
			if found, err = Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{}); err != nil || len(found) > 0 {
				t.Errorf("refused although the role may see it: %v %v", found, err)
			}

			w := b.start(b.plain, Limits{MaxLag: time.Second})
			b.waitResumed()
			servertest.Execute(t, follower, "SELECT pg_wal_replay_pause()")
			b.exec("INSERT INTO t SELECT generate_series(1, 1000)")
			b.waitPaused("standby walreceiver is", "behind (limit 1s)")
			w.SetMaxLag(time.Hour)
			b.waitResumed()
			w.SetMaxLag(time.Second)
			b.waitPaused("standby walreceiver is")
			servertest.Execute(t, follower, "SELECT pg_wal_replay_resume()")
			b.waitResumed()

			// A role that may not see the lag any more pauses the run.
			b.start(b.plain, Limits{}, func(w *Watch) { w.staleAfter = 300 * time.Millisecond })
			b.exec("REVOKE pg_monitor FROM plain")
			b.waitPaused("the last reading of the standbys' lag is", "is not visible to this role")

			// The subscription of a move of shards is no standby, and its lag need not be visible.
			var conninfo string
			if err := follower.QueryRow(t.Context(), "SELECT current_setting('primary_conninfo')").Scan(&conninfo); err != nil {
				t.Fatal(err)
			}
			servertest.Execute(t, follower, sqltext.Format("ALTER SYSTEM SET primary_conninfo = {}", sqltext.Value(conninfo+" application_name=citus_shard_move_subscription_10_1")))
			servertest.Execute(t, follower, "SELECT pg_reload_conf()")
			waitTrue(t, b.admin, "SELECT count(*) > 0 FROM pg_stat_replication WHERE application_name LIKE 'citus%'")
			if found, err = Check(t.Context(), b.plain, catalog.Role{Name: "plain"}, Limits{}); err != nil || len(found) > 0 {
				t.Errorf("refused for the move of a shard: %v %v", found, err)
			}
		})
	}
}

func startPair(t *testing.T, major int) (primary, standby *server.Cluster) {
	t.Helper()
	installation, err := server.Find(t.Context(), major)
	if err != nil {
		t.Fatal(err)
	}
	primary, err = server.Start(t.Context(), installation, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = primary.Stop(context.Background()) })
	if standby, err = primary.Standby(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Stop(context.Background()) })
	return primary, standby
}

func waitTrue(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	for end := time.Now().Add(testTimeout); ; time.Sleep(20 * time.Millisecond) {
		var yes bool
		if err := pool.QueryRow(t.Context(), sql).Scan(&yes); err == nil && yes {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it did not become true: %s", sql)
		}
	}
}
