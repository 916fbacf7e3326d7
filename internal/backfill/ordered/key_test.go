package ordered

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// Keys of every type survive as texts with any settings of the session, and serve as bounds of regions.
func TestKeysOfEveryType(t *testing.T) {
	kinds := map[string]string{
		"numeric(12,3)":            "(g % 97 - 50) / 7.0",
		"double precision":         "(g % 97 - 50) / 7.0",
		"real":                     "(g % 97 - 50) / 7.0::real",
		"boolean":                  "g % 2 = 0",
		"date":                     "'0044-03-15 BC'::date + g % 97 * 11111",
		"timestamp(3)":             "'2024-02-29 23:59:59.123'::timestamp + g % 97 * interval '1.001 seconds'",
		"timestamp with time zone": "'2024-03-31 00:30+01'::timestamptz + g % 97 * interval '7 minutes'",
		"time with time zone":      "'10:00+03'::timetz + g % 97 * interval '1 minute'",
		"interval":                 "g % 97 * interval '1 month 2 days 3.5 seconds' - interval '40 months'",
		"bytea":                    `decode(md5((g % 97)::text), 'hex') || '\x5c00'`,
		"character(5)":             "CASE WHEN g % 97 < 50 THEN 'a' ELSE 'b ' || g % 97 END",
		"character varying(40)":    `repeat('x', g % 7) || E'\'"\\ é\n' || g % 97`,
		`text COLLATE "C"`:         "chr(65 + g % 50)",
		`"char"`:                   `chr(33 + g % 90)::"char"`,
		"name":                     "('n' || g % 97)::name",
		"uuid":                     "md5((g % 97)::text)::uuid",
		"inet":                     "'10.0.0.0'::inet + g % 97 * 100",
		"macaddr":                  "('08:00:2b:01:02:' || lpad(to_hex(g % 97), 2, '0'))::macaddr",
		"bit varying(9)":           "(g % 97)::bit(7)",
		"integer[]":                "ARRAY[g % 5, -(g % 97)]",
		"int4range":                "int4range(g % 97, g % 97 + 3)",
		"oid":                      "(4000000000 + g % 97)::oid",
		"smallint":                 "g % 97 - 50",
		"jsonb":                    `jsonb_build_object('a', g % 97)`,
	}
	var names []string
	for kind := range kinds {
		names = append(names, kind)
	}
	eachCase(t, names, func(t *testing.T, c *server.Cluster, kind string) {
		t.Helper()
		b := newEnv(t, c, "CREATE TABLE t (id int, k "+kind+`, at timestamp(0), PRIMARY KEY (k, id));
			INSERT INTO t SELECT g, `+kinds[kind]+", '2024-01-01'::timestamp + g % 3 * interval '1 second' FROM generate_series(1, 3000) g"+addUUID)
		name := b.pool.Config().ConnConfig.Database
		for _, setting := range []string{"datestyle = 'SQL, DMY'", "intervalstyle = iso_8601", "bytea_output = escape", "extra_float_digits = -15", "TimeZone = 'Asia/Kolkata'"} {
			b.exec("ALTER DATABASE " + name + " SET " + setting)
		}
		b.pool.Reset()
		b.key = "k, id"
		w := b.job()
		w.regionRows = 700
		if result := b.fill(w); result.Rows != 3000 || result.Regions != 5 {
			t.Errorf("%d rows were filled in %d regions", result.Rows, result.Regions)
		}
		b.requireOrder("at")
		if proof := b.prove(w); proof.Judged != 3000 || !proof.Holds() {
			t.Errorf("the proof is %+v", proof)
		}
	})
}

// A region with long keys has fewer rows, so that its memory stays bounded.
func TestLongKeysMakeSmallerRegions(t *testing.T) {
	t.Parallel()
	b := newEnv(t, servertest.Cluster(t, 15), `CREATE TABLE t (k text COLLATE "C" PRIMARY KEY, at timestamp(0));
		INSERT INTO t SELECT lpad(md5(g::text), 2000, md5(g::text)), '2024-01-01' FROM generate_series(1, 6000) g`+addUUID)
	b.key = "k"
	w := b.job()
	if result := b.fill(w); result.Rows != 6000 || result.Regions != 3 {
		t.Errorf("%d rows were filled in %d regions", result.Rows, result.Regions)
	}
	b.requireOrder("at")
}
