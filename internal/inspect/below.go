package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type belowRow struct{ Root, Relation, Above int64 }

// trees is what is below the tables of a question.
type trees struct {
	rows []belowRow
	top  map[int64]int64 // of a relation that is below another one: the topmost
}

// below looks under the relations that are below none themselves.
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

// read gives those below that were not found by their names.
func (t trees) read(ctx context.Context, tx pg.Tx, found []relationRow) ([]relationRow, error) {
	there := map[int64]bool{}
	for _, row := range found {
		there[row.OID] = true
	}
	var missing []int64
	for _, row := range t.rows {
		if !there[row.Relation] {
			missing, there[row.Relation] = append(missing, row.Relation), true
		}
	}
	if missing == nil {
		return nil, nil
	}
	return rows[relationRow](ctx, tx, "relations", []string{}, []string{}, missing)
}

// grow puts under each root what is below it. What was dropped between two queries is below nothing.
func (t trees) attach(at map[int64]*catalog.Table) {
	for _, row := range t.rows {
		if table, there := at[row.Relation]; there {
			table.Above = uint32(row.Above)
			appendTo(&at[row.Root].Below, *table)
		}
	}
}

// beside reads who bears which name in the other schemas in which something is below a schema's tables.
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
