package ordered

import (
	"time"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ValueSQL returns the SQL expression of a value from its row's time alone, for a table without a key, whose rows of one
// instant are in no order. It refers to the row's columns and to pg_catalog. A row without a time gets the cutoff, and no row
// a later time. The default of cutoff is the time of the statement.
//
// The 60 bits of time are drawn from the instant's codes, see package order; all of rand_b is random.
func ValueSQL(c order.Column, cutoff time.Time) string {
	until := "(extract(epoch FROM statement_timestamp()) * 1000000)::int8"
	if !cutoff.IsZero() {
		until = sqltext.Format("{}::int8", cutoff.UnixMicro())
	}
	unit := max(c.Unit, 1)
	return "(SELECT (substr(code, 1, 8) || '-' || substr(code, 9, 4) || '-7' || substr(code, 13) || substr(gen_random_uuid()::text, 19))::uuid" +
		" FROM (SELECT lpad(to_hex(first + floor(random() * (past - first))::int8), 15, '0') AS code" +
		" FROM (SELECT at * 512 / 125 AS first," +
		sqltext.Format(" CASE WHEN at < until THEN least(at + {}, until) ELSE at + 1 END * 512 / 125 AS past", unit) +
		" FROM (SELECT until," + sqltext.Format(" CASE WHEN micros < until THEN micros / {} * {} ELSE until END AS at", unit, unit) +
		" FROM (SELECT " + until + " AS until, " + rowMicros(c) + " AS micros) AS read) AS clamped) AS codes) AS drawn)"
}

// rowMicros returns the SQL expression of a row's time in microseconds since 1970, limited to what a uuid can express. NULL is
// the largest bigint.
func rowMicros(c order.Column) string {
	at, zone := "("+timeOf(c, sqltext.Format("{}", sqltext.Name(c.Name)))+")", ""
	if kindOf(c) == order.Timestamptz {
		zone = "+00"
	}
	early, late := sqltext.Value("1970-01-01"+zone), sqltext.Value("9999-01-01"+zone)
	return "CASE WHEN " + at + sqltext.Format(" < {} THEN 0 WHEN ", early) + at + sqltext.Format(" < {}", late) +
		" THEN (extract(epoch FROM " + at + ") * 1000000)::int8 ELSE 9223372036854775807 END"
}
