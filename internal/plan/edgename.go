package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	idSuffix   = "_id"
	uuidSuffix = "_uuid"
)

// uuidName returns the name of the uuid column for an integer column: with _uuid in place of _id or, if full, after the
// name.
func uuidName(column string, full bool) string {
	stem := column
	if short, ok := strings.CutSuffix(column, idSuffix); ok && short != "" && !full {
		stem = short
	}
	return step.IndexName(stem+uuidSuffix, "", "")
}

// name gives the edges of a table their uuid columns. A column that up made keeps its name, and the profile's names come
// before the generic ones. A name that two columns would get, or that is the table's own uuid column, gets the whole name of
// the integer column.
func (f linkFinder) name(child *catalog.Table, links []Link) {
	marks := marksOf(child)
	taken := map[string]bool{}
	if own, ok := f.uuids[f.rootName(child)]; ok {
		taken[own.Column] = true
	}
	generic := map[string]int{}
	for _, l := range links {
		if l.State == "" {
			generic[uuidName(l.Edge.Column, false)]++
		}
	}
	for i := range links {
		l := &links[i]
		if l.State != "" {
			continue
		}
		e := &l.Edge
		made, isMade := marks[e.Column]
		of := f.libraryReference(child.Name, e.Column)
		switch {
		case isMade:
			e.UUID, l.made = made.uuid, true
		case of.UUIDColumn != "":
			e.UUID = of.UUIDColumn
		default:
			short := uuidName(e.Column, false)
			e.UUID = uuidName(e.Column, taken[short] || generic[short] > 1 && strings.HasSuffix(e.Column, idSuffix))
		}
		e.Constraint = firstNonEmpty(made.mark.Constraint, of.Constraint, keyName(e.Reference.Name, child.Name, e.Column, e.UUID))
		e.Function = f.function(*e, made.mark)
		if isMade {
			e.ParentIndex = made.mark.ParentIndex
		}
		e.Check = Name("rekey", e.UUID, "not_null")
	}
}

// function returns the name of an edge's trigger function: the one that the mark of its column has, else the first of its names
// that no other edge has. A mark may not name any function, since the owner of the table can write it.
func (f linkFinder) function(e step.Edge, mark step.EdgeMark) sqltext.Table {
	names := step.EdgeFunctions(e.Child.All(), e.Column)
	if slices.Contains(names, mark.Function) {
		return mark.Function
	}
	for _, name := range names {
		if key, taken := f.functions[name]; !taken || key == KeyOf(e) {
			f.functions[name] = KeyOf(e)
			return name
		}
	}
	return names[0] // refused
}

// markedFunctions returns the trigger functions of the edges that up made, each with its edge.
func markedFunctions(tables map[sqltext.Table]*catalog.Table) map[sqltext.Table]EdgeKey {
	functions := map[sqltext.Table]EdgeKey{}
	for _, table := range tables {
		for column, made := range marksOf(table) {
			functions[made.mark.Function] = EdgeKey{Child: table.Named(), Column: column}
		}
	}
	return functions
}

// keyName returns the name of the uuid foreign key: the integer's with the uuid column in place of the integer column, or one
// of the usual form.
func keyName(integer, table, column, uuid string) string {
	if strings.Contains(integer, column) {
		return step.IndexName(strings.Replace(integer, column, uuid, 1), "", "")
	}
	return step.IndexName("{table}_{column}_fkey", table, uuid)
}

// markedColumn is a uuid column that up made for an edge.
type markedColumn struct {
	uuid string
	mark step.EdgeMark
}

// marksOf returns the uuid columns that up made in a table, by integer column.
func marksOf(child *catalog.Table) map[string]markedColumn {
	marks := map[string]markedColumn{}
	for i := range child.Columns {
		mark, ok := step.ReadEdgeMark(&child.Columns[i])
		if ok && mark.Newer == 0 && !mark.Unreadable && mark.Child.Same(child.Named()) {
			marks[mark.Column] = markedColumn{uuid: child.Columns[i].Name, mark: mark}
		}
	}
	return marks
}
