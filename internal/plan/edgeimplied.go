package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// implied is a reference that follows from a composite foreign key: the column equals one of the parent that is a reference itself. A row
// of release_links (project_id, tag) that refers to releases (project_id, tag) refers to the project of the release.
//
// The foreign key itself stays on integers until these end: it and the triggers keep the uuids right.
type implied struct {
	column string
	by     catalog.ForeignKey // the composite foreign key
	to     ancestor
}

// ancestor is the row to which a column refers.
type ancestor struct {
	table sqltext.Table
	key   string
	sure  bool // each row that has values has this row: the foreign keys are valid, and no column of theirs can be NULL
	late  bool // it may be written after the rows that refer to it
}

// ancestorOf returns the row to which a column of a table refers, by a foreign key of its own or by a composite one.
func (f linkFinder) ancestorOf(table *catalog.Table, column string, seen ...string) (ancestor, bool) {
	var found ancestor
	name := table.Named().String() + "." + column
	if slices.Contains(seen, name) {
		return found, false
	}
	for _, k := range table.ForeignKeys {
		parent := f.tables[k.Parent]
		if k.Above != 0 || step.IsTemporaryIndex(k.Name) || parent == nil || !slices.Contains(k.ChildColumns, column) {
			continue
		}
		key := k.ReferencedColumn(column)
		to, ok := ancestor{table: k.Parent, key: key, sure: true}, f.identifies(k, table, parent, column)
		if !ok {
			to, ok = f.ancestorOf(parent, key, append(seen, name)...)
		}
		if !ok {
			continue
		}
		to.sure, to.late = to.sure && k.Validated && noneNull(table, k.ChildColumns), to.late || k.Deferrable
		if len(k.ChildColumns) == 1 {
			return to, true
		}
		found = to
	}
	return found, found.key != ""
}

// identifies reports whether a column of a foreign key identifies the row of the parent, which gets a uuid.
func (f linkFinder) identifies(k catalog.ForeignKey, child, parent *catalog.Table, column string) bool {
	key := parent.Column(k.ReferencedColumn(column))
	if _, ok := f.uuidOf(parent); !ok || f.refused[k.Parent] || key == nil || !key.Integer() {
		return false
	}
	part, isEdge := idPart(k, child, parent)
	return isEdge && part == column && (len(k.ChildColumns) == 1 || parent.UniqueOn(key.Name))
}

// noneNull reports whether no column of a list can be NULL.
func noneNull(table *catalog.Table, columns []string) bool {
	return !slices.ContainsFunc(columns, func(name string) bool {
		c := table.Column(name)
		return c == nil || !c.NotNull || c.Unproved
	})
}

// impliedBy returns the references that follow from a composite foreign key.
func (f linkFinder) impliedBy(child *catalog.Table, k catalog.ForeignKey) (list []implied) {
	parent := f.tables[k.Parent]
	if f.input.Direction == Down || len(k.ChildColumns) == 1 || parent == nil || k.Above != 0 || step.IsTemporaryIndex(k.Name) {
		return nil
	}
	if uuid, ok := f.uuidOf(parent); ok && slices.Contains(k.ParentColumns, uuid) {
		return nil // the foreign key of an edge
	}
	part, isEdge := idPart(k, child, parent)
	for i, column := range k.ChildColumns {
		c, key := child.Column(column), parent.Column(k.ParentColumns[i])
		if c == nil || key == nil || !c.Integer() || !key.Integer() || isEdge && part == column {
			continue
		}
		if to, ok := f.ancestorOf(parent, key.Name); ok {
			to.sure, to.late = to.sure && k.Validated && noneNull(child, k.ChildColumns), to.late || k.Deferrable
			list = append(list, implied{column: column, by: k, to: to})
		}
	}
	return list
}

// impliedReferences returns the references of a table that follow from its composite foreign keys.
func (f linkFinder) impliedReferences(child *catalog.Table, marks map[string]markedColumn) (list []reference) {
	for _, k := range child.ForeignKeys {
		for _, one := range f.impliedBy(child, k) {
			mark, made := marks[one.column]
			if made && !mark.mark.Parent.Same(one.to.table) { // it refers to what up made its column for
				continue
			}
			list = append(list, reference{Column: one.column, Parent: one.to.table, Key: one.to.key, implied: &one})
		}
	}
	return list
}

// noteImplied notes at the references of a table which composite foreign keys they keep right until the integers end.
func (f linkFinder) noteImplied(child *catalog.Table, links []Link) {
	for _, k := range child.ForeignKeys {
		if slices.ContainsFunc(links, func(l Link) bool { return l.Edge.Reference.Name == k.Name }) {
			continue
		}
		for _, one := range f.impliedBy(child, k) {
			if at := slices.IndexFunc(links, func(l Link) bool { return l.Edge.Column == one.column && l.State == "" }); at >= 0 {
				links[at].Notes = append(links[at].Notes, "foreign key "+k.Name+" onto "+k.Parent.String()+" holds the column too, and stays on integers until they end")
			}
		}
	}
}

// covered reports whether every column of a composite foreign key whose counterpart in the primary key changes is a reference to the
// same row as that counterpart.
func (c keyCheck) covered(k PrimaryKey, t *catalog.Table, key catalog.ForeignKey) bool {
	changes := false
	for i, column := range key.ParentColumns {
		at := slices.Index(k.Key.Columns, column)
		if at < 0 || k.Key.UUIDs[at] == column {
			continue
		}
		child, parent := c.linkOn(key.Child, key.ChildColumns[i]), c.linkOn(t.Named(), column)
		if child == nil || parent == nil || !child.Edge.Parent.Same(parent.Edge.Parent) || child.Edge.Key != parent.Edge.Key {
			return false
		}
		changes = true
	}
	return changes
}

// linkOn returns the link of a column that gets a uuid; nil if there is none.
func (c keyCheck) linkOn(table sqltext.Table, column string) *Link {
	for i := range c.links {
		if l := &c.links[i]; l.Edge.UUID != "" && l.State != Refused && l.State != Skipped && l.Edge.Child.Same(table) && l.Edge.Column == column {
			return l
		}
	}
	return nil
}
