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
	rows      = 12_000
	padColumn = `, pad text DEFAULT repeat('x', 60)); `
	addUUID   = `; ANALYZE t; ALTER TABLE t ADD uuid uuid, ALTER uuid SET DEFAULT uuid_generate_v7();`
)

// tableCase is a table to fill.
type tableCase struct {
	sql  string
	time string // the SQL expression of its time
	key  string // "" for id
}

// withKey gives a table another key, which orders its rows differently than id.
func (s tableCase) withKey(columns, definition string) tableCase {
	s.sql += "; ALTER TABLE t DROP CONSTRAINT t_pkey, " + definition + ", ADD PRIMARY KEY (" + columns + ")"
	s.key = columns
	return s
}

// withPairKey and withTextKey give a table a key that no integer represents.
func (s tableCase) withPairKey() tableCase {
	return s.withKey("a, b", `ADD a varchar(9) COLLATE "C" GENERATED ALWAYS AS ('x' || abs(id % 7)) STORED, ADD b int8 GENERATED ALWAYS AS (-id) STORED`)
}

func (s tableCase) withTextKey() tableCase {
	return s.withKey("a", "ADD a text GENERATED ALWAYS AS (to_hex(id * 40503 % 65536) || '-' || to_hex(id)) STORED")
}

func (b *env) withKey(s tableCase) *env {
	if s.key != "" {
		b.key = s.key
	}
	return b
}

// tableCases returns tables without the column to fill.
func tableCases() map[string]tableCase {
	create := func(kind, time string) tableCase {
		return tableCase{sql: "CREATE TABLE t (id bigint PRIMARY KEY, at " + kind + padColumn +
			"INSERT INTO t SELECT g, " + time + " FROM generate_series(1, 12000) g", time: "at"}
	}
	all := map[string]tableCase{
		"microseconds":      create("timestamp NOT NULL", "'2024-01-01'::timestamp + g * interval '1.2345 seconds'"),
		"with a time zone":  create("timestamptz NOT NULL", "'2024-01-01'::timestamptz + g * interval '1.2345 seconds'"),
		"whole seconds":     create("timestamp(0) NOT NULL", "'2024-01-01'::timestamp + g / 40 * interval '1 second'"),
		"milliseconds":      create("timestamp(3) NOT NULL", "'2024-01-01'::timestamp + g / 10 * interval '1 millisecond'"),
		"days":              create("date NOT NULL", "'2024-01-01'::date + g / 1250"),
		"one instant":       create("timestamp(0) NOT NULL", "'2024-01-01'"),
		"one microsecond":   create("timestamp NOT NULL", "'2024-01-01'"),
		"backwards":         create("timestamp NOT NULL", "'2024-01-01'::timestamp - g * interval '1.2345 seconds'"),
		"at random":         create("timestamp NOT NULL", "'2024-01-01'::timestamp + (g * 7919::int8 % 12007) * interval '0.3 seconds'"),
		"seconds at random": create("timestamp(0) NOT NULL", "'2024-01-01'::timestamp + (g * 7919::int8 % 5003) * interval '1 second'"),
		"NULLs":             create("timestamp", "CASE WHEN g > 1450 AND g % 3 > 0 AND g NOT BETWEEN 4500 AND 9000 THEN '2024-01-01'::timestamp + (g * 31 % 997) * interval '1 second' END"),
		"nothing but NULLs": create("timestamp", "NULL"),
		"the future":        create("timestamp NOT NULL", "CASE WHEN g % 5 = 0 THEN '2031-01-01'::timestamp - g * interval '1 hour' WHEN g % 77 = 0 THEN 'infinity' ELSE '2024-01-01'::timestamp + g * interval '1 second' END"),
		"the past":          create("timestamp(0) NOT NULL", "CASE WHEN g % 5 = 0 THEN '1969-01-01'::timestamp - g * interval '1 hour' WHEN g % 77 = 0 THEN '-infinity' ELSE '1970-01-01'::timestamp + g % 100 * interval '1 second' END"),
		"today":             create("date", "'2026-06-01'::date + g % 3 - 1"),
		"stray":             create("timestamp NOT NULL", "CASE WHEN g % 1750 = 1 THEN '1999-01-01'::timestamp + g % 7 * interval '1 day' ELSE '2024-01-01'::timestamp + g / 3 * interval '1 second' END"),
		"far dates":         create("date NOT NULL", "CASE g % 4 WHEN 0 THEN '5874897-12-31'::date WHEN 1 THEN '4713-01-01 BC' WHEN 2 THEN 'infinity' ELSE '2024-02-29' END"),
	}
	far := all["far dates"]
	far.time = "CASE WHEN at > '3000-01-01' THEN 'infinity' WHEN at < '1900-01-01' THEN '-infinity' ELSE at::timestamp END"
	all["far dates"] = far
	all["no time"] = tableCase{
		sql: "CREATE TABLE t (id int PRIMARY KEY" + padColumn + "INSERT INTO t SELECT (g * 7919::int8 % 12007) - 6000 FROM generate_series(1, 12000) g", time: "NULL::timestamp",
	}
	all["sparse and negative"] = tableCase{
		sql: "CREATE TABLE t (id bigint PRIMARY KEY, at timestamp" + padColumn + "INSERT INTO t SELECT CASE WHEN g % 2 = 0 THEN 9223372036854775807 - g ELSE -9223372036854775807 - 1 + g - 1 END, '2024-01-01'::timestamp + g % 1000 * interval '1 second' FROM generate_series(0, 11999) g", time: "at",
	}
	for _, name := range []string{"whole seconds", "one instant", "NULLs", "the future", "seconds at random"} {
		all[name+" of a pair"] = all[name].withPairKey()
		all[name+" of a text"] = all[name].withTextKey()
	}
	all["no time of a pair"] = all["no time"].withPairKey()
	return all
}

// smallRegions makes the regions of a work small, so that there are several.
func smallRegions(w job) job {
	w.regionRows = 1400
	return w
}

// eachCase runs each case on one of the versions, because it tests the same code on all.
func eachCase(t *testing.T, names []string, test func(t *testing.T, c *server.Cluster, name string)) {
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

func TestFillsInOrder(t *testing.T) {
	eachCase(t, slices.Collect(maps.Keys(tableCases())), func(t *testing.T, c *server.Cluster, name string) {
		t.Helper()
		b := newEnv(t, c, tableCases()[name].sql+addUUID).withKey(tableCases()[name])
		b.waitOldTransactions()
		result := b.fill(smallRegions(b.job()))
		b.requireOrder(tableCases()[name].time)
		if result.Rows != rows || result.Passes != 1 || result.Regions != 9 {
			t.Errorf("%d rows were filled in %d rounds over %d regions", result.Rows, result.Passes, result.Regions)
		}
	})
}

// After a bulk import, many regions have rows of the same instant.
func TestFillsOneInstantInManyRegions(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, slices.Max(servertest.Versions(t))),
		"CREATE TABLE t (id bigint PRIMARY KEY, at timestamp(0) NOT NULL); INSERT INTO t SELECT g, '2024-01-01' FROM generate_series(1, 150000) g"+addUUID)
	w := b.job()
	w.regionRows = 13_000
	b.fill(w)
	b.requireOrder("at")
	if proof := b.prove(w); proof.Judged != 150_000 || !proof.Holds() {
		t.Errorf("the proof is %+v", proof)
	}
}
