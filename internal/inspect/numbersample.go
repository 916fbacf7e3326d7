package inspect

import (
	"context"
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Numbers are some of the positive values of a column.
type NumberSample struct {
	Least, Most *float64 // nil where none was met
	Now         int64    // the server's time in seconds since 1970
}

// SomeNumbers reads a few thousand rows of a table of so many pages, and of all tables below it.
func SampleNumbers(ctx context.Context, tx pg.Tx, table sqltext.Table, column string, pages int64) (n NumberSample, err error) {
	const sampled, percent = 20, 100 // pages
	share := sqltext.Value(strconv.FormatFloat(percent*sampled/max(float64(pages), sampled), 'f', 6, 64))
	at := strings.Index(queryText("number_sample"), "SELECT")
	c := sqltext.Name(column)
	err = tx.QueryRow(ctx, sqltext.Format(queryText("number_sample")[at:], c, table, c, table, share)).Scan(&n.Least, &n.Most, &n.Now)
	return n, err
}
