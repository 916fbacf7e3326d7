package inspect

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// TableColumn is a column that a function may name.
type TableColumn struct {
	Table  sqltext.Table
	OID    uint32 // of the table
	Column string
}

// ColumnFunctions returns, by column, the functions of the database whose text names the column and its table, or reads the column of a
// trigger's row. PostgreSQL records no dependency for the text of a function. The text is not returned: it can contain secrets.
func ColumnFunctions(ctx context.Context, tx pg.Tx, columns []TableColumn) (map[TableColumn][]string, error) {
	type function struct {
		Function, Source, Path string
		SQL                    bool
		Relations              []int64
	}
	var names, tables []string
	for _, c := range columns {
		names, tables = append(names, c.Column), append(tables, c.Table.Name)
	}
	functions, err := rows[function](ctx, tx, "column_functions", names)
	if err != nil || len(functions) == 0 {
		return nil, err
	}
	schemas, err := schemasOf(ctx, tx, tables)
	if err != nil {
		return nil, err
	}
	found := map[TableColumn][]string{}
	for _, f := range functions {
		text := readFunction(f.Source, f.SQL)
		path := text.path(f.Path, schemas)
		for _, c := range columns {
			fired := slices.Contains(f.Relations, int64(c.OID)) && text.readsRow(c.Column)
			if fired || text.has(c.Column) && text.mentions(c.Table, path) {
				found[c] = append(found[c], f.Function)
			}
		}
	}
	return found, nil
}
