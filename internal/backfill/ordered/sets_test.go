package ordered

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

const (
	rows  = 12_000
	width = `, pad text DEFAULT repeat('x', 60)); `
	after = `; ANALYZE t; ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT uuid_generate_v7();`
)

// set is a table of the proof.
type set struct {
	sql  string
	time string // its time for inversions
	key  string // "" is id
}

// keyed gives a set another key, which puts its rows in another order than id does.
func (s set) keyed(columns, definition string) set {
	s.sql += "; ALTER TABLE t DROP CONSTRAINT t_pkey, " + definition + ", ADD PRIMARY KEY (" + columns + ")"
	s.key = columns
	return s
}

// byPair and byText are keys that no integer tells the order of.
func (s set) byPair() set {
	return s.keyed("a, b", `ADD a varchar(9) COLLATE "C" GENERATED ALWAYS AS ('x' || abs(id % 7)) STORED, ADD b int8 GENERATED ALWAYS AS (-id) STORED`)
}

func (s set) byText() set {
	return s.keyed("a", "ADD a text GENERATED ALWAYS AS (to_hex(id * 40503 % 65536) || '-' || to_hex(id)) STORED")
}

func (b *bed) of(s set) *bed {
	if s.key != "" {
		b.key = s.key
	}
	return b
}

// sets are made before the column comes.
func sets() map[string]set {
	lay := func(kind, time string) set {
		return set{sql: "CREATE TABLE t (id bigint PRIMARY KEY, at " + kind + width +
			"INSERT INTO t SELECT g, " + time + " FROM generate_series(1, 12000) g", time: "at"}
	}
	all := map[string]set{
		"microseconds":      lay("timestamp NOT NULL", "'2024-01-01'::timestamp + g * interval '1.2345 seconds'"),
		"with a time zone":  lay("timestamptz NOT NULL", "'2024-01-01'::timestamptz + g * interval '1.2345 seconds'"),
		"whole seconds":     lay("timestamp(0) NOT NULL", "'2024-01-01'::timestamp + g / 40 * interval '1 second'"),
		"milliseconds":      lay("timestamp(3) NOT NULL", "'2024-01-01'::timestamp + g / 10 * interval '1 millisecond'"),
		"days":              lay("date NOT NULL", "'2024-01-01'::date + g / 1250"),
		"one instant":       lay("timestamp(0) NOT NULL", "'2024-01-01'"),
		"one microsecond":   lay("timestamp NOT NULL", "'2024-01-01'"),
		"backwards":         lay("timestamp NOT NULL", "'2024-01-01'::timestamp - g * interval '1.2345 seconds'"),
		"at random":         lay("timestamp NOT NULL", "'2024-01-01'::timestamp + (g * 7919::int8 % 12007) * interval '0.3 seconds'"),
		"seconds at random": lay("timestamp(0) NOT NULL", "'2024-01-01'::timestamp + (g * 7919::int8 % 5003) * interval '1 second'"),
		"NULLs":             lay("timestamp", "CASE WHEN g > 1450 AND g % 3 > 0 AND g NOT BETWEEN 4500 AND 9000 THEN '2024-01-01'::timestamp + (g * 31 % 997) * interval '1 second' END"),
		"nothing but NULLs": lay("timestamp", "NULL"),
		"the future":        lay("timestamp NOT NULL", "CASE WHEN g % 5 = 0 THEN '2031-01-01'::timestamp - g * interval '1 hour' WHEN g % 77 = 0 THEN 'infinity' ELSE '2024-01-01'::timestamp + g * interval '1 second' END"),
		"the past":          lay("timestamp(0) NOT NULL", "CASE WHEN g % 5 = 0 THEN '1969-01-01'::timestamp - g * interval '1 hour' WHEN g % 77 = 0 THEN '-infinity' ELSE '1970-01-01'::timestamp + g % 100 * interval '1 second' END"),
		"today":             lay("date", "'2026-06-01'::date + g % 3 - 1"),
		"stray":             lay("timestamp NOT NULL", "CASE WHEN g % 1750 = 1 THEN '1999-01-01'::timestamp + g % 7 * interval '1 day' ELSE '2024-01-01'::timestamp + g / 3 * interval '1 second' END"),
		"far dates":         lay("date NOT NULL", "CASE g % 4 WHEN 0 THEN '5874897-12-31'::date WHEN 1 THEN '4713-01-01 BC' WHEN 2 THEN 'infinity' ELSE '2024-02-29' END"),
	}
	far := all["far dates"]
	far.time = "CASE WHEN at > '3000-01-01' THEN 'infinity' WHEN at < '1900-01-01' THEN '-infinity' ELSE at::timestamp END"
	all["far dates"] = far
	all["no time"] = set{
		sql: "CREATE TABLE t (id int PRIMARY KEY" + width + "INSERT INTO t SELECT (g * 7919::int8 % 12007) - 6000 FROM generate_series(1, 12000) g", time: "NULL::timestamp",
	}
	all["sparse and negative"] = set{
		sql: "CREATE TABLE t (id bigint PRIMARY KEY, at timestamp" + width + "INSERT INTO t SELECT CASE WHEN g % 2 = 0 THEN 9223372036854775807 - g ELSE -9223372036854775807 - 1 + g - 1 END, '2024-01-01'::timestamp + g % 1000 * interval '1 second' FROM generate_series(0, 11999) g", time: "at",
	}
	for _, name := range []string{"whole seconds", "one instant", "NULLs", "the future", "seconds at random"} {
		all[name+" of a pair"] = all[name].byPair()
		all[name+" of a text"] = all[name].byText()
	}
	all["no time of a pair"] = all["no time"].byPair()
	return all
}

// smaller makes a work's regions small, so that there are many.
func small(w Work) Work {
	w.regionRows = 1400
	return w
}

// deal gives each version its share of the sets: what they try is the same code on all.
func deal(t *testing.T, names []string, test func(t *testing.T, c *server.Cluster, name string)) {
	t.Helper()
	slices.Sort(names)
	majors := servertest.Versions(t)
	for i, name := range names {
		major := majors[i%len(majors)]
		t.Run(fmt.Sprintf("pg%d/%s", major, strings.ReplaceAll(name, " ", "_")), func(t *testing.T) {
			t.Parallel()
			test(t, servertest.Cluster(t, major), name)
		})
	}
}

func TestEverySetInOrder(t *testing.T) {
	deal(t, slices.Collect(maps.Keys(sets())), func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := lay(t, c, sets()[name].sql+after).of(sets()[name])
		b.settle()
		result := b.fill(small(b.work()))
		b.ordered(sets()[name].time)
		if result.Rows != rows || result.Rounds != 1 || result.Regions != 9 {
			t.Errorf("%d rows in %d rounds over %d regions", result.Rows, result.Rounds, result.Regions)
		}
	})
}

// A bulk import: rows of one instant in many regions.
func TestManyRowsOfOneInstant(t *testing.T) {
	t.Parallel()
	b := lay(t, servertest.Cluster(t, slices.Max(servertest.Versions(t))),
		"CREATE TABLE t (id bigint PRIMARY KEY, at timestamp(0) NOT NULL); INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, 150000) g"+after)
	w := b.work()
	w.regionRows = 13_000
	b.fill(w)
	b.ordered("at")
	if proof := b.prove(w); proof.Judged != 150_000 || !proof.Holds() {
		t.Errorf("%+v", proof)
	}
}
