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

// TestBudgetOfATree: lock_timeout counts anew for each partition; that several of them are each held for a
// little less than the budget is no reason to hold the others for so long.
func TestBudgetOfATree(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		b := lay(t, c)
		admin := b.session("postgres")
		b.run(admin, "CREATE TABLE tree (id int) PARTITION BY LIST (id); ALTER TABLE tree OWNER TO plain")
		const partitions = 4
		changer := b.changer()
		changer.LockTimeout = 600 * time.Millisecond
		for n := range partitions {
			b.run(admin, fmt.Sprintf("CREATE TABLE tree_%d PARTITION OF tree FOR VALUES IN (%d); ALTER TABLE tree_%d OWNER TO plain", n, n, n))
		}
		var done atomic.Bool
		var all sync.WaitGroup
		for n := range partitions {
			holder, watch := b.session("plain"), b.session("postgres")
			lock := fmt.Sprintf("BEGIN; LOCK TABLE tree_%d IN ROW EXCLUSIVE MODE", n)
			awaited := fmt.Sprintf("SELECT FROM pg_locks WHERE relation = 'tree_%d'::regclass AND NOT granted AND mode = 'AccessExclusiveLock'", n)
			b.run(holder, lock)
			all.Go(func() { // lets go when it has been waited for, for two thirds of the budget
				for held := time.Now(); !done.Load(); time.Sleep(time.Millisecond) {
					results, err := watch.Exec(b.Context(), awaited).ReadAll()
					if err != nil || len(results[0].Rows) > 0 {
						time.Sleep(400 * time.Millisecond)
						break
					}
					if time.Since(held) > grace/4 { // an old holder would not be waited for
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
		taken, err := changer.Do(b.Context(), Change{Table: `"public"."tree"`, Exclusive: true, Statements: []string{"ALTER TABLE public.tree ADD COLUMN uuid uuid"}})
		done.Store(true)
		all.Wait()
		if err != nil || taken.Attempts < 2 {
			t.Errorf("%d tries, %v", taken.Attempts, err)
		}
	})
}

// TestHoldersBelow: whoever has held a lock on a partition for long is not queued behind, and neither is the
// partitioned table locked meanwhile.
func TestHoldersBelow(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := lay(t, c)
		admin := b.session("postgres")
		b.run(admin, `CREATE TABLE tree (id int) PARTITION BY LIST (id); ALTER TABLE tree OWNER TO plain;
			CREATE TABLE tree_rest PARTITION OF tree DEFAULT PARTITION BY LIST (id); ALTER TABLE tree_rest OWNER TO plain;
			CREATE TABLE tree_rest_rest PARTITION OF tree_rest DEFAULT; ALTER TABLE tree_rest_rest OWNER TO plain`)
		holder := b.session("plain")
		b.run(holder, "BEGIN; LOCK TABLE tree_rest_rest IN ACCESS SHARE MODE; SELECT pg_sleep(1.1)")
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
		_, err := changer.Do(b.Context(), Change{Table: `"public"."tree"`, Exclusive: true, Statements: []string{"ALTER TABLE public.tree ADD COLUMN uuid uuid"}})
		if !errors.Is(err, ErrStopped) || len(refused) != 1 || !strings.Contains(refused[0].Application, "report") {
			t.Errorf("%v, blocked by %v", err, refused)
		}
		b.run(holder, "COMMIT")
	})
}
