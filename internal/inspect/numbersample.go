package inspect

import (
	"context"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// NumberSample is the range of a sample of a column's positive values.
type NumberSample struct {
	Least, Most *float64 // nil if the sample has no positive value
	Now         int64    // the server's time in seconds since 1970
}

// SampleNumbers reads a few thousand rows of a table and of all tables below it. pages is the size of the table.
func SampleNumbers(ctx context.Context, tx pg.Tx, table sqltext.Table, column string, pages int64) (n NumberSample, err error) {
	const sampled, percent = 20, 100 // pages
	share := sqltext.Value(strconv.FormatFloat(percent*sampled/max(float64(pages), sampled), 'f', 6, 64))
	at := strings.Index(queryText("number_sample"), "SELECT")
	c := sqltext.Name(column)
	err = tx.QueryRow(ctx, sqltext.Format(queryText("number_sample")[at:], c, table, c, table, share)).Scan(&n.Least, &n.Most, &n.Now)
	return n, err
}
