package survey

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
)

// readEndings reads what phase contracted must know of the integer columns: who has read their indexes since the switch, and who uses
// their sequences and row types.
func readEndings(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	if in.Direction == plan.Down || in.Goal != plan.Contracted {
		return nil
	}
	var since time.Time
	var tables []uint32
	for i := range in.Schema.Relations {
		t := &in.Schema.Relations[i]
		tables = append(tables, t.OID)
		if at := plan.SwitchedAt(t); at.After(since) {
			since = at
		}
	}
	return fault.At(pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		if in.IndexReads, err = inspect.IndexReads(ctx, tx, tables, since); err != nil {
			return err
		}
		if in.RowUsers, err = inspect.RowUsers(ctx, tx, tables); err != nil {
			return err
		}
		if in.SequenceUsers, err = inspect.SequenceUsers(ctx, tx, tables); err != nil {
			return err
		}
		return readColumnUsers(ctx, tx, in)
	}), "", "survey")
}

// readColumnUsers reads which functions name the columns that end.
func readColumnUsers(ctx context.Context, tx pg.Tx, in *plan.Input) error {
	var columns []inspect.TableColumn
	for _, e := range plan.Build(*in).Endings {
		for _, one := range in.Schema.Named(e.Table).All() {
			columns = append(columns, inspect.TableColumn{Table: one.Named(), OID: one.OID, Column: e.Column})
		}
	}
	if columns == nil {
		return nil
	}
	found, err := inspect.ColumnFunctions(ctx, tx, columns)
	in.ColumnUsers = map[plan.ColumnKey][]string{}
	for _, e := range plan.Build(*in).Endings {
		key := plan.ColumnKey{Table: e.Table, Column: e.Column}
		for _, one := range in.Schema.Named(e.Table).All() {
			in.ColumnUsers[key] = append(in.ColumnUsers[key], found[inspect.TableColumn{Table: one.Named(), OID: one.OID, Column: e.Column}]...)
		}
	}
	return err
}
