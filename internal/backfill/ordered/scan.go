package ordered

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// scanned is how many rows a scan hands over between two pauses.
const fetchRows = 20_000

// scan runs a query by a cursor and hands over its rows in the binary format, one at a time; between them, now and then and at
// the end, it lets the connection be used for something else.
func scan(ctx context.Context, tx pg.Tx, sql string, take func(fields [][]byte) error, between func() error) error {
	for _, statement := range []string{
		"SET LOCAL cursor_tuple_fraction = 1", // all rows are wanted, not the first ones soon
		"DECLARE scan NO SCROLL CURSOR FOR " + sql,
	} {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for rows := fetchRows; rows == fetchRows; {
		rows = 0
		err := stream(ctx, tx, sqltext.Format("FETCH {} FROM scan", fetchRows), func(fields [][]byte) error {
			rows++
			return take(fields)
		})
		if err == nil {
			err = between()
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "CLOSE scan")
	return err
}
