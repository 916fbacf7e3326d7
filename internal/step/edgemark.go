package step

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// EdgeMark is what the comment of an edge's uuid column says: for which reference rekey made the column, and which objects
// up makes for it. Down does not rely on the names alone: any role that owns the table can write the comment.
type EdgeMark struct {
	// Child and Column are the referencing table and its integer column. A mark that names another table was copied by
	// CREATE TABLE LIKE, or the table was renamed.
	Child  sqltext.Table
	Column string
	// Parent and Key are the referenced table and its integer column.
	Parent sqltext.Table
	Key    string
	// Reference is the name of the foreign key that the edge mirrors; "" for a reference without a constraint.
	Reference string
	// Constraint is the name of the foreign key that up makes; "" for none.
	Constraint string
	// Function is the trigger function.
	Function sqltext.Table
	// Indexes are the names of the indexes on the child that up makes. Twins that existed before are not among them.
	Indexes []string
	// ParentIndex is the name of the unique index on the parent that up makes; "" for none.
	ParentIndex string
	// Moved are the unique indexes of the integer column that are plain now, since their twins keep the rows unique.
	Moved []MovedIndex
	// Contracted says that the integer column was dropped after a proof.
	Contracted bool
	// Finished says that the edge was linked once. Until then the column is made, not finished.
	Finished bool
	// Newer is the format of a mark that this version of rekey cannot read; 0 if it can. The other fields are not set.
	Newer int
	// Unreadable says that the comment was edited. The other fields are not set.
	Unreadable bool
}

const (
	edgeMark           = "[rekey 2: edge {"
	unfinishedEdgeMark = "[rekey 2: edge, not finished {"
)

// edgeDocument is the JSON text of a mark. Its names are a stored format.
type edgeDocument struct {
	Child       [2]string `json:"of"`
	Column      string    `json:"column"`
	Parent      [2]string `json:"parent"`
	Key         string    `json:"key"`
	Reference   string    `json:"mirrors,omitempty"`
	Constraint  string    `json:"constraint,omitempty"`
	Function    [2]string `json:"function"`
	Indexes     []string  `json:"indexes,omitempty"`
	ParentIndex string    `json:"parent_index,omitempty"`

	Moved []MovedIndex `json:"moved,omitempty"`
	Ended bool         `json:"contracted,omitempty"`
}

// Mark returns the mark of a column that up makes for the edge. The child is the table before the column exists: an index
// that has the name of a twin already is not up's. The parent is nil if it no longer exists.
func (e Edge) Mark(child, parent *catalog.Table) EdgeMark {
	m := EdgeMark{
		Child: e.Child.All(), Column: e.Column, Parent: e.Parent.All(), Key: e.Key, Reference: e.Reference.Name,
		Function: e.Function,
	}
	if c := child.Column(e.UUID); c != nil {
		earlier, _ := ReadEdgeMark(c)
		m.Moved = earlier.Moved
	}
	if e.Constrained() {
		m.Constraint = e.Constraint
	}
	for _, twin := range e.Twins {
		exists := func(table *catalog.Table) bool {
			return table.Named().Same(twin.Table) && table.Index(twin.Name) != nil
		}
		if !slices.ContainsFunc(child.All(), exists) {
			m.Indexes = append(m.Indexes, twin.Name)
		}
	}
	if e.ParentIndex != "" && parent != nil {
		if i := parent.Index(e.ParentIndex); i == nil || text(i.Comment) == parentIndexMark { // rekey may have made it for another edge
			m.ParentIndex = e.ParentIndex
		}
	}
	return m
}

