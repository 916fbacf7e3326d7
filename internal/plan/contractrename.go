package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// renames returns the groups that give the uuid columns the names of the integers that an earlier run has ended.
func (c *contraction) renames() []Group {
	pairs := map[sqltext.Table][]step.ColumnPair{}
	var tables []sqltext.Table
	add := func(table sqltext.Table, integer, uuid string) {
		pair := step.ColumnPair{Integer: integer, UUID: uuid}
		if integer == uuid || slices.Contains(pairs[table], pair) {
			return
		}
		if pairs[table] == nil {
			tables = append(tables, table)
		}
		pairs[table] = append(pairs[table], pair)
	}
	for i := range c.input.Schema.Relations {
		t := &c.input.Schema.Relations[i]
		for _, p := range endedPairs(t) {
			add(t.Named(), p.Integer, p.UUID)
		}
	}
	slices.SortFunc(tables, func(a, b sqltext.Table) int { return strings.Compare(a.Name, b.Name) })
	var groups []Group
	for _, table := range tables {
		slices.SortFunc(pairs[table], func(a, b step.ColumnPair) int { return strings.Compare(a.Integer, b.Integer) })
		groups = append(groups, c.rename(table, pairs[table]))
	}
	c.renamePublished(tables)
	return groups
}

func (c *contraction) rename(table sqltext.Table, pairs []step.ColumnPair) Group {
	seen := map[string]bool{}
	for _, p := range pairs {
		if seen[p.UUID] || seen[p.Integer] {
			c.found = append(c.found, message.RenameTwice(table.String(), p.UUID, p.Integer))
		}
		seen[p.UUID], seen[p.Integer] = true, true
	}
	key := step.Key{Table: table}
	for _, c := range endedPairs(c.input.Schema.Named(table)) {
		key.UUIDs = append(key.UUIDs, c.UUID)
	}
	return c.plan.withTodo(Group{
		Table: table, Target: c.plan.targetOf(table), Key: &key, Phase: Contracted, State: Pending, Steps: []step.Step{step.RenameKeys{Table: table, Pairs: pairs}},
	})
}

// endedPairs returns the uuid columns of a table whose integers an earlier run has ended, and that still have their own names.
func endedPairs(t *catalog.Table) (pairs []step.ColumnPair) {
	if mark, index := switchedBy(t); index != nil && mark.Contracted {
		for i, c := range mark.Columns {
			if mark.UUIDs[i] != c && t.Column(c) == nil && t.Column(mark.UUIDs[i]) != nil {
				pairs = append(pairs, step.ColumnPair{Integer: c, UUID: mark.UUIDs[i]})
			}
		}
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if mark, ok := step.ReadEdgeMark(c); ok && mark.Contracted && mark.Child.Same(t.Named()) && c.Name != mark.Column && t.Column(mark.Column) == nil {
			pairs = append(pairs, step.ColumnPair{Integer: mark.Column, UUID: c.Name})
		}
	}
	return pairs
}
