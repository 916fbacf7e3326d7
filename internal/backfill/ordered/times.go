package ordered

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Times counts the rows of a table whose times are adjusted.
type Times struct {
	Rows  int64
	Null  int64
	Early int64
	Late  int64 // at or after the cutoff, or infinite
}

// Count counts the times of all rows of a table, with or without a uuid, in one scan. The default of cutoff is now.
func Count(ctx context.Context, tx pg.Tx, table sqltext.Table, column order.Column, cutoff time.Time) (Times, error) {
	var times Times
	table.Only = true
	t := rowSQL{table: table, column: column}
	kind, zone := "timestamp", ""
	if kindOf(column) == order.Timestamptz {
		kind, zone = "timestamptz", "+00"
	}
	if cutoff.IsZero() {
		at, err := now(ctx, tx)
		if err != nil {
			return times, err
		}
		cutoff = time.UnixMicro(int64(at))
	}
	const layout = "2006-01-02 15:04:05.999999"
	at := "(" + t.time() + ")"
	err := tx.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE "+at+" IS NULL), count(*) FILTER (WHERE "+at+
		sqltext.Format(" < {}::"+kind+"), count(*) FILTER (WHERE ", sqltext.Value("1970-01-01"+zone))+at+
		sqltext.Format(" >= {}::"+kind+") FROM {} AS t", sqltext.Value(cutoff.UTC().Format(layout)+zone), table)).
		Scan(&times.Rows, &times.Null, &times.Early, &times.Late)
	return times, err
}
