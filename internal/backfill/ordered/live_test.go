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

// traffic is an application that inserts, updates, moves rows in time, deletes and holds. Rows that it
// moves in time bear changed, and the times that they had.
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
					continue // who goes on writing NULL is told so
				}
				if strings.Contains(sql, "%[2]d") {
					sql = fmt.Sprintf(sql, r.IntN(rows), r.IntN(rows))
				} else if strings.Contains(sql, "%") {
					sql = fmt.Sprintf(sql, r.IntN(rows))
				}
				_, _ = b.pool.Exec(ctx, sql, pgx.QueryExecModeExec) // two inserts may meet
				time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// cuts runs the work, cut at random, until it is done, and counts the cuts.
func (b *env) runInterrupted(w Work, r *rand.Rand, between func()) (interruptions int) {
	b.Helper()
	for longest := 60; ; longest += longest / 4 {
		ctx, cancel := context.WithCancel(b.Context())
		stop := make(chan struct{})
		w.Stop = stop
		after := time.Duration(5+r.IntN(longest)) * time.Millisecond
		var timer *time.Timer
		if r.IntN(2) == 0 {
			timer = time.AfterFunc(after, cancel) // as good as a crash: in the midst of a batch
		} else {
			timer = time.AfterFunc(after, func() { close(stop) })
		}
		_, err := Run(ctx, w)
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

func (b *env) prove(w Work) Proof {
	b.Helper()
	var proof Proof
	err := pg.Read(b.Context(), b.pool, func(tx pg.Tx) (err error) {
		proof, err = Prove(b.Context(), tx, b.table(), Expectation{Target: b.target, Key: b.table().OrderKey("uuid"), Column: w.Column, Cutoff: w.Cutoff, Found: b.found})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return proof
}

// An application at work, and runs that are cut: the rows that it did not move in time stand in order.
func TestCutUnderTraffic(t *testing.T) {
	names := []string{"microseconds", "whole seconds", "one instant", "backwards", "seconds at random", "NULLs", "the future", "whole seconds of a pair", "NULLs of a pair", "seconds at random of a text"}
	eachCase(t, names, func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, trafficCase(name)).withKey(tableCases()[name])
		b.fillUnderTraffic(func() {})
	})
}

// The same, and now and then all that rekey has written down is lost.
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

// moving are the columns that traffic needs: which rows it moved in time, and from where. It brings none back: see
// TestRowBroughtBack.
const addTrafficColumns = "; ALTER TABLE t ADD changed bool DEFAULT false, ADD was text[] DEFAULT '{}'"

func (b *env) fillUnderTraffic(between func()) {
	b.Helper()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	w := smallRegions(b.work())
	stop := b.traffic(b.Context(), seed, rows)
	interruptions := b.runInterrupted(w, r, func() {
		if r.IntN(3) == 0 {
			between()
		}
	})
	stop()
	b.fill(w)
	proof := b.prove(w)
	b.Logf("seed %d: %d cuts, %+v", seed, interruptions, proof)
	b.requireLiveOrder(proof)
}

// TestRowBroughtBack: a row that the application takes away from an instant and brings back has kept its value, and another
// that was filled there without sight of it may sort on its wrong side. No order of values could hold for both.
func TestRowBroughtBack(t *testing.T) {
	b := newEnv(t, servertest.Cluster(t, 15), "CREATE TABLE t (id int PRIMARY KEY, at timestamp); INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, 3) g"+addUUID)
	w := b.work()
	b.exec("UPDATE t SET at = '2024-02-02' WHERE id <> 2") // the second is filled alone
	b.fill(w)
	b.exec("UPDATE t SET at = '2024-03-03' WHERE id = 2; UPDATE t SET uuid = NULL, at = '2024-01-01' WHERE id <> 2")
	const attempts = 20 // the values of one instant are drawn at random: one side is as likely as the other
	for n := 0; b.prove(w).Pairs == 0; n++ {
		if n == attempts {
			t.Fatal("the rows that came meanwhile never sort on the wrong side")
		}
		b.exec("UPDATE t SET uuid = NULL, at = '2024-01-01' WHERE id <> 2; UPDATE t SET at = '2024-03-03' WHERE id = 2")
		b.fill(w)
		b.exec("UPDATE t SET at = '2024-01-01' WHERE id = 2")
	}
}

// live judges what is to be judged: by Prove, and by SQL of its own.
func (b *env) requireLiveOrder(proof Proof) {
	b.Helper()
	if n := b.number("SELECT count(*) - count(DISTINCT uuid) FROM t"); n > 0 {
		b.Errorf("%d values are missing or not the only ones of their kind", n)
	}
	if proof.Pairs > 0 || proof.Rows == 0 || proof.Judged+proof.Timeless+proof.New+proof.Other != proof.Rows {
		b.Errorf("%+v", proof)
	}
	changed := b.number("SELECT count(*) FROM t WHERE changed")
	if proof.Differs > changed {
		b.Errorf("the times of %d rows differ, and %d were changed", proof.Differs, changed)
	}
	// Of rows that were never moved in time.
	n := b.number(`SELECT count(*) FROM (SELECT uuid, lag(uuid) OVER (ORDER BY least(at, '2026-06-01 12:00:00.5'), ` + b.key + `) AS before
		FROM t WHERE at IS NOT NULL AND NOT changed AND uuid < '019e830e-1bf5-7000-8000-000000000000') x WHERE before >= uuid`)
	if n > 0 {
		b.Errorf("%d pairs out of order", n)
	}
}

// A session whose client has vanished in the middle of a region must end before the lease falls.
func TestNoTransactionIdlesForLong(t *testing.T) {
	b := newEnv(t, servertest.Cluster(t, slices.Max(servertest.Versions(t))), "SELECT")
	for name, settings := range map[string]pg.Settings{"reading": readSettings(), "lasting": durableSettings()} {
		var idle string
		err := pg.Run(t.Context(), b.pool, settings, func(tx pg.Tx) error {
			return tx.QueryRow(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&idle)
		})
		if err != nil || idle != "10s" {
			t.Errorf("%s: %q, %v", name, idle, err)
		}
	}
}
