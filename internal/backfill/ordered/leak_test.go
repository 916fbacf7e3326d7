package ordered

import (
	"math"
	"math/bits"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// observed is what an observer sees, the uuid, and what it must not reveal.
type observed struct {
	id       int64
	at       order.Instant
	count    int // rows of the same instant
	uuid     [16]byte
	position float64 // in the instant's range, from 0 to 1
}

// observe reads a table of whole seconds in the order of its keys.
func (b *env) observe() []observed {
	b.Helper()
	found, err := b.pool.Query(b.Context(), "SELECT id, extract(epoch FROM at)::int8 * 1000000, count(*) OVER (PARTITION BY at), uuid FROM t ORDER BY at, id")
	if err != nil {
		b.Fatal(err)
	}
	scale := order.Scale{Unit: order.Second, Cutoff: order.Instant(b.cutoff().UnixMicro())}
	all, err := pgx.CollectRows(found, func(row pgx.CollectableRow) (s observed, err error) {
		var uuid pgtype.UUID
		err = row.Scan(&s.id, &s.at, &s.count, &uuid)
		s.uuid = uuid.Bytes
		v, _ := order.FromUUID(s.uuid)
		values := scale.Range(s.at)
		position, ok := values.Position(v)
		if !ok {
			b.Errorf("%x is outside its instant's range", s.uuid)
		}
		s.position = float64(position) / float64(values.Slots())
		return s, err
	})
	if err != nil {
		b.Fatal(err)
	}
	return all
}

func correlation(x, y []float64) float64 {
	var sx, sy, sxx, syy, sxy float64
	n := float64(len(x))
	for i := range x {
		sx, sy, sxx, syy, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	return (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
}

// unevenness returns the chi-square of positions over several buckets, minus the one exceeded once in ten million times.
func unevenness(positions []float64) float64 {
	const buckets, chance = 16, 62 // 15 degrees of freedom
	var hist [buckets]float64
	for _, p := range positions {
		hist[int(p*buckets)]++
	}
	chi, want := 0.0, float64(len(positions))/buckets
	for _, n := range hist {
		chi += (n - want) * (n - want) / want
	}
	return chi - chance
}

// An observer who knows all uuids and how they were generated learns the order, but neither ids nor counts.
func TestValuesRevealNoIDAndNoCount(t *testing.T) {
	t.Parallel()
	const sql = `CREATE TABLE t (id bigint PRIMARY KEY, at timestamp(0) NOT NULL);
		INSERT INTO t SELECT (g + 37 * (g / 5) + 400 * (g / 97))::int8, '2024-01-01'::timestamp + CASE
			WHEN g < 16000 THEN interval '0' WHEN g < 20000 THEN (g - 15990) * interval '1 second'
			WHEN g < 28000 THEN (g / 2) * interval '1 second' WHEN g < 48000 THEN (g / 5) * interval '1 minute'
			ELSE (g % 3000) * interval '1 hour' END FROM generate_series(0, 69999) g`
	b := newEnv(t, servertest.Cluster(t, 15), sql+addUUID)
	w := smallRegions(b.job())
	w.regionRows = 9000
	b.fill(w)
	all := b.observe()

	byCount := map[int][]float64{} // position of one row of each instant, by the number of its rows
	var gaps, distances, ids, lows []float64
	var ones [32]int
	for i, s := range all {
		if i%s.count == (i/7)%s.count || s.count == 1 {
			byCount[s.count] = append(byCount[s.count], s.position)
		}
		low := uint32(s.uuid[12])<<24 | uint32(s.uuid[13])<<16 | uint32(s.uuid[14])<<8 | uint32(s.uuid[15])
		for bit := range ones {
			ones[bit] += int(low >> bit & 1)
		}
		ids, lows = append(ids, float64(s.id)), append(lows, float64(bits.Reverse32(low)))
		if i > 0 && all[i-1].at == s.at && s.count > 10_000 {
			gaps, distances = append(gaps, float64(s.id-all[i-1].id)), append(distances, s.position-all[i-1].position)
		}
	}
	for count, positions := range byCount {
		if over := unevenness(positions); len(positions) > 1000 && over > 0 {
			t.Errorf("one of %d rows of an instant reveals their number: its chi-square is %.0f above chance", count, over)
		}
	}
	for bit, n := range ones {
		if half := float64(len(all)) / 2; math.Abs(float64(n)-half) > 5*math.Sqrt(half/2) {
			t.Errorf("bit %d is set in %d of %d values", bit, n, len(all))
		}
	}
	limit := 5 / math.Sqrt(float64(len(gaps)))
	if r := correlation(gaps, distances); math.Abs(r) > limit {
		t.Errorf("distances and gaps between ids correlate: %.3f", r)
	}
	if r := correlation(ids, lows); math.Abs(r) > limit {
		t.Errorf("random bits and ids correlate: %.3f", r)
	}
	// Distances between independent draws are exponential, with a variance of the square of their mean. Evenly spaced
	// positions have none.
	var sum, squares float64
	for _, s := range distances {
		sum, squares = sum+s, squares+s*s
	}
	n := float64(len(distances))
	if v := squares/n/(sum/n*sum/n) - 1; v < 0.9 || v > 1.1 {
		t.Errorf("the variance of the distances is %.2f of the square of their mean", v)
	}
	b.exec("UPDATE t SET uuid = NULL")
	b.fill(w)
	for i, s := range b.observe() {
		if s.uuid == all[i].uuid {
			t.Fatalf("a second run returned %x again", s.uuid)
		}
	}
}
