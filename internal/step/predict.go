package step

import (
	"maps"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// copyOf returns a copy of the view whose tables may be changed, and the target's column in it, or nil.
func (t Target) copyOf(v View) (View, *catalog.Column) {
	if v.Table == nil {
		return v, nil
	}
	table := copyTable(*v.Table)
	table.Below = slices.Clone(table.Below)
	for i := range table.Below {
		table.Below[i] = copyTable(table.Below[i])
	}
	v.Table, v.Filled = &table, maps.Clone(v.Filled)
	return v, table.Column(t.Column)
}

func copyTable(table catalog.Table) catalog.Table {
	table.Columns = slices.Clone(table.Columns)
	table.Indexes = slices.Clone(table.Indexes)
	table.Constraints = slices.Clone(table.Constraints)
	return table
}

func withoutIndex(table *catalog.Table, name string) {
	table.Indexes = slices.DeleteFunc(table.Indexes, func(i catalog.Index) bool { return i.Name == name })
}

func (t Target) withoutCheck(table *catalog.Table) {
	table.Constraints = slices.DeleteFunc(table.Constraints, func(c catalog.Constraint) bool { return c.Name == t.Check })
}

// setCall sets the target's default. The text need not be exactly what PostgreSQL would write.
func (t Target) setCall(c *catalog.Column) {
	if !t.HasDefault(c) {
		c.Calls = sqltext.Qualified(t.Function.Schema, t.Function.Name)
		c.Default = c.Calls + "()"
	}
}

func optional(comment string) *string {
	if comment == "" {
		return nil
	}
	return &comment
}