// RestoreMark returns the statement that gives the uuid column a mark again, for a user to run. The indexes with the names of
// twins are up's. An edited mark goes, with what follows it. The parent is nil if it no longer exists. The comment has no white space, where a terminal may break the line.
func (e Edge) RestoreMark(child, parent *catalog.Table) string {
	mark := e.Mark(child, parent)
	for _, twin := range e.Twins {
		if !slices.Contains(mark.Indexes, twin.Name) {
			mark.Indexes = append(mark.Indexes, twin.Name)
		}
	}
	before := text(child.Column(e.UUID).Comment)
	if at := max(strings.LastIndex(before, edgeMark), strings.LastIndex(before, unfinishedEdgeMark)); at >= 0 {
		before = strings.TrimSuffix(before[:at], "\n")
	}
	escaped := strings.NewReplacer(`\`, `\\`, "'", "''", " ", `\x20`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(mark.Comment(&before))
	return sqltext.Format("COMMENT ON COLUMN {}.{} IS E'", e.Child.All(), sqltext.Name(e.UUID)) + escaped + "'"
}

// made reports whether the uuid column has the mark of the edge.
func (e Edge) made(child *catalog.Table) bool {
	origin, _ := e.ReadMark(child)
	return origin == Made
}

// markMade returns the statement that marks a column as made.
func (e Edge) markMade(v View) []string {
	child := v.Relation(e.Child)
	var before *string
	if c := child.Column(e.UUID); c != nil {
		before = c.Comment
	}
	return e.comment(e.Mark(child, v.Relation(e.Parent)).Comment(before))
}

// unmark returns the statement that restores the comment.
func (e Edge) unmark(c *catalog.Column) []string { return e.comment(PlainEdgeComment(c.Comment)) }

func (e Edge) comment(comment string) []string {
	if comment == "" {
		return []string{sqltext.Format("COMMENT ON COLUMN {}.{} IS NULL", e.Child.All(), sqltext.Name(e.UUID))}
	}
	return []string{sqltext.Format("COMMENT ON COLUMN {}.{} IS {}", e.Child.All(), sqltext.Name(e.UUID), sqltext.Value(comment))}
}

// ReadMark returns the origin of the edge's uuid column, and its mark: Absent without the column, Made if its mark names
// this edge, Found if the mark is newer or was edited, else Untouched. Nothing is dropped that is not Made.
func (e Edge) ReadMark(child *catalog.Table) (Origin, EdgeMark) {
	c := child.Column(e.UUID)
	if c == nil {
		return Absent, EdgeMark{}
	}
	mark, ok := ReadEdgeMark(c)
	switch {
	case !ok:
		return Untouched, EdgeMark{}
	case mark.Newer > 0, mark.Unreadable:
		return Found, mark
	case !mark.Child.Same(e.Child), mark.Column != e.Column:
		return Untouched, EdgeMark{}
	}
	return Made, mark
}

// ReadEdgeMark returns the mark of an edge in the comment of a column, and whether there is one. It finds the edges of a
// schema that an earlier up made, with the names that it gave them.
func ReadEdgeMark(c *catalog.Column) (EdgeMark, bool) {
	comment := text(c.Comment)
	if newer := newerMark(comment); newer > 0 {
		return EdgeMark{Newer: newer}, true
	}
	_, mark, ok := cutEdgeMark(comment)
	return mark, ok
}

// Comment returns the comment of a column with the mark in place of an earlier one, after the application's text.
func (m EdgeMark) Comment(before *string) string {
	prefix := unfinishedEdgeMark
	if m.Finished {
		prefix = edgeMark
	}
	plain, _, _ := cutEdgeMark(text(before))
	return appendMark(plain, strings.TrimSuffix(prefix, "{")+m.document()+"]")
}

// document returns the mark as JSON, without whether it is finished.
func (m EdgeMark) document() string {
	document, err := json.Marshal(edgeDocument{
		Child: namePair(m.Child), Column: m.Column, Parent: namePair(m.Parent), Key: m.Key, Reference: m.Reference,
		Constraint: m.Constraint, Function: namePair(m.Function), Indexes: m.Indexes, ParentIndex: m.ParentIndex, Moved: m.Moved, Ended: m.Contracted,
	})
	if err != nil {
		panic(err) // strings only
	}
	return string(document)
}

// PlainEdgeComment returns a comment without the mark of an edge.
func PlainEdgeComment(comment *string) string {
	plain, _, _ := cutEdgeMark(text(comment))
	return plain
}

// cutEdgeMark returns a comment without the last mark of an edge in it, the mark, and whether there is one.
func cutEdgeMark(comment string) (plain string, mark EdgeMark, ok bool) {
	at := max(strings.LastIndex(comment, edgeMark), strings.LastIndex(comment, unfinishedEdgeMark))
	if at < 0 {
		return comment, EdgeMark{}, false
	}
	from := at + strings.Index(comment[at:], "{")
	var d edgeDocument
	decoder := json.NewDecoder(strings.NewReader(comment[from:]))
	if decoder.Decode(&d) != nil {
		return comment, EdgeMark{Unreadable: true}, true
	}
	after, closed := strings.CutPrefix(comment[from+int(decoder.InputOffset()):], "]")
	mark = EdgeMark{
		Child: namedTable(d.Child), Column: d.Column, Parent: namedTable(d.Parent), Key: d.Key, Reference: d.Reference,
		Constraint: d.Constraint, Function: namedTable(d.Function), Indexes: d.Indexes, ParentIndex: d.ParentIndex, Moved: d.Moved, Contracted: d.Ended,
		Finished: strings.HasPrefix(comment[at:], edgeMark),
	}
	if !closed || !mark.complete() {
		return comment, EdgeMark{Unreadable: true}, true
	}
	return strings.TrimSuffix(comment[:at], "\n") + after, mark, true
}

// complete reports whether the mark has all names that a mark must have.
func (m EdgeMark) complete() bool {
	return !slices.Contains([]string{
		m.Child.Schema, m.Child.Name, m.Column, m.Parent.Schema, m.Parent.Name, m.Key, m.Function.Schema, m.Function.Name,
	}, "")
}

func namePair(t sqltext.Table) [2]string { return [2]string{t.Schema, t.Name} }

func namedTable(names [2]string) sqltext.Table {
	return sqltext.Table{Schema: names[0], Name: names[1]}
}
