package pg

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestSessionEndedWhileIdle: what idle_session_timeout and administrators end while nobody uses it is missed by
// nobody.
func TestSessionEndedWhileIdle(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for name, use := range map[string]func(*bed) error{
			"a transaction": func(b *bed) error { return Read(b.Context(), b.pool, func(Tx) error { return nil }) },
			"a change": func(b *bed) error {
				_, err := b.changer().Do(b.Context(), addColumn())
				return err
			},
			"a statement of its own": func(b *bed) error { return ExecOutsideTx(b.Context(), b.pool, "VACUUM public.t", nil) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := lay(t, c)
				b.idle()
				b.run(b.session("postgres"), `DO $$BEGIN
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

// idle makes the pool's connections, all of them.
func (b *bed) idle() {
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
