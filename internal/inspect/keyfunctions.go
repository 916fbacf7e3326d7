package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
)

// KeyFunction is a function whose text may contain a statement that the switch of a primary key changes.
type KeyFunction struct {
	Hazard   string // group-by or on-conflict-constraint
	Object   string // the table or the primary key that the text names
	Function string // as pg_describe_object writes it
}

// KeyFunctions returns the functions of the database whose text names one of the primary keys in ON CONFLICT ON CONSTRAINT, or one of
// the tables together with GROUP BY. PostgreSQL records no dependency for the text of a function.
func KeyFunctions(ctx context.Context, tx pg.Tx, keys, tables []string) ([]KeyFunction, error) {
	return rows[KeyFunction](ctx, tx, "key_functions", keys, tables)
}
