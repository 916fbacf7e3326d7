package probe

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// locker returns the transaction that locked the flusher's row last. It has flushed all WAL before it.
func locker(t *testing.T, pool *pgxpool.Pool) (xmax string) {
	t.Helper()
	err := pool.QueryRow(t.Context(), "SELECT coalesce(max(xmax::text), '') FROM rekey.probe WHERE scope = 'flusher of app''s'").Scan(&xmax)
	if err != nil {
		t.Fatal(err)
	}
	return xmax
}

// flushes reports whether the flusher flushes all that is written by an asynchronous commit. During the wait the server's WAL writer flushes
// as well.
func flushes(t *testing.T, pool *pgxpool.Pool, wait time.Duration) bool {
	t.Helper()
	before := locker(t, pool)
	servertest.Execute(t, pool, "SET synchronous_commit = off; INSERT INTO written SELECT generate_series(1, 10); RESET synchronous_commit")
	var end string
	if err := pool.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&end); err != nil {
		t.Fatal(err)
	}
	time.Sleep(wait)
	if locker(t, pool) == before {
		return false
	}
	var flushed bool
	if err := pool.QueryRow(t.Context(), "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn", end).Scan(&flushed); err != nil || !flushed {
		t.Errorf("the flusher has committed, but WAL is not flushed: %v", err)
	}
	return true
}

// TestFlushes checks that the flusher flushes while there are batches, as a role without any privilege, that it leaves no dead version,
// and that it survives the end of its connection.
func TestFlushes(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "flushing")
		servertest.Execute(t, admin, "CREATE TABLE written (i int)")
		before := goleak.IgnoreCurrent()
		var begun atomic.Int64
		var running atomic.Bool
		f := StartFlusher(t.Context(), FlusherConfig{Pool: pool, Scope: "app's", Batches: func() (int64, bool) { return begun.Load(), running.Load() }})
		await(t, "a connection", f.Connected)
		if flushes(t, admin, 100*time.Millisecond) {
			t.Error("it flushes without a batch")
		}
		row := locker(t, admin)
		begun.Add(1) // a batch that has already ended is flushed, too
		await(t, "a flush", func() bool { return locker(t, admin) != row })
		if flushes(t, admin, 100*time.Millisecond) {
			t.Error("it flushes again")
		}
		running.Store(true)
		await(t, "flushes", func() bool { return flushes(t, admin, 20*time.Millisecond) })
		servertest.Execute(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'flushing'")
		await(t, "the end of the connection", func() bool { return !f.Connected() })
		await(t, "a new connection", func() bool { return f.Connected() && flushes(t, admin, 20*time.Millisecond) })
		f.End()
		f.End()
		goleak.VerifyNone(t, before)
		var versions int
		err := admin.QueryRow(t.Context(), "SELECT n_tup_upd + n_tup_del + n_dead_tup FROM pg_stat_user_tables WHERE relname = 'probe'").Scan(&versions)
		if err != nil || versions > 0 {
			t.Errorf("%d versions, %v", versions, err)
		}
	})
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for timeout := time.After(time.Minute); !is(); {
		select {
		case <-timeout:
			t.Fatalf("no %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestFlusherWithoutConnection(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "refused")
		servertest.Execute(t, admin, "ALTER ROLE refused CONNECTION LIMIT 0")
		before := goleak.IgnoreCurrent()
		f := StartFlusher(t.Context(), FlusherConfig{Pool: pool, Scope: "public", Batches: func() (int64, bool) { return 1, true }})
		f.End()
		if f.Connected() {
			t.Error("it is connected")
		}
		goleak.VerifyNone(t, before)
	})
}
