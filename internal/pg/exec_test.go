package pg

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestServerEndsStatementOfVanishedClient checks that servers from version 14 on end a statement whose client has
// vanished. Version 13 cannot; the next run finds the build.
func TestServerEndsStatementOfVanishedClient(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		config := b.pool.Config()
		var socket atomic.Value
		var vanished atomic.Bool
		dial := config.ConnConfig.DialFunc
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			if vanished.Load() {
				return nil, net.ErrClosed // pgx would ask the server to cancel the statement
			}
			conn, err := dial(ctx, network, address)
			socket.Store(conn)
			return conn, err
		}
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		var backend uint32
		err = ExecOutsideTx(t.Context(), pool, "SELECT pg_sleep(600)", func(pid uint32) {
			backend = pid
			time.AfterFunc(200*time.Millisecond, func() {
				vanished.Store(true)
				_ = socket.Load().(net.Conn).Close()
			})
		})
		if err == nil || backend == 0 {
			t.Fatalf("backend %d: error %v", backend, err)
		}
		admin := servertest.Pool(t, b.db.URL)
		there := func() (yes bool) {
			const alive = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1::int)"
			if err := admin.QueryRow(t.Context(), alive, int64(backend)).Scan(&yes); err != nil {
				t.Fatal(err)
			}
			return yes
		}
		if c.Major < 14 {
			time.Sleep(time.Second)
			if !there() {
				t.Error("version 13 ended the statement; the documents say that it does not")
			}
			return
		}
		for deadline := time.Now().Add(testTimeout); there(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the statement still runs without its client")
			}
		}
	})
}
