package ordered

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// traffic starts an application that inserts, updates, moves in time, deletes and holds rows. It marks the rows that it moves
// in time as changed, and records their former times.
func (b *env) traffic(ctx context.Context, seed uint64, rows int) (stop func()) {
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	var nulls atomic.Int64
	const move = "WITH x AS MATERIALIZED (SELECT at FROM t WHERE id >= %[2]d ORDER BY id LIMIT 1) UPDATE t SET at = (SELECT at FROM x), changed = true," +
		" was = was || coalesce(at::text, '') WHERE coalesce((SELECT at::text FROM x), '') <> ALL (was) AND ("
	statements := []string{
		"INSERT INTO t (id, at) SELECT max(id) + 1, LOCALTIMESTAMP FROM t",
		"INSERT INTO t (id, at, uuid, changed) SELECT max(id) + 1, (SELECT at FROM t WHERE id >= %[1]d ORDER BY id LIMIT 1), NULL, true FROM t",
		"UPDATE t SET pad = md5(pad) WHERE id BETWEEN %[1]d AND %[1]d + 20",
		move + "id BETWEEN %[1]d AND %[1]d + 3)",
		move + "id = %[1]d OR id = %[2]d - 1)",
		"DELETE FROM t WHERE id BETWEEN %[1]d AND %[1]d + 5",
		"SELECT pg_sleep(0.05) FROM (SELECT FROM t WHERE id BETWEEN %[1]d AND %[1]d + 40 FOR UPDATE) x LIMIT 1",
	}
	for i := range 2 {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		all.Go(func() {
			for ctx.Err() == nil {
				sql := statements[r.IntN(len(statements))]
				if strings.Contains(sql, "NULL, true") && nulls.Add(1) > 100 {
					continue // else the filling ends because NULL is written all the time
				}
				if strings.Contains(sql, "%[2]d") {
					sql = fmt.Sprintf(sql, r.IntN(rows), r.IntN(rows))
				} else if strings.Contains(sql, "%") {
					sql = fmt.Sprintf(sql, r.IntN(rows))
				}
				_, _ = b.pool.Exec(ctx, sql, pgx.QueryExecModeExec) // two inserts may conflict
				time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// runInterrupted runs the work, interrupted at random times, until it is done, and counts the interruptions.
func (b *env) runInterrupted(w job, r *rand.Rand, between func()) (interruptions int) {
	b.Helper()
	for longest := 60; ; longest += longest / 4 {
		ctx, cancel := context.WithCancel(b.Context())
		stop := make(chan struct{})
		w.Stop = stop
		after := time.Duration(5+r.IntN(longest)) * time.Millisecond
		var timer *time.Timer
		if r.IntN(2) == 0 {
			timer = time.AfterFunc(after, cancel) // like a crash, during a batch
		} else {
			timer = time.AfterFunc(after, func() { close(stop) })
		}
		_, err := run(ctx, w)
		timer.Stop()
		cancel()
		switch {
		case err == nil:
			return interruptions
		case !errors.Is(err, context.Canceled) && !errors.Is(err, backfill.ErrStopped):
			b.Fatalf("it ended with %v", err)
		}
		interruptions++
		if between != nil {
			between()
		}
	}
}

func (b *env) prove(w job) Proof {
	b.Helper()
	var proof Proof
	err := pg.Read(b.Context(), b.pool, func(tx pg.Tx) (err error) {
		proof, err = Prove(b.Context(), tx, b.table(), Expectation{UUID: "uuid", Key: b.table().OrderKey("uuid"), Column: w.Time, Cutoff: w.Cutoff, Found: b.found})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return proof
}

// Under traffic and with interrupted runs, the rows that the application did not move in time are in order.
func TestInterruptedUnderTraffic(t *testing.T) {
	names := []string{"microseconds", "whole seconds", "one instant", "backwards", "seconds at random", "NULLs", "the future", "whole seconds of a pair", "NULLs of a pair", "seconds at random of a text"}
	eachCase(t, names, func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, trafficCase(name)).withKey(tableCases()[name])
		b.fillUnderTraffic(func() {})
	})
}

// The same, with all of rekey's records lost from time to time.
func TestPlanIsLostUnderTraffic(t *testing.T) {
	names := []string{"whole seconds", "one instant", "seconds at random", "one instant of a pair"}
	eachCase(t, names, func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, trafficCase(name)).withKey(tableCases()[name])
		b.fillUnderTraffic(func() { b.exec("DROP SCHEMA rekey CASCADE; CREATE SCHEMA rekey") })
	})
}

func trafficCase(name string) string {
	return tableCases()[name].sql + addTrafficColumns + addUUID
}

// addTrafficColumns adds the columns that traffic needs: whether it moved the row in time, and its former times. Traffic moves
// no row back, see TestRowMovedBack.
const addTrafficColumns = "; ALTER TABLE t ADD changed bool DEFAULT false, ADD was text[] DEFAULT '{}'"

func (b *env) fillUnderTraffic(between func()) {
	b.Helper()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	w := smallRegions(b.job())
	stop := b.traffic(b.Context(), seed, rows)
	interruptions := b.runInterrupted(w, r, func() {
		if r.IntN(3) == 0 {
			between()
		}
	})
	stop()
	b.fill(w)
	proof := b.prove(w)
	b.Logf("seed %d: %d interruptions, %+v", seed, interruptions, proof)
	b.requireLiveOrder(proof)
}

// A row that the application moves away from an instant and back again keeps its value. A row filled at that instant in the
// meantime may sort on its wrong side, because its value was chosen without seeing the first one's.
func TestRowMovedBack(t *testing.T) {
	b := newEnv(t, servertest.Cluster(t, 15), "CREATE TABLE t (id int PRIMARY KEY, at timestamp); INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, 3) g"+addUUID)
	w := b.job()
	b.exec("UPDATE t SET at = '2024-02-02' WHERE id <> 2") // the second is filled alone
	b.fill(w)
	b.exec("UPDATE t SET at = '2024-03-03' WHERE id = 2; UPDATE t SET uuid = NULL, at = '2024-01-01' WHERE id <> 2")
	const attempts = 20 // both sides are equally likely
	for n := 0; b.prove(w).Pairs == 0; n++ {
		if n == attempts {
			t.Fatal("the rows filled in the meantime never sort on the wrong side")
		}
		b.exec("UPDATE t SET uuid = NULL, at = '2024-01-01' WHERE id <> 2; UPDATE t SET at = '2024-03-03' WHERE id = 2")
		b.fill(w)
		b.exec("UPDATE t SET at = '2024-01-01' WHERE id = 2")
	}
}

// requireLiveOrder checks the order by the proof and by its own SQL.
func (b *env) requireLiveOrder(proof Proof) {
	b.Helper()
	if n := b.number("SELECT count(*) - count(DISTINCT uuid) FROM t"); n > 0 {
		b.Errorf("%d values are missing or duplicates", n)
	}
	if proof.Pairs > 0 || proof.Rows == 0 || proof.Judged+proof.Timeless+proof.New+proof.Other != proof.Rows {
		b.Errorf("the proof is %+v", proof)
	}
	changed := b.number("SELECT count(*) FROM t WHERE changed")
	if proof.Differs > changed {
		b.Errorf("the times of %d rows differ, but only %d were changed", proof.Differs, changed)
	}
	// Only rows that were never moved in time.
	n := b.number(`SELECT count(*) FROM (SELECT uuid, lag(uuid) OVER (ORDER BY least(at, '2026-06-01 12:00:00.5'), ` + b.key + `) AS before
		FROM t WHERE at IS NOT NULL AND NOT changed AND uuid < '019e830e-1bf5-7000-8000-000000000000') x WHERE before >= uuid`)
	if n > 0 {
		b.Errorf("%d pairs are out of order", n)
	}
}

// A session whose client disappears during a region ends before the lease expires.
func TestTransactionsHaveIdleTimeout(t *testing.T) {
	b := newEnv(t, servertest.Cluster(t, slices.Max(servertest.Versions(t))), "SELECT")
	for name, settings := range map[string]pg.Settings{"read": readSettings(), "durable": durableSettings()} {
		var idle string
		err := pg.Run(t.Context(), b.pool, settings, func(tx pg.Tx) error {
			return tx.QueryRow(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&idle)
		})
		if err != nil || idle != "10s" {
			t.Errorf("%s: the timeout is %q, %v", name, idle, err)
		}
	}
}
