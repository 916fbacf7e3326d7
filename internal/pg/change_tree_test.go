package pg

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestLockTimeoutCoversAllTablesOfTree checks that an attempt waits for all partitions of a table together no
// longer than the lock timeout, although the server's lock_timeout applies to each of them: the locks granted first
// would be held for all that time.
func TestLockTimeoutCoversAllTablesOfTree(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := newTestDB(t, c)
		admin := b.session("postgres")
		b.exec(admin, "CREATE TABLE tree (id int) PARTITION BY LIST (id); ALTER TABLE tree OWNER TO plain")
		const partitions = 4
		changer := b.changer()
		changer.LockTimeout = 600 * time.Millisecond
		for n := range partitions {
			b.exec(admin, fmt.Sprintf("CREATE TABLE tree_%d PARTITION OF tree FOR VALUES IN (%d); ALTER TABLE tree_%d OWNER TO plain", n, n, n))
		}
		var done atomic.Bool
		var all sync.WaitGroup
		for n := range partitions {
			holder, watch := b.session("plain"), b.session("postgres")
			lock := fmt.Sprintf("BEGIN; LOCK TABLE tree_%d IN ROW EXCLUSIVE MODE", n)
			awaited := fmt.Sprintf("SELECT FROM pg_locks WHERE relation = 'tree_%d'::regclass AND NOT granted AND mode = 'AccessExclusiveLock'", n)
			b.exec(holder, lock)
			all.Go(func() { // ends when its lock has been requested for two thirds of the lock timeout
				for held := time.Now(); !done.Load(); time.Sleep(time.Millisecond) {
					results, err := watch.Exec(b.Context(), awaited).ReadAll()
					if err != nil || len(results[0].Rows) > 0 {
						time.Sleep(400 * time.Millisecond)
						break
					}
					if time.Since(held) > oldHolderAge/4 { // Do would not request the lock while there is an old holder
						if _, err := holder.Exec(b.Context(), "COMMIT; "+lock).ReadAll(); err != nil {
							t.Error(err)
							return
						}
						held = time.Now()
					}
				}
				if _, err := holder.Exec(b.Context(), "COMMIT").ReadAll(); err != nil {
					t.Error(err)
				}
			})
		}
		taken, err := changer.Do(b.Context(), Change{Locks: exclusive("tree"), Statements: []string{"ALTER TABLE public.tree ADD COLUMN uuid uuid"}})
		done.Store(true)
		all.Wait()
		if err != nil || taken.Attempts < 2 {
			t.Errorf("%d attempts, %v", taken.Attempts, err)
		}
	})
}

// TestOldHolderOfPartitionPreventsLock checks that neither a partition with an old lock holder nor its partitioned
// table is locked.
func TestOldHolderOfPartitionPreventsLock(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newTestDB(t, c)
		admin := b.session("postgres")
		b.exec(admin, `CREATE TABLE tree (id int) PARTITION BY LIST (id); ALTER TABLE tree OWNER TO plain;
			CREATE TABLE tree_rest PARTITION OF tree DEFAULT PARTITION BY LIST (id); ALTER TABLE tree_rest OWNER TO plain;
			CREATE TABLE tree_rest_rest PARTITION OF tree_rest DEFAULT; ALTER TABLE tree_rest_rest OWNER TO plain`)
		holder := b.session("plain")
		b.exec(holder, "BEGIN; LOCK TABLE tree_rest_rest IN ACCESS SHARE MODE; SELECT pg_sleep(1.1)")
		stop := make(chan struct{})
		var refused []Backend
		changer := b.changer()
		changer.Stop = stop
		changer.AttemptFailed = func(r FailedAttempt) {
			if refused == nil {
				refused = r.Blockers
				close(stop)
			}
		}
		_, err := changer.Do(b.Context(), Change{Locks: exclusive("tree"), Statements: []string{"ALTER TABLE public.tree ADD COLUMN uuid uuid"}})
		if !errors.Is(err, ErrStopped) || len(refused) != 1 || !strings.Contains(refused[0].Application, "report") {
			t.Errorf("%v, blocked by %v", err, refused)
		}
		b.exec(holder, "COMMIT")
	})
}
