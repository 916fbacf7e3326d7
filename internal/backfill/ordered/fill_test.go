package ordered

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// Times of a time zone are converted as the server does, also in the hours that occur twice or not at all, and with any
// session time zone.
func TestConvertsTimeZone(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, kind := range []string{"timestamp", "timestamp(0)"} {
			b := newEnv(t, c, "CREATE TABLE t (id int PRIMARY KEY, at "+kind+`);
				INSERT INTO t SELECT g, '2024-03-31'::timestamp + g % 40 * interval '15 minutes' + g % 2 * interval '210 days' FROM generate_series(1, 6000) g`+addUUID)
			b.exec("ALTER DATABASE " + b.pool.Config().ConnConfig.Database + " SET TimeZone = 'Asia/Tokyo'")
			b.pool.Reset()
			b.zone = "Europe/Berlin"
			w := smallRegions(b.job())
			b.fill(w)
			b.requireOrder("timezone('UTC', timezone('Europe/Berlin', at))")
			if proof := b.prove(w); proof.Judged != 6000 || !proof.Holds() {
				t.Errorf("%s: the proof is %+v", kind, proof)
			}
			w.Time.Zone = ""
			if proof := b.prove(w); proof.Differs != 6000 {
				t.Errorf("%s: the proof in another time zone is %+v", kind, proof)
			}
		}
	})
}

func TestQuotesNames(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, 13), `CREATE TABLE t ("i ""d" int PRIMARY KEY, "a't ""time" timestamp); INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, 5000) g`+addUUID)
	w := b.job()
	var err error
	if w.Time, err = order.Choose(w.Table, `a't "time`, "", "Europe/Berlin"); err != nil {
		t.Fatal(err)
	}
	b.fill(smallRegions(w))
	if n := b.number(`SELECT count(*) FROM (SELECT uuid, lag(uuid) OVER (ORDER BY "i ""d") AS before FROM t) x WHERE before >= uuid OR uuid IS NULL`); n > 0 {
		t.Errorf("%d rows are out of order", n)
	}
}

func TestRetriesHeldRows(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, tableCases()["whole seconds"].sql+addUUID)
		release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id % 1000 = 3 FOR UPDATE")
		w := smallRegions(b.job())
		w.RetryTimeout = 200 * time.Millisecond
		_, err := run(t.Context(), w)
		var held *backfill.HeldError
		if !errors.As(err, &held) || held.Rows != 12 || held.Table != "public.t" {
			t.Errorf("it ended with %v", err)
		}
		w.RetryTimeout = 0
		w.Emit = func(e event.Event) {
			if p, ok := e.(event.Progress); ok && p.Held > 0 {
				release()
			}
		}
		result := b.fill(w)
		b.requireOrder("at")
		if result.Rows != 12 || result.Held == 0 {
			t.Errorf("the result is %+v", result)
		}
	})
}

func TestEndsWhenUpdatesHaveNoEffect(t *testing.T) {
	const function = `; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
		CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW `
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, when := range map[string]string{"all": "", "one": "WHEN (old.id = 8777)"} {
			t.Run(name, func(t *testing.T) {
				b := newEnv(t, c, tableCases()["microseconds"].sql+addUUID+function+when+" EXECUTE FUNCTION refuse()")
				w := smallRegions(b.job())
				_, err := run(t.Context(), w)
				var none *backfill.NoProgressError
				if !errors.As(err, &none) || !strings.Contains(err.Error(), "the trigger no") {
					t.Errorf("it ended with %v", err)
				}
				w.Replica = true
				b.fill(w)
				b.requireOrder("at")
			})
		}
	})
}

// A row that is written all the time, after many held rows, is released and written again between any two statements of a
// batch. That is not an update without effect.
func TestWaitsForRowWrittenAllTheTime(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, `CREATE TABLE t (id bigint PRIMARY KEY, at timestamp NOT NULL, written int NOT NULL DEFAULT 0);
			INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, 1000) g`+addUUID)
		defer servertest.Hold(b, b.pool, "SELECT FROM t WHERE id < 1000 FOR UPDATE")()
		ctx, cancel := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() {
			for ctx.Err() == nil {
				const write = "UPDATE t SET written = written + 1 WHERE id = 1000; SELECT pg_sleep(0.002)"
				if _, err := b.pool.Exec(t.Context(), write); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
		defer writer.Wait()
		defer cancel()
		for range 20 {
			b.exec("UPDATE t SET uuid = NULL WHERE id = 1000")
			w := b.job()
			w.RetryTimeout = 50 * time.Millisecond
			_, err := run(t.Context(), w)
			if _, held := errors.AsType[*backfill.HeldError](err); !held {
				t.Fatalf("it ended with %v", err)
			}
		}
	})
}

