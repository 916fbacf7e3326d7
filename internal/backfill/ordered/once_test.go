package ordered

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// fewRows keeps every 19th row of a case.
func fewRows(sql string) string {
	return strings.NewReplacer("(1, 12000)", "(1, 12000, 19)", "(0, 11999)", "(0, 11999, 19)").Replace(sql)
}

// A small table is filled in one transaction, in the same order as a large one.
func TestFillsSmallTableOnce(t *testing.T) {
	eachCase(t, slices.Collect(maps.Keys(tableCases())), func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, fewRows(tableCases()[name].sql)+addUUID).withKey(tableCases()[name])
		w := b.job()
		result := b.fill(w)
		b.requireOrder(tableCases()[name].time)
		if n := b.number("SELECT count(DISTINCT xmin::text) FROM t"); n != 1 || result.Rows != b.number("SELECT count(*) FROM t") || result.Regions != 1 || result.Passes != 1 || !result.Clean {
			t.Errorf("%d transactions filled it: %+v", n, result)
		}
		if proof := b.prove(w); proof.Judged+proof.Timeless == 0 || !proof.Holds() {
			t.Errorf("the proof is %+v", proof)
		}
	})
}

// What one transaction cannot complete is left to the rounds.
func TestFillsByRoundsInstead(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		seconds := fewRows(tableCases()["whole seconds"].sql)
		for name, test := range map[string]struct {
			sql    string
			change func(*env, *job)
		}{
			"held rows": {seconds + addUUID, func(b *env, w *job) {
				release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id % 7 = 3 FOR UPDATE")
				w.Emit = func(e event.Event) {
					if p, ok := e.(event.Progress); ok && p.Held > 0 {
						release()
					}
				}
			}},
			"checkpoints of an earlier run": {seconds + addUUID, func(_ *env, w *job) {
				w.Checkpoints = &memoryCheckpoints{saved: map[int64]backfill.Checkpoint{0: {}}}
			}},
			"checkpoints known at the start": {seconds + addUUID, func(b *env, w *job) {
				cutoff := b.cutoff()
				w.Cutoff, w.Checkpoints = time.Time{}, &memoryCheckpoints{saved: map[int64]backfill.Checkpoint{0: {}}}
				w.OnStart = func(context.Context, pg.Tx) (Start, error) { return Start{Cutoff: cutoff, Resumed: true}, nil }
			}},
			"a plan of an earlier run": {seconds + addUUID + "CREATE TABLE rekey.order_OID (what text, moment int8, round int4, complete bool, horizon int8, ready bool, early int8, late int8, lent int8, missing int8)", func(b *env, _ *job) {
				b.exec("DO $$BEGIN EXECUTE format('ALTER TABLE rekey.order_oid RENAME TO %I', 'order_' || 't'::regclass::oid); END$$")
			}},
			"more rows than the statistics say": {"CREATE TABLE t (id bigint PRIMARY KEY, at timestamp); ANALYZE t; INSERT INTO t SELECT g, '2024-01-01'::timestamp + g % 50 * interval '1 second' FROM generate_series(1, 2500) g; ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT uuid_generate_v7()", func(*env, *job) {}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newEnv(t, c, test.sql)
				w := b.job()
				test.change(b, &w)
				result := b.fill(w)
				b.requireOrder("at")
				if n := b.number("SELECT count(*) FROM t"); result.Rows != n || !result.Cutoff.Equal(b.cutoff()) {
					t.Errorf("of %d rows the result is %+v", n, result)
				}
				if left := strings.Contains(name, "checkpoints") || strings.Contains(name, "plan"); left == result.Clean {
					t.Errorf("the result is clean: %t", result.Clean)
				}
				if b.number("SELECT count(DISTINCT xmin::text) FROM t") == 1 && strings.HasPrefix(name, "more") {
					t.Error("one transaction filled it")
				}
			})
		}
	})
}
