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

// few leaves every 19th row of a set.
func few(sql string) string {
	return strings.NewReplacer("(1, 12000)", "(1, 12000, 19)", "(0, 11999)", "(0, 11999, 19)").Replace(sql)
}

// TestEverySetAtOnce: a small table is filled in one transaction, in the same order as a large one.
func TestEverySetAtOnce(t *testing.T) {
	deal(t, slices.Collect(maps.Keys(sets())), func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := lay(t, c, few(sets()[name].sql)+after).of(sets()[name])
		w := b.work()
		result := b.fill(w)
		b.ordered(sets()[name].time)
		if n := b.number("SELECT count(DISTINCT xmin::text) FROM t"); n != 1 || result.Rows != b.number("SELECT count(*) FROM t") || result.Regions != 1 || result.Rounds != 1 || !result.Clean {
			t.Errorf("%d transactions, %+v", n, result)
		}
		if proof := b.prove(w); proof.Judged+proof.Timeless == 0 || !proof.Holds() {
			t.Errorf("%+v", proof)
		}
	})
}

// TestNotAtOnce: what one transaction does not see through is left to the rounds.
func TestNotAtOnce(t *testing.T) {
	servertest.Ends(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		seconds := few(sets()["whole seconds"].sql)
		for name, test := range map[string]struct {
			sql    string
			change func(*bed, *Work)
		}{
			"rows that are held": {seconds + after, func(b *bed, w *Work) {
				release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id % 7 = 3 FOR UPDATE")
				w.Emit = func(e event.Event) {
					if p, ok := e.(event.Progress); ok && p.Held > 0 {
						release()
					}
				}
			}},
			"places of an earlier run": {seconds + after, func(_ *bed, w *Work) {
				w.Checkpoints = &diary{places: map[int64]backfill.Checkpoint{0: {}}}
			}},
			"places that are known at the beginning": {seconds + after, func(b *bed, w *Work) {
				moment := b.moment()
				w.Cutoff, w.Checkpoints = time.Time{}, &diary{places: map[int64]backfill.Checkpoint{0: {}}}
				w.OnStart = func(context.Context, pg.Tx) (Start, error) { return Start{Cutoff: moment, Resumed: true}, nil }
			}},
			"a plan of an earlier run": {seconds + after + "CREATE TABLE rekey.order_OID (what text, moment int8, round int4, complete bool, horizon int8, ready bool, early int8, late int8, lent int8, missing int8)", func(b *bed, _ *Work) {
				b.exec("DO $$BEGIN EXECUTE format('ALTER TABLE rekey.order_oid RENAME TO %I', 'order_' || 't'::regclass::oid); END$$")
			}},
			"more rows than the statistics say": {"CREATE TABLE t (id bigint PRIMARY KEY, at timestamp); ANALYZE t; INSERT INTO t SELECT g, '2024-01-01'::timestamp + g % 50 * interval '1 second' FROM generate_series(1, 2500) g; ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT uuid_generate_v7()", func(*bed, *Work) {}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := lay(t, c, test.sql)
				w := b.work()
				test.change(b, &w)
				result := b.fill(w)
				b.ordered("at")
				if n := b.number("SELECT count(*) FROM t"); result.Rows != n || !result.Cutoff.Equal(b.moment()) {
					t.Errorf("%d rows, %+v", n, result)
				}
				if left := strings.Contains(name, "places") || strings.Contains(name, "plan"); left == result.Clean {
					t.Errorf("the journal counts as clean: %t", result.Clean)
				}
				if b.number("SELECT count(DISTINCT xmin::text) FROM t") == 1 && strings.HasPrefix(name, "more") {
					t.Error("it was done at once")
				}
			})
		}
	})
}
