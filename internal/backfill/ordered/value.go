package ordered

import (
	"time"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ValueSQL is the expression of a row's value by its own time alone: for a table without a key, whose rows of one instant are
// in no order. The names in it are the row's columns and pg_catalog's. A row without a time stands at the moment, and none
// behind it; a moment of zero is that of the statement.
//
// The 60 bits of time are drawn from the instant's room, as package order has it; all of rand_b is random.
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
		" FROM (SELECT until," + sqltext.Format(" CASE WHEN told < until THEN told / {} * {} ELSE until END AS at", unit, unit) +
		" FROM (SELECT " + until + " AS until, " + rowMicros(c) + " AS told) AS micros) AS bent) AS room) AS drawn)"
}

// told is what a row tells of its time, in microseconds since 1970 and within reach of a uuid. NULL counts as the end of time.
func rowMicros(c order.Column) string {
	at, zone := "("+timeOf(c, sqltext.Format("{}", sqltext.Name(c.Name)))+")", ""
	if kindOf(c) == order.Timestamptz {
		zone = "+00"
	}
	early, late := sqltext.Value("1970-01-01"+zone), sqltext.Value("9999-01-01"+zone)
	return "CASE WHEN " + at + sqltext.Format(" < {} THEN 0 WHEN ", early) + at + sqltext.Format(" < {}", late) +
		" THEN (extract(epoch FROM " + at + ") * 1000000)::int8 ELSE 9223372036854775807 END"
}
