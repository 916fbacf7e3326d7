package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// complete sets everything of an edge that follows from its names and its two tables.
func (f linkFinder) complete(child *catalog.Table, l *Link) {
	e := &l.Edge
	parent := f.tables[e.Parent.All()]
	c := child.Column(e.Column)
	if parent == nil || c == nil {
		return // only down gets here: the table or the column was dropped since
	}
	e.Owner, e.Row, e.Tree, e.NotNull = parent.Owner, f.rowKey(child, e.UUID), child.Kind == catalog.Partitioned, c.NotNull
	e.Ends = f.input.Direction == Up && f.input.Goal == Contracted
	e.Inherited = f.inherited(child, e.UUID, e.Column)
	e.Always = slices.ContainsFunc(child.All(), func(t *catalog.Table) bool { return t.Subscribed })
	e.Default = defaultOf(*c, f.defaultUUID(child, *e))
	e.ChildFirst = f.childFirst(child, *e, l)
	e.Required = f.required(child, *e) || l.implied != nil && l.implied.to.sure && !e.ChildFirst && !e.Always && !f.inherits(child)
	if e.ParentIndex == "" && len(e.Parts()) > 0 && parent.Kind != catalog.Partitioned {
		e.ParentIndex = parentIndex(*e, parent)
	}
	if c.Type != parent.Column(e.Key).Type {
		l.Notes = append(l.Notes, fmt.Sprintf("the column is %s and the parent's key is %s: a row that names a parent by its uuid alone fails (22003) if the key is beyond the range of %s",
			c.Type, parent.Column(e.Key).Type, c.Type))
	}
	if e.Reference.Name != "" && !e.Reference.Validated {
		l.Notes = append(l.Notes, "foreign key "+e.Reference.Name+" is NOT VALID: rows without a parent may exist, and with one of them the reference stops at "+string(EdgeFilled))
	}
	l.Notes = append(l.Notes, dependents(child, e.Column)...)
}

// rowKey returns the columns by which the triggers find a row: the columns of the primary key before a switch, so that a switch does not
// change the trigger function. A table without a key has the uuid that the same run gives it.
func (f linkFinder) rowKey(child *catalog.Table, uuid string) []string {
	if mark, index := switchedBy(child); index != nil && index.Valid && len(mark.Columns) > 0 && !slices.Contains(mark.Columns, uuid) {
		return mark.Columns
	}
	key := child.OrderKey(uuid)
	if t, ok := f.uuids[child.Named()]; key == nil && ok && child.Kind == catalog.Ordinary && !child.IsTree() {
		return []string{t.Column}
	}
	return key
}

// setTwins sets the twins of an edge's indexes. earlier has the columns of the child's edges before it: a twin holds their uuid
// columns too.
func (f linkFinder) setTwins(l *Link, earlier []step.ColumnPair) {
	e, child := &l.Edge, f.tables[l.Edge.Child.All()]
	if child == nil || f.tables[e.Parent.All()] == nil || child.Column(e.Column) == nil {
		return // only down gets here
	}
	var without []string
	e.Twins, without = step.Twins(child, e.Column, e.UUID, earlier...)
	if of := f.libraryReference(child.Name, e.Column); of.Index != "" {
		nameTwin(e, child, of.Index)
	}
	for _, index := range without {
		l.Notes = append(l.Notes, "no index like "+index+"; without one, queries by "+e.UUID+" do not get what it serves")
	}
}

// nameTwin gives a name to the twin of the index on the integer column alone.
func nameTwin(e *step.Edge, child *catalog.Table, name string) {
	for i := range e.Twins {
		of := child.Index(e.Twins[i].Of)
		if of != nil && !of.Unique && slices.Equal(of.Columns, []string{e.Column}) && of.Predicate == "" && len(of.Included) == 0 {
			e.Twins[i].Name = name
			return
		}
	}
}

// inherited reports whether a table above has an edge on the same column, so that this table has its uuid column too.
func (f linkFinder) inherited(child *catalog.Table, uuid, column string) bool {
	for t := f.above(child); t != nil; t = f.above(t) {
		if t.Column(uuid) != nil || hasKeyOn(t, column) {
			return true
		}
	}
	return false
}

// above returns the table that a table inherits from; nil for a partition, for a table that inherits from none, and for nil.
func (f linkFinder) above(child *catalog.Table) *catalog.Table {
	if child == nil {
		return nil
	}
	root := f.roots[child.OID]
	if root == nil || root.Kind == catalog.Partitioned {
		return nil
	}
	tables := root.All()
	at := slices.IndexFunc(tables, func(t *catalog.Table) bool { return t.OID == child.Above })
	if at < 0 {
		return nil
	}
	return tables[at]
}

