package throttle

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// A promoted standby pauses the run; so does one that cannot be read any more once its last reading is too old.
func TestPausesWhileStandbyIsMissing(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.Versions(t)[0])
	b := newEnv(t, c)
	b.exec("DROP ROLE IF EXISTS watcher; CREATE ROLE watcher LOGIN")
	away := pg.Standbys([]*pgxpool.Pool{b.connect("watcher")})
	b.start(b.plain, Limits{Standbys: away}, func(w *Watch) { w.staleAfter = 300 * time.Millisecond })
	b.waitPaused("the server at 127.0.0.1:", "is no longer a standby")
	b.exec("ALTER ROLE watcher NOLOGIN")
	b.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'watcher'")
	b.waitPaused("the last reading of standby 127.0.0.1:", "old", "not permitted to log in")
	b.exec("ALTER ROLE watcher LOGIN")
	b.waitPaused("is no longer a standby")
	other := newEnv(t, c)
	other.start(other.plain, Limits{Standbys: away, Without: []string{Standby}})
	other.waitResumed()
}
