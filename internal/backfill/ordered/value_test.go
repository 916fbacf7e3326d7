package ordered

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// Without a key, each value has its row's time, and rows of one instant are in no order.
func TestFillsByTime(t *testing.T) {
	var names []string
	for name, s := range tableCases() {
		if s.key == "" && strings.Contains(s.sql, " at ") {
			names = append(names, name)
		}
	}
	eachCase(t, names, func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, tableCases()[name].sql+"; ALTER TABLE t DROP CONSTRAINT t_pkey"+addUUID)
		w := b.job()
		if result := b.fill(w); result.Rows != rows {
			t.Errorf("%d rows were filled", result.Rows)
		}
		b.requireTimeOrder(w, tableCases()[name].time)
	})
}

// requireTimeOrder checks the order by a proof and by its own SQL. Rows without a time are at the cutoff.
func (b *env) requireTimeOrder(w job, at string) {
	b.Helper()
	const cutoff = "'2026-06-01 12:00:00.5'::timestamp"
	if n := b.number("SELECT count(*) - count(DISTINCT uuid) FROM t"); n > 0 {
		b.Errorf("%d values are missing or duplicates", n)
	}
	n := b.number(`SELECT count(*) FROM (SELECT at, lag(at) OVER (ORDER BY uuid) AS before FROM
		(SELECT uuid, greatest(least(coalesce(` + at + `, 'infinity'), ` + cutoff + `), '1970-01-01') AS at FROM t) AS clamped) AS x WHERE before > at`)
	if n > 0 {
		b.Errorf("%d pairs are out of order", n)
	}
	timeless := b.number("SELECT count(*) FROM t WHERE at IS NULL")
	if proof := b.prove(w); !proof.Holds() || proof.Judged+proof.Timeless != rows || proof.Timeless != timeless {
		b.Errorf("the proof is %+v", proof)
	}
}

func TestFillsByTimeInTimeZone(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, "CREATE TABLE t (at timestamp(0))"+`;
			INSERT INTO t SELECT '2024-03-31'::timestamp + g % 40 * interval '15 minutes' + g % 2 * interval '210 days' FROM generate_series(1, 12000) g`+addUUID)
		b.exec("ALTER DATABASE " + b.pool.Config().ConnConfig.Database + " SET TimeZone = 'Asia/Tokyo'")
		b.pool.Reset()
		b.zone = "Europe/Berlin"
		w := b.job()
		b.fill(w)
		b.requireTimeOrder(w, "timezone('UTC', timezone('Europe/Berlin', at))")
	})
}
