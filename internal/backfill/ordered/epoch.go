package ordered

import (
	"strconv"
	"time"

	"github.com/rekey-pg/rekey/internal/order"
)

// epochTime returns the SQL expression of the time that an integer column counts since 1970. Values that a double cannot hold
// to the microsecond are no plausible times and become infinite, so that the expression never fails.
func epochTime(kind order.Kind, column string) string {
	most := time.Date(2200, time.January, 1, 0, 0, 0, 0, time.UTC).UnixMicro() / kind.Micros()
	return "CASE WHEN " + column + " < 0 THEN '-infinity'::timestamptz WHEN " + column + " > " + strconv.FormatInt(most, 10) +
		" THEN 'infinity'::timestamptz ELSE '1970-01-01 00:00:00+00'::timestamptz + " + column + " * '" + strconv.FormatInt(kind.Micros(), 10) + " microseconds'::interval END"
}
