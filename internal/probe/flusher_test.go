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

// relocks waits until the row is locked again.
func relocks(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	before := locker(t, pool)
	await(t, "lock", func() bool { return locker(t, pool) != before })
}

// flushes checks that the flusher flushes all that an asynchronous commit has written. It does so more often than the server's WAL writer
// is likely to flush in time.
func flushes(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for range 10 {
		servertest.Execute(t, pool, "SET synchronous_commit = off; INSERT INTO written SELECT generate_series(1, 10); RESET synchronous_commit")
		var end string
		if err := pool.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&end); err != nil {
			t.Fatal(err)
		}
		relocks(t, pool) // after the write
		relocks(t, pool) // so that the transaction before has committed
		var flushed bool
		if err := pool.QueryRow(t.Context(), "SELECT pg_current_wal_flush_lsn() >= $1::text::pg_lsn", end).Scan(&flushed); err != nil || !flushed {
			t.Fatalf("the flusher has committed, but WAL is not flushed: %v", err)
		}
	}
}

// rests checks that the flusher does not flush.
func rests(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	before := locker(t, pool)
	time.Sleep(100 * time.Millisecond)
	if locker(t, pool) != before {
		t.Error("it flushes without a batch")
	}
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
		await(t, "connection", f.Connected)
		rests(t, admin)
		row := locker(t, admin)
		begun.Add(1) // a batch that has already ended is flushed, too
		await(t, "flush", func() bool { return locker(t, admin) != row })
		rests(t, admin)
		running.Store(true)
		flushes(t, admin)
		servertest.Execute(t, admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'flushing' AND datname = current_database()")
		await(t, "end of the connection", func() bool { return !f.Connected() })
		await(t, "new connection", f.Connected)
		flushes(t, admin)
		f.End()
		f.End()
		goleak.VerifyNone(t, before)
		var address string
		if err := admin.QueryRow(t.Context(), "SELECT min(ctid::text) FROM rekey.probe").Scan(&address); err != nil || address != "(0,1)" {
			t.Errorf("the row has moved to %s: %v", address, err)
		}
	})
}

// TestFlusherThatCannotFlush checks that the flusher does not count as connected while it cannot flush, and that it flushes again as soon
// as it can.
func TestFlusherThatCannotFlush(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "flushing")
		servertest.Execute(t, admin, "CREATE TABLE written (i int)")
		network := servertest.Through(t, pool.Config().ConnString())
		config, err := pgxpool.ParseConfig(network.URL)
		if err != nil {
			t.Fatal(err)
		}
		config.ConnConfig.User = "flushing"
		through, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer through.Close()
		f := StartFlusher(t.Context(), FlusherConfig{Pool: through, Scope: "app's", Batches: func() (int64, bool) { return 1, true }})
		defer f.End()
		await(t, "connection", f.Connected)
		flushes(t, admin)

		servertest.Execute(t, admin, "DELETE FROM rekey.probe")
		await(t, "row", func() bool { return locker(t, admin) != "" })
		flushes(t, admin)

		tx, err := admin.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(t.Context()) }()
		if _, err := tx.Exec(t.Context(), "SELECT FROM rekey.probe FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		await(t, "end while another session holds the row", func() bool { return !f.Connected() })
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		flushes(t, admin)

		network.SilenceOpen()
		await(t, "end of the silent connection", func() bool { return !f.Connected() })
		flushes(t, admin)
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

// TestFlusherWithoutConnection checks that a flusher whose first connection is refused ends.
func TestFlusherWithoutConnection(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		pool, admin := newPool(t, c, "refused")
		servertest.Execute(t, admin, "ALTER ROLE refused CONNECTION LIMIT 0")
		before := goleak.IgnoreCurrent()
		f := StartFlusher(t.Context(), FlusherConfig{Pool: pool, Scope: "public", Batches: func() (int64, bool) { return 1, true }})
		select {
		case <-f.ended: // by itself
		case <-time.After(time.Minute):
			t.Error("it does not end")
		}
		f.End()
		if f.Connected() {
			t.Error("it is connected")
		}
		goleak.VerifyNone(t, before)
	})
}