// depth returns the number of tables above a table in its inheritance tree.
func (f linkFinder) depth(name sqltext.Table) int {
	n := 0
	for t := f.above(f.tables[name]); t != nil; t = f.above(t) {
		n++
	}
	return n
}

// hasKeyOn reports whether a table has a foreign key of its own with a column.
func hasKeyOn(table *catalog.Table, column string) bool {
	return slices.ContainsFunc(table.ForeignKeys, func(k catalog.ForeignKey) bool { return slices.Contains(k.ChildColumns, column) })
}

// childFirst reports whether a row may be written before its parent, so that an AFTER trigger must fill it: a deferrable
// foreign key and a self reference allow it, and one statement with a WITH clause does for any foreign key. Where the column
// cannot be NOT NULL anyway, the last case is covered too, if the trigger can find the row and write it.
func (f linkFinder) childFirst(child *catalog.Table, e step.Edge, l *Link) bool {
	c := child.Column(e.Column)
	switch {
	case e.Reference.Deferrable || e.Child.Same(e.Parent) || l.implied != nil && l.implied.to.late:
		if c.NotNull {
			l.Notes = append(l.Notes, "a row may be written before its parent only if it has the parent's "+e.Key+": by uuid alone "+e.Column+" could not be filled in time for its NOT NULL")
		}
		return true
	case !c.NotNull && e.Row != nil && e.MayWrite(child):
		return true
	case !c.NotNull:
		l.Notes = append(l.Notes, "one statement that writes a row before its parent leaves the row without "+e.UUID+" until the next up")
	}
	return false
}

// required reports whether the uuid column becomes NOT NULL: every row has a parent, and the triggers find it in time.
func (f linkFinder) required(child *catalog.Table, e step.Edge) bool {
	notNull := func(name string) bool { c := child.Column(name); return c != nil && c.NotNull && !c.Unproved }
	for _, name := range e.Reference.ChildColumns {
		if !notNull(name) {
			return false
		}
	}
	return e.Reference.Validated && !e.ChildFirst && !e.Always && !f.inherits(child)
}

var constant = regexp.MustCompile(`^\(?'?(-?[0-9]+)'?\)?(?:::(?:bigint|integer|smallint))?$`)

// defaultUUID returns the uuid of the row to which the default of an edge's integer column refers. If the rows were not read, it
// is the one that the uuid column has.
func (f linkFinder) defaultUUID(child *catalog.Table, e step.Edge) string {
	uuid, read := f.input.EdgeDefaults[KeyOf(e)]
	if c := child.Column(e.UUID); c != nil && !read {
		return step.DefaultUUID(c)
	}
	return uuid
}

// defaultOf returns the default of an integer column; nil if it has none. Key is "" if the default is not a constant.
func defaultOf(c catalog.Column, uuid string) *step.EdgeDefault {
	if c.Default == "" || c.Generated || strings.HasPrefix(c.Default, "NULL::") || c.Default == "NULL" {
		return nil
	}
	d := &step.EdgeDefault{UUID: uuid}
	if found := constant.FindStringSubmatch(c.Default); found != nil {
		d.Key = found[1]
	}
	return d
}

// parentIndex returns the name of the unique index of the parent on the columns of a composite edge: of one that exists, else
// a new name.
func parentIndex(e step.Edge, parent *catalog.Table) string {
	columns := e.ParentColumns()
	for _, i := range parent.Indexes {
		if i.Unique && i.Valid && i.Immediate && i.Predicate == "" && len(i.Included) == 0 && slices.Equal(i.Columns, columns) {
			return i.Name
		}
	}
	return step.IndexName("{table}_{column}_key", parent.Name, strings.Join(columns, "_"))
}

// indexNamed returns the index with a name of a table or one below it; nil if there is none.
func indexNamed(table *catalog.Table, name string) *catalog.Index {
	for _, one := range table.All() {
		if i := one.Index(name); i != nil {
			return i
		}
	}
	return nil
}

// dependents returns a note for the objects that use the integer column and that the uuid column does not get.
func dependents(child *catalog.Table, column string) []string {
	var names []string
	for _, a := range child.Attachments {
		if a.Column == column && slices.Contains([]string{"statistics", "policy", "constraint", "generated column", "view", "materialized view", "function", "rule"}, a.Kind) &&
			!isKeyConstraint(child, a) {
			names = append(names, a.Kind+" "+a.Name)
		}
	}
	if names == nil {
		return nil
	}
	return []string{"uses " + column + " and gets no counterpart: " + strings.Join(names, ", ")}
}

// isKeyConstraint reports whether an attachment is a constraint with an index, which gets a twin.
func isKeyConstraint(child *catalog.Table, a catalog.Attachment) bool {
	return a.Kind == "constraint" && child.Index(a.Name) != nil
}
