package acceptance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// partitionsSQL has one tree of a hundred partitions that refers to a table, and a table that refers to another such tree by a
// composite key, since a foreign key onto a tree must hold its partition key.
const partitionsSQL = `CREATE SCHEMA app;
	CREATE TABLE app.p (id bigserial PRIMARY KEY, n int NOT NULL DEFAULT 0);
	CREATE TABLE app.child (id bigserial PRIMARY KEY, p_id bigint NOT NULL REFERENCES app.p, n int NOT NULL DEFAULT 0) PARTITION BY HASH (id);
	CREATE TABLE app.parent (area int NOT NULL, id bigserial, n int NOT NULL DEFAULT 0, PRIMARY KEY (area, id)) PARTITION BY LIST (area);
	CREATE TABLE app.c (id bigserial PRIMARY KEY, area int NOT NULL, parent_id bigint NOT NULL, n int NOT NULL DEFAULT 0, FOREIGN KEY (area, parent_id) REFERENCES app.parent);
	DO $$ BEGIN
		FOR i IN 0..99 LOOP
			EXECUTE format('CREATE TABLE app.child_%s PARTITION OF app.child FOR VALUES WITH (MODULUS 100, REMAINDER %s)', i, i);
			EXECUTE format('CREATE TABLE app.parent_%s PARTITION OF app.parent FOR VALUES IN (%s)', i, i);
		END LOOP;
	END $$;
	CREATE INDEX ON app.child (p_id);
	CREATE INDEX ON app.c (area, parent_id);
	INSERT INTO app.p SELECT generate_series(1, 1000);
	INSERT INTO app.child (p_id) SELECT 1 + n % 1000 FROM generate_series(1, 100000) n;
	INSERT INTO app.parent SELECT n % 100, n FROM generate_series(1, 10000) n;
	INSERT INTO app.c (area, parent_id) SELECT n % 100, n FROM generate_series(1, 10000) n, generate_series(1, 10);
	ANALYZE`

// writer runs statements of the application and measures them.
type writer struct {
	stop   context.CancelFunc
	all    sync.WaitGroup
	errors chan error

	mu      sync.Mutex
	count   int
	longest time.Duration
}

// startWriter starts a session for each statement, which has one parameter: a number from 1 to 1000.
func startWriter(ctx context.Context, pool *pgxpool.Pool, statements ...string) *writer {
	ctx, stop := context.WithCancel(ctx)
	w := &writer{stop: stop, errors: make(chan error, len(statements))}
	for _, sql := range statements {
		w.all.Go(func() {
			for ctx.Err() == nil {
				begun := time.Now()
				if _, err := pool.Exec(context.WithoutCancel(ctx), sql, 1+rand.IntN(1000)); err != nil {
					w.errors <- fmt.Errorf("%s: %w", sql, err)
					return
				}
				w.record(time.Since(begun))
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return w
}

func (w *writer) record(took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	w.longest = max(w.longest, took)
}

func (w *writer) end(t *testing.T) {
	t.Helper()
	w.stop()
	w.all.Wait()
	close(w.errors)
	for err := range w.errors {
		t.Error(err)
	}
}

// holds are how long a run held locks that block others, by the statement that needed them.
type holds struct {
	sql     string
	longest event.Locked
	of      string
	refused int
	// onParent is the longest hold of ACCESS EXCLUSIVE on app.p: while the partitioned table adopts the partitions' foreign keys,
	// before PostgreSQL 18, and while it drops its own.
	onParent time.Duration
}

func (h *holds) event(e event.Event) {
	switch e := e.(type) {
	case event.Executing:
		h.sql = e.SQL
	case event.Locked:
		if e.Hold > h.longest.Hold {
			h.longest, h.of = e, h.sql
		}
		const tree, constraint = `ALTER TABLE "app"."child" `, `CONSTRAINT "child_p_uuid_fkey"`
		if strings.HasPrefix(h.sql, tree+"DROP "+constraint) || strings.HasPrefix(h.sql, tree+"ADD "+constraint) && !strings.HasSuffix(h.sql, "NOT VALID") {
			h.onParent = max(h.onParent, e.Hold)
		}
	case event.LockRefused:
		h.refused++
	}
}

func (h *holds) String() string {
	return fmt.Sprintf("longest hold %.1f ms, after a wait of %.1f ms, for %.120q; %d attempts refused",
		milliseconds(h.longest.Hold), milliseconds(h.longest.Wait), h.of, h.refused)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Trees of a hundred partitions are linked, as the child and as the parent, and go back, while an application writes. The lines
// are figures: the longest time for which a lock was held, of any run and any table.
func TestPartitionsOfATree(t *testing.T) {
	if !long() {
		t.Skip("it measures: REKEY_ACCEPTANCE=1")
	}
	on(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL+"&pool_max_conns=12")
		servertest.Execute(t, pool, partitionsSQL)
		setup := rekeytest.Setup{Scope: rekey.Schema{Name: "app"}}
		if _, err := rekeytest.Up(t.Context(), pool, setup); err != nil {
			t.Fatal(err)
		}
		for _, one := range []struct {
			words string
			to    rekey.Phase
			run   runFunc
		}{
			{"no run", "", rest},
			{"up --to linked", rekey.Linked, rekeytest.Up},
			{"down --to expanded", rekey.Expanded, rekeytest.Down},
		} {
			var held holds
			setup.Options.To, setup.Options.OnEvent = one.to, held.event
			w := startWriter(t.Context(), pool, "INSERT INTO app.child (p_id) VALUES ($1)", "UPDATE app.p SET n = n + 1 WHERE id = $1",
				"INSERT INTO app.c (area, parent_id) VALUES ($1::int % 100, $1::int)")
			begun := time.Now()
			_, err := one.run(t.Context(), pool, setup)
			took := time.Since(begun)
			w.end(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("acceptance 10: PostgreSQL %d, 100 partitions, %s: %.1f s; ACCESS EXCLUSIVE on app.p for %.1f ms at most; of all locks: %s; application: %d statements, longest %.1f ms",
				c.Major, one.words, took.Seconds(), milliseconds(held.onParent), &held, w.count, milliseconds(w.longest))
		}
	})
}

// restTime is how long the applications work without a run.
const restTime = 10 * time.Second

// rest waits in place of a run.
func rest(context.Context, *pgxpool.Pool, rekeytest.Setup) (event.Result, error) {
	time.Sleep(restTime)
	return event.Result{}, nil
}
