package backfill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// writer is an application that records what it wrote to its own rows, those whose id modulo writerCount is its number.
type writer struct {
	number, next int
	random       *rand.Rand
	kinds        map[int]int // by id; -1 for a deleted row
}

const writerCount = 3

// minWrites is how many rows each of them writes, however fast the table is filled.
const minWrites = 50

func (w *writer) randomID() int { return w.random.IntN(16000)*writerCount + w.number }

// write executes one random statement.
func (w *writer) write(ctx context.Context, b *env) error {
	id, kind := w.randomID(), w.random.IntN(1000)
	other := w.randomID()
	low, high := min(id, other), max(id, other) // writers that lock rows in order cannot deadlock
	w.next += writerCount
	var err error
	switch w.random.IntN(6) {
	case 0:
		_, err = b.pool.Exec(ctx, "INSERT INTO t VALUES ($1, $2, 'x', '{}', now())", w.next, kind)
		id = w.next
	case 1:
		_, err = b.pool.Exec(ctx, "DELETE FROM t WHERE id = $1", id)
		kind = -1
	case 2:
		_, err = b.pool.Exec(ctx, "INSERT INTO t VALUES ($1, $2, 'x', '{}', now()) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind", id, kind)
	case 3:
		rows := pgx.CopyFromRows([][]any{{w.next, kind, "copied", "{}", time.Now()}})
		_, err = b.pool.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id", "kind", "email", "payload", "at"}, rows)
		id = w.next
	case 4: // a changed key
		_, err = b.pool.Exec(ctx, "WITH gone AS (DELETE FROM t WHERE id = $1 RETURNING *) INSERT INTO t SELECT $2, $3, email, payload, at, uuid FROM gone", id, w.next, kind)
		w.kinds[id] = -1
		return err
	default:
		err = pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
			for _, id := range []int{low, high} {
				if _, err := tx.Exec(ctx, "UPDATE t SET kind = $2 WHERE id = $1", id, kind); err != nil {
					return err
				}
			}
			return nil
		})
		for _, id := range []int{low, high} {
			if was, ok := w.kinds[id]; !ok || was != -1 {
				w.kinds[id] = kind
			}
		}
		return err
	}
	w.kinds[id] = kind
	return err
}

func TestFillsUnderTraffic(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000)+"ALTER TABLE t ALTER uuid SET DEFAULT v(); DELETE FROM t WHERE id % 3 = 0 AND id > 49990")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var all sync.WaitGroup
		writers := make([]*writer, writerCount)
		for i := range writers {
			writers[i] = &writer{number: i, next: 300000 + i, random: rand.New(rand.NewPCG(uint64(i), 7)), kinds: map[int]int{}}
			if i == 0 {
				writers[i].kinds[0] = -1 // no row has the id 0
			}
			all.Go(func() {
				for ctx.Err() == nil || len(writers[i].kinds) < minWrites {
					if err := writers[i].write(t.Context(), b); err != nil {
						t.Errorf("a statement of the application failed: %v", err)
						return
					}
				}
			})
		}
		w := b.job()
		w.Pace.SetBatchTime(10 * time.Millisecond)
		result := b.fill(w)
		cancel()
		all.Wait()
		b.requireFilled()
		b.requireRows(writers)
		t.Logf("%d rows in %d batches, %d held, %d sweeps, %.0f %% in place", result.Rows, result.Batches, result.Held, result.Passes, 100*result.InPlace)
	})
}

// requireRows compares the table with the records of the writers.
func (b *env) requireRows(writers []*writer) {
	b.Helper()
	rows, err := b.pool.Query(b.Context(), "SELECT id, kind FROM t")
	if err != nil {
		b.Fatal(err)
	}
	found := map[int]int{}
	var id, kind int
	if _, err := pgx.ForEachRow(rows, []any{&id, &kind}, func() error { found[id] = kind; return nil }); err != nil {
		b.Fatal(err)
	}
	known := 0
	for _, w := range writers {
		for id, kind := range w.kinds {
			got, ok := found[id]
			if ok != (kind != -1) || ok && got != kind {
				b.Errorf("row %d has kind %d (%t), the application wrote %d", id, got, ok, kind)
			}
			known++
		}
	}
	if known < 100 {
		b.Errorf("the application wrote only %d rows", known)
	}
}