func TestEndsWhenNULLIsWritten(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, 15), tableCases()["microseconds"].sql+addUUID+`; CREATE FUNCTION "null"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.uuid := null; RETURN new; END';
		CREATE TRIGGER n BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION "null"()`)
	_, err := run(t.Context(), smallRegions(b.job()))
	var nulls *backfill.NullsError
	if !errors.As(err, &nulls) || nulls.Rows != 1 {
		t.Errorf("it ended with %v", err)
	}
}

// Existing values stay, and a run continues the plan of an interrupted one with its cutoff.
func TestKeepsExistingValues(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, tableCases()["the future"].sql+addUUID+"; UPDATE t SET uuid = uuid_generate_v7() WHERE id % 10 = 1; UPDATE t SET uuid = gen_random_uuid() WHERE id % 10 = 2")
		const sum = "SELECT ('x' || left(md5(string_agg(uuid::text, ',' ORDER BY id)), 15))::bit(60)::int8 FROM t WHERE id % 10 IN (1, 2)"
		before := b.number(sum)
		w := smallRegions(b.job())
		w.Cutoff = time.Time{}
		d := &memoryCheckpoints{saved: map[int64]backfill.Checkpoint{}, limit: 4}
		w.Checkpoints = d
		result, err := run(t.Context(), w)
		if !errors.Is(err, errTakenOver) || result.Rows == 0 {
			t.Fatalf("%+v, %v", result, err)
		}
		d.limit = 0
		if again := b.fill(w); !again.Cutoff.Equal(result.Cutoff) || again.Late != result.Late || result.Late == 0 {
			t.Errorf("the second run returned %+v after %+v", again, result)
		}
		w.Cutoff = result.Cutoff
		if b.number(sum) != before {
			t.Error("existing values have changed")
		}
		if proof := b.prove(w); proof.Differs != 1200 || proof.Pairs > 0 {
			t.Errorf("with existing values the proof is %+v", proof)
		}
		b.found = true
		if proof := b.prove(w); proof.Pairs > 0 || proof.Other != 1200 || proof.Found != 1200 || proof.Differs > 0 {
			t.Errorf("the proof is %+v", proof)
		}
	})
}

func TestCount(t *testing.T) {
	cases := map[string]Times{
		"NULLs":      {Rows: 12000, Null: 7967},
		"the future": {Rows: 12000, Late: 2524},
		"the past":   {Rows: 12000, Early: 2524},
		"far dates":  {Rows: 12000, Early: 3000, Late: 6000},
		"no time":    {Rows: 12000, Null: 12000},
	}
	eachCase(t, slices.Collect(maps.Keys(cases)), func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, tableCases()[name].sql+addUUID)
		w := b.job()
		var got Times
		err := pg.Read(t.Context(), b.pool, func(tx pg.Tx) (err error) {
			got, err = Count(t.Context(), tx, w.Name(), w.Time, w.Cutoff)
			return err
		})
		if err != nil || got != cases[name] {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// A wrong order is found for every kind of key.
func TestProofFindsMisplacedRows(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, name := range []string{"whole seconds", "whole seconds of a pair", "whole seconds of a text"} {
			t.Run(name, func(t *testing.T) { findsMisplacedRows(t, c, tableCases()[name]) })
		}
	})
}

