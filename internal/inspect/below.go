package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type belowRow struct{ Root, Relation, Above int64 }

// trees has the relations below other relations.
type trees struct {
	rows []belowRow
	top  map[int64]int64 // root by the oid of a relation below it
}

// readBelow reads the relations below each root among the found relations.
func readBelow(ctx context.Context, tx pg.Tx, found []relationRow) (trees, error) {
	t := trees{top: map[int64]int64{}}
	var roots []int64
	for _, row := range found {
		table := row.table()
		if row.Heirs && row.Parents == 0 && (table.Kind == catalog.Partitioned || table.Kind == catalog.Ordinary) {
			roots = append(roots, row.OID)
		}
	}
	if len(roots) == 0 {
		return t, nil
	}
	var err error
	t.rows, err = rows[belowRow](ctx, tx, "below", roots)
	for _, row := range t.rows {
		t.top[row.Relation] = row.Root
	}
	return t, err
}

// read reads the relations below the roots that are not among the found ones.
func (t trees) read(ctx context.Context, tx pg.Tx, found []relationRow) ([]relationRow, error) {
	known := map[int64]bool{}
	for _, row := range found {
		known[row.OID] = true
	}
	var missing []int64
	for _, row := range t.rows {
		if !known[row.Relation] {
			missing, known[row.Relation] = append(missing, row.Relation), true
		}
	}
	if missing == nil {
		return nil, nil
	}
	return rows[relationRow](ctx, tx, "relations", []string{}, []string{}, missing)
}

// attach sets Below of each root. It skips relations that were dropped between two queries.
func (t trees) attach(at map[int64]*catalog.Table) {
	for _, row := range t.rows {
		if table, ok := at[row.Relation]; ok {
			table.Above = uint32(row.Above)
			appendTo(&at[row.Root].Below, *table)
		}
	}
}

// readOtherSchemas reads the names of all relations in the other schemas that have partitions or children of a schema's
// tables.
func readOtherSchemas(ctx context.Context, tx pg.Tx, schema *catalog.Schema) error {
	others := map[string]bool{}
	var names []string
	for _, table := range schema.Relations {
		for _, b := range table.Below {
			if b.Schema != schema.Name && !others[b.Schema] {
				names, others[b.Schema] = append(names, b.Schema), true
			}
		}
	}
	if names == nil {
		return nil
	}
	found, err := rows[relationRow](ctx, tx, "relation_names", names)
	for _, row := range found {
		appendTo(&schema.OtherSchemas, catalog.Table{Schema: row.Schema, Name: row.Name, Kind: catalog.Kind(row.Kind), IndexOf: row.IndexOf})
	}
	return err
}
