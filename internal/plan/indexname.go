package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// refuseSameIndex refuses a table whose index would have the same name as another table's.
func refuseSameIndex(p *Plan) problem.List {
	var found problem.List
	owner := map[sqltext.Table]string{}
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Target.Table == "" {
			continue
		}
		indexes := indexesOf(g.Target, p.Schema.Named(g.Table))
		for _, index := range indexes {
			if other, taken := owner[index]; taken && p.Direction == Up {
				g.State = Refused
				found = append(found, message.DuplicateIndexName(g.Target.String(), index.Name, other))
				break
			}
		}
		if g.State == Refused {
			continue
		}
		for _, index := range indexes {
			owner[index] = g.Target.String()
		}
	}
	return found
}

// indexesOf returns the names of the indexes that a table and the tables below it get.
func indexesOf(t step.Target, table *catalog.Table) []sqltext.Table {
	all := []sqltext.Table{{Schema: t.Schema, Name: t.Index}}
	if table.IsTree() {
		for _, one := range slices.Concat(t.Parts(table), t.Partitioned(table)) {
			if index := (sqltext.Table{Schema: one.Schema, Name: one.Index}); !slices.Contains(all, index) {
				all = append(all, index)
			}
		}
	}
	return all
}

// Name returns the name of an object of a table, as PostgreSQL's makeObjectName does: the longer of table and column is
// shortened, by whole characters, until table_column_kind has at most 63 bytes.
func Name(table, column, kind string) string {
	space := sqltext.MaxIdentifier - len(kind) - 2
	for len(table)+len(column) > space {
		if len(table) > len(column) {
			table = dropLastRune(table)
		} else {
			column = dropLastRune(column)
		}
	}
	return strings.Join([]string{table, column, kind}, "_")
}

func dropLastRune(name string) string {
	runes := []rune(name)
	return string(runes[:len(runes)-1])
}
