package pg

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestSessionEndedWhileIdleIsReplaced checks that sessions which idle_session_timeout or an administrator has ended
// are replaced without an error.
func TestSessionEndedWhileIdleIsReplaced(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for name, use := range map[string]func(*testDB) error{
			"a transaction": func(b *testDB) error { return Read(b.Context(), b.pool, func(Tx) error { return nil }) },
			"a change": func(b *testDB) error {
				_, err := b.changer().Do(b.Context(), addColumn())
				return err
			},
			"a statement outside of a transaction": func(b *testDB) error { return ExecOutsideTx(b.Context(), b.pool, "VACUUM public.t", nil) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newTestDB(t, c)
				b.openAll()
				b.exec(b.session("postgres"), `DO $$BEGIN
					PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'plain';
					WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'plain') LOOP
						PERFORM pg_sleep(0.01);
						PERFORM pg_stat_clear_snapshot();
					END LOOP;
				END$$`)
				if err := use(b); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// openAll opens all connections of the pool.
func (b *testDB) openAll() {
	b.Helper()
	for range b.pool.Config().MaxConns {
		conn, err := b.pool.Acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Release()
		if err := conn.Ping(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