func findsMisplacedRows(t *testing.T, c *server.Cluster, s tableCase) {
	t.Helper()
	b := newEnv(t, c, s.sql+addUUID).withKey(s)
	w := smallRegions(b.job())
	b.fill(w)
	if proof := b.prove(w); proof.Judged != rows || !proof.Holds() {
		t.Errorf("the proof is %+v", proof)
	}
	b.exec(`WITH two AS (SELECT id, uuid, row_number() OVER (ORDER BY uuid) AS n FROM t WHERE at = (SELECT at FROM t WHERE id = 200) LIMIT 2)
		UPDATE t SET uuid = b.uuid FROM two AS a JOIN two AS b ON a.n + b.n = 3 WHERE t.id = a.id`)
	if proof := b.prove(w); proof.Pairs != 1 || proof.Differs != 0 {
		t.Errorf("after two values of an instant were swapped the proof is %+v", proof)
	}
	b.exec("UPDATE t SET at = at + interval '1 second' WHERE id = 777")
	if proof := b.prove(w); proof.Pairs != 1 || proof.Differs != 1 || proof.Holds() {
		t.Errorf("after a row was moved in time the proof is %+v", proof)
	}
}

func TestRefusesTableWithoutKeyAndTime(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, 15), "CREATE TABLE t (a int); ALTER TABLE t ADD uuid uuid")
	if _, err := run(t.Context(), b.job()); !errors.Is(err, ErrOrder) {
		t.Errorf("it ended with %v", err)
	}
}

func TestFillsTinyTables(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, n := range []string{"0", "1", "2", "500"} {
			b := newEnv(t, c, "CREATE TABLE t (id smallint PRIMARY KEY, at timestamptz); INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, "+n+") g"+addUUID)
			b.fill(b.job())
			b.requireOrder("at::timestamp")
		}
	})
}

// A row that was moved in time after it was read does not get a value of its former time.
func TestSkipsRowsMovedInTime(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, 15), tableCases()["microseconds"].sql+addUUID)
	work := b.job()
	f := work.method()
	if _, err := f.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.survey(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &regionWriter{method: f, assigner: f.newAssigner()}
	err := f.Transaction(t.Context(), readSettings, func(tx pg.Tx) error {
		return f.load(t.Context(), tx, f.plan.regions[0], &w.buffer)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.assigner.assignRegion(w.rows, knownInstants{exclusive: f.plan.regions[0].exclusive})
	b.exec("UPDATE t SET at = at + interval '1 microsecond' WHERE id <= 7; UPDATE t SET uuid = uuid_generate_v7() WHERE id BETWEEN 10 AND 12")
	result, err := w.batch(t.Context(), w.rows[:100])
	if err != nil || result.filled != 90 || result.locked != 90 {
		t.Errorf("the batch returned %+v, %v", result, err)
	}
}

// A batch of a process that ended may still be committed later: the next run waits for its end before it reads.
func TestWaitsForEarlierBatch(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, tableCases()["one instant"].sql+addUUID)
		w := smallRegions(b.job())
		scale := order.Scale{Unit: order.Second, Cutoff: order.Instant(w.Cutoff.UnixMicro())}
		lost, err := b.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		values := scale.Range(order.Instant(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()))
		if _, err := lost.Exec(t.Context(), "SELECT pg_advisory_xact_lock_shared($1, 0)", int32(w.Table.OID)); err != nil {
			t.Fatal(err)
		}
		u := pgtype.UUID{Bytes: values.Value(values.Slots()/2, 0).UUID(), Valid: true}
		if _, err := lost.Exec(t.Context(), "UPDATE t SET uuid = $1 WHERE id = 3", u); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(500*time.Millisecond, func() { _ = lost.Commit(context.WithoutCancel(t.Context())) })
		b.fill(w)
		b.requireOrder("at")
	})
}

// A process that ended may still drop the stored plan later: the next run waits for that before it reads the plan.
func TestWaitsForEarlierDropOfPlan(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, tableCases()["one instant"].sql+addUUID)
		w := smallRegions(b.job())
		stop, first := make(chan struct{}), sync.Once{}
		interrupted := w
		interrupted.Stop, interrupted.Emit = stop, func(event.Event) { first.Do(func() { close(stop) }) } // after the first batch
		if _, err := run(t.Context(), interrupted); !errors.Is(err, backfill.ErrStopped) {
			t.Fatalf("it was to be stopped: %v", err)
		}
		f := w.method()
		f.plan.stored = true
		dropped, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- f.Transaction(t.Context(), durableSettings, func(tx pg.Tx) error {
				if err := DropPlan(t.Context(), tx, w.Table.OID); err != nil {
					return err
				}
				close(dropped)
				time.Sleep(500 * time.Millisecond)
				return nil
			})
		}()
		<-dropped
		b.fill(w)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		b.requireOrder("at")
	})
}
