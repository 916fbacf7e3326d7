package ordered

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// maxFetchRows is the number of rows of one FETCH if nothing demands shorter statements.
const maxFetchRows = 20_000

// gentleFetchRows returns the number of rows of one FETCH under a limit of the impact: 1000 take some two milliseconds, and between two of
// them the application gets the processor. As a batch's statement does, a FETCH takes at least a round trip.
func gentleFetchRows(trip time.Duration) int {
	const rows, took = 1000, 2 * time.Millisecond
	return int(min(max(rows*trip/took, rows), maxFetchRows))
}

// scan runs a query by a cursor and calls take for each row in the binary format. After each FETCH of fetchRows it calls between, which may
// use the connection.
func scan(ctx context.Context, tx pg.Tx, sql string, fetchRows int, take func(fields [][]byte) error, between func() error) error {
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
