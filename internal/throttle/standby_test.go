package throttle

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// A standby that was promoted holds the run; one that cannot be read any more does when the last reading is
// too old.
func TestStandbySignal(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	b.exec("DROP ROLE IF EXISTS watcher; CREATE ROLE watcher LOGIN")
	away := pg.Standbys([]*pgxpool.Pool{b.connect("watcher")})
	b.start(b.plain, Limits{Standbys: away}, func(w *Watch) { w.staleAfter = 300 * time.Millisecond })
	b.waitPaused("the server at 127.0.0.1:", "is no standby any more")
	b.exec("ALTER ROLE watcher NOLOGIN")
	b.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'watcher'")
	b.waitPaused("the reading of standby 127.0.0.1:", "is stale", "not permitted to log in")
	b.exec("ALTER ROLE watcher LOGIN")
	b.waitPaused("is no standby any more")
	other := newEnv(t, c)
	other.start(other.plain, Limits{Standbys: away, Without: []string{Standby}})
	other.waitResumed()
}
