package ordered

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// fetchRows is the number of rows of one FETCH, which takes some two milliseconds. Between two of them the application gets the processor.
const fetchRows = 1000

// scan runs a query by a cursor and calls take for each row in the binary format. After each FETCH it calls between, which may
// use the connection.
func scan(ctx context.Context, tx pg.Tx, sql string, take func(fields [][]byte) error, between func() error) error {
	for _, statement := range []string{
		"SET LOCAL cursor_tuple_fraction = 1", // optimizes for all rows, not the first ones
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