func TestReplicaDisablesTriggers(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 2000) g;
			CREATE TABLE log (id int); CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (new.id); RETURN new; END';
			CREATE TRIGGER log AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION log(); ALTER TABLE t ADD uuid uuid`)
		w := b.job()
		w.Replica = true
		b.fill(w)
		b.requireFilled()
		if n := b.number("SELECT count(*) FROM log"); n != 0 {
			t.Errorf("the trigger fired %d times", n)
		}
		b.exec("UPDATE t SET uuid = NULL; TRUNCATE log")
		b.fill(b.job())
		if n := b.number("SELECT count(*) FROM log"); n != 2000 {
			t.Errorf("without replica the trigger fired %d times", n)
		}
	})
}

func TestShrinksSlowBatches(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 300) FROM generate_series(1, 600) g; ALTER TABLE t ADD uuid uuid;
			CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.005); RETURN new; END';
			CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION slow()`)
		w := b.job()
		w.Pace.SetBatchTime(4 * time.Millisecond)
		f := w.method()
		f.minTimeout = 2 * time.Second // all rows take 3 s, the smallest batch 50 ms, which is within the limit on a busy machine too
		result, err := f.fillAll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.requireFilled()
		if result.Batches < 10 {
			t.Errorf("only %d batches", result.Batches)
		}

		b.exec("UPDATE t SET uuid = NULL WHERE false; ALTER TABLE t DISABLE TRIGGER slow; UPDATE t SET uuid = NULL; ALTER TABLE t ENABLE TRIGGER slow")
		b.exec("CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN new; END'")
		for _, rows := range []int{600, 60} { // the second time the sweeps alone fill the table
			b.exec(fmt.Sprintf("DELETE FROM t WHERE id > %d", rows))
			b.exec("VACUUM FULL t")
			b.exec("ANALYZE t")
			w = b.job()
			w.Pace.SetBatchTime(4 * time.Millisecond)
			f = w.method()
			f.minTimeout = 50 * time.Millisecond
			var pgErr *pgconn.PgError
			if _, err := f.fillAll(t.Context()); !errors.As(err, &pgErr) || pgErr.Code != pgerrcode.QueryCanceled {
				t.Errorf("with batches of one row of %d that time out it ended with %v", rows, err)
			}
		}
	})
}

// Batches that are slow at any size do not shrink forever.
func TestKeepsSizeUnderStatementTrigger(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, `CREATE TABLE t (id int PRIMARY KEY, x text) WITH (fillfactor = 50); INSERT INTO t SELECT g, repeat('x', 300) FROM generate_series(1, 20000) g;
			ALTER TABLE t ADD uuid uuid; CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.06); RETURN NULL; END';
			CREATE TRIGGER slow BEFORE UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION slow()`)
		result := b.fill(b.job())
		b.requireFilled()
		if result.Batches > 100 {
			t.Errorf("%d batches of 60 ms each for 20,000 rows", result.Batches)
		}
	})
}

func TestNamesOldSnapshot(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000))
		tx, err := b.pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		if _, err := tx.Exec(t.Context(), "SET LOCAL application_name = 'the report'; SELECT count(*) FROM pg_class"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1200 * time.Millisecond) // younger snapshots are not named
		var notices []string
		w := b.job()
		w.Emit = func(e event.Event) {
			if n, ok := e.(event.Notice); ok {
				notices = append(notices, n.Text)
			}
		}
		result, err := smallRegions(w).fillAll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.requireFilled()
		if !slices.ContainsFunc(notices, func(n string) bool { return strings.Contains(n, "the report") }) {
			t.Errorf("the notices are %q", notices)
		}
		if result.InPlace > minHeapOnly {
			t.Errorf("%.0f %% of the updates are heap-only despite an old snapshot", result.InPlace*100)
		}
	})
}

func TestPausesAndStops(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		b := newEnv(t, c, events(50000))
		stop := make(chan struct{})
		var last event.Progress
		var throttled []event.Throttled
		w := b.job()
		w.Stop = stop
		w.Emit = func(e event.Event) {
			switch e := e.(type) {
			case event.Throttled:
				throttled = append(throttled, e)
				if e.Paused {
					go w.Pace.Resume("lag")
				}
			case event.Progress:
				if e.Total < e.Done || e.Done < last.Done {
					t.Errorf("%+v after %+v", e, last)
				}
				if last = e; e.Done > 8000 && stop != nil {
					close(stop)
					stop = nil
				}
			}
		}
		w.Pace.Pause("lag", "the standby is 3 s behind")
		release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id = 5 FOR UPDATE") // so that it does not end by itself
		defer release()
		if _, err := Run(t.Context(), w); !errors.Is(err, ErrStopped) {
			t.Errorf("it ended with %v", err)
		}
		if fmt.Sprint(throttled) != "[{the standby is 3 s behind true lag} { false }]" {
			t.Errorf("the events are %v", throttled)
		}
		left := b.number("SELECT count(*) FROM t WHERE uuid IS NULL")
		if left == 0 || left != 50000-last.Done {
			t.Errorf("%d rows have no value after %+v", left, last)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errInterrupted)
		if _, err := Run(ctx, b.job()); !errors.Is(err, errInterrupted) {
			t.Errorf("it ended with %v", err)
		}
	})
}
