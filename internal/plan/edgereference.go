package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// reference is a reference without a foreign key.
type reference struct {
	Column  string
	Parent  sqltext.Table
	Key     string   // "" for the parent's integer key
	named   bool     // by the user
	lost    string   // the foreign key that the reference had when up made its column
	implied *implied // by a composite foreign key; nil for others
}

// references returns the references of a table without a foreign key: those that the user names, and those for which up made a
// column. A profile only gives names to them: rows that such a reference leaves without a parent are common, and what a later
// version of the library does with them is not known.
func (f linkFinder) references(child *catalog.Table) []reference {
	var list []reference
	add := func(r reference) {
		if !slices.ContainsFunc(list, func(other reference) bool { return other.Column == r.Column }) {
			list = append(list, r)
		}
	}
	marks := marksOf(child)
	implied := f.impliedReferences(child, marks)
	if f.roots[child.OID] == nil {
		for _, r := range f.named[child.Name] {
			if endedReference(child, r.Column) {
				continue // contract has dropped the column
			}
			if !slices.ContainsFunc(implied, func(i reference) bool { return i.Column == r.Column && i.Parent.Same(f.parentNamed(r.Parent)) }) {
				add(reference{Column: r.Column, Parent: f.parentNamed(r.Parent), named: true})
			}
		}
	}
	for _, r := range implied {
		add(r)
	}
	for _, c := range child.Columns {
		if made, ok := marks[c.Name]; ok && !made.mark.Contracted { // a contracted one may have the name of the integer now
			add(reference{Column: c.Name, Parent: made.mark.Parent, Key: made.mark.Key, lost: made.mark.Reference})
		}
	}
	return list
}

// parentNamed returns the table that a reference names: a table of the schema, else schema.table.
func (f linkFinder) parentNamed(name string) sqltext.Table {
	own := sqltext.Table{Schema: f.input.Schema.Name, Name: name}
	if schema, table, qualified := strings.Cut(name, "."); qualified && f.tables[own] == nil {
		return sqltext.Table{Schema: schema, Name: table}
	}
	return own
}

// libraryReferences returns the profile's references by the name of the table, under whichever of its names the profile has
// them.
func libraryReferences(goals Goals) map[string][]profile.Reference {
	named := map[string][]profile.Reference{}
	for _, r := range goals.References {
		named[r.Table] = append(named[r.Table], r)
	}
	all := maps.Clone(named)
	for _, goal := range goals.Tables {
		var list []profile.Reference
		for _, name := range goal.Names {
			list = append(list, named[name]...)
		}
		all[goal.Table.Name] = list
	}
	return all
}

// libraryReference returns the profile's reference of a column; zero if it has none.
func (f linkFinder) libraryReference(table, column string) profile.Reference {
	for _, r := range f.library[table] {
		if r.Column == column {
			return r
		}
	}
	return profile.Reference{}
}

// fromReference returns the link of a reference without a foreign key.
func (f linkFinder) fromReference(child *catalog.Table, r reference) Link {
	parent := f.tables[r.Parent]
	l := Link{Edge: step.Edge{Child: f.childName(child), Parent: parentName(r.Parent, parent), Column: r.Column, Key: r.Key}, implied: r.implied}
	if r.lost != "" { // down still finds what belonged to the foreign key
		l.Edge.Reference = catalog.ForeignKey{Name: r.lost, Child: child.Named(), Parent: r.Parent, ChildColumns: []string{r.Column}, ParentColumns: []string{r.Key}}
	}
	if f.input.Direction == Down {
		l.Edge.ParentUUID = f.goals.Column
		return l
	}
	if parent == nil && !r.named && r.Parent.Schema == f.input.Schema.Name {
		l.problems, l.State, l.damaged = append(l.problems, message.EdgeParentGone(l.String(), r.Parent.String())), Refused, true
		return l
	}
	if why, hint := f.unfitReference(child, parent, r); why != "" {
		l.problems, l.State = append(l.problems, message.BadReference(l.String(), r.Parent.String(), why, hint)), Refused
		return l
	}
	if l.Edge.Key == "" {
		l.Edge.Key = IntegerKey(parent)
	}
	uuid, ok := f.uuidOf(parent)
	switch {
	case r.lost != "":
		l.skip("its foreign key " + r.lost + " was dropped; rekey down --to expanded removes what up made for it")
	case !ok:
		f.withoutUUID(&l, r.Parent)
	case f.refused[r.Parent]:
		l.skip("it needs " + r.Parent.String() + ", which is refused")
	case f.refused[f.rootName(child)]:
		l.skip("its table is refused")
	default:
		l.Edge.ParentUUID = uuid
	}
	return l
}

// unfitReference returns why a reference without a foreign key cannot become an edge; "" if it can.
func (f linkFinder) unfitReference(child, parent *catalog.Table, r reference) (why, hint string) {
	c := child.Column(r.Column)
	unsupported, isUnsupported := f.unsupportedColumn(child, r.Column)
	switch {
	case c == nil:
		return child.Named().String() + " has no column " + r.Column, "Name one of its columns"
	case parent == nil:
		return "there is no table " + r.Parent.String(), "Name a table of the schema or, with --parents, one of another schema as schema.table"
	case !holdsRows(parent):
		return r.Parent.String() + " is a " + parent.Kind.String(), "Name a table"
	case r.Parent.Schema != f.input.Schema.Name && !slices.Contains(f.input.Selection.Parents, r.Parent.Schema):
		return r.Parent.String() + " is in another schema", "Name that schema: --parents " + r.Parent.Schema
	case isUnsupported && r.named:
		return unsupported.unfit()
	case r.implied != nil:
		return "", ""
	case IntegerKey(parent) == "":
		return r.Parent.String() + " has no key of a single integer", "Name another table"
	case !c.Integer():
		return "column " + r.Column + " is " + c.Type + ", and " + r.Parent.String() + "." + IntegerKey(parent) + " is " + parent.Column(IntegerKey(parent)).Type,
			"Name a column of an integer type"
	}
	return "", ""
}

// holdsRows reports whether a relation is a table that an edge can have at either end.
func holdsRows(table *catalog.Table) bool {
	return table.Kind == catalog.Ordinary || table.Kind == catalog.Partitioned
}

// unknownReferences refuses the references that name no table of the goals.
func (f linkFinder) unknownReferences() (refused []Link) {
	for _, r := range f.input.Selection.References {
		if slices.ContainsFunc(f.goals.Tables, func(g TableGoal) bool { return g.Table.Name == r.Child }) || f.input.Direction == Down {
			continue
		}
		child := sqltext.Table{Schema: f.input.Schema.Name, Name: r.Child}
		l := Link{Edge: step.Edge{Child: child, Column: r.Column, Parent: f.parentNamed(r.Parent)}, State: Refused}
		why := "there is no table " + child.String()
		if table := f.tables[child]; table != nil && holdsRows(table) {
			why = child.String() + " is not selected"
		} else if table != nil {
			why = child.String() + " is a " + table.Kind.String()
		}
		l.problems = append(l.problems, message.BadReference(l.String(), l.Edge.Parent.String(), why, "Name a selected table"))
		refused = append(refused, l)
	}
	return refused
}

// unusedParents refuses the schemas of --parents to which no foreign key and no named reference refers.
func (f linkFinder) unusedParents() (found problem.List) {
	if f.input.Direction == Down {
		return nil
	}
	for _, schema := range f.input.Selection.Parents {
		used := slices.ContainsFunc(f.input.Selection.References, func(r Reference) bool { return f.parentNamed(r.Parent).Schema == schema })
		for _, child := range f.children() {
			used = used || slices.ContainsFunc(child.ForeignKeys, func(k catalog.ForeignKey) bool { return k.Parent.Schema == schema })
		}
		if !used {
			found = append(found, message.UnusedParents(f.input.Schema.Name, schema))
		}
	}
	return found
}

// endedReference reports whether contract has dropped an integer column of a child, also if the uuid column has its name since.
func endedReference(child *catalog.Table, column string) bool {
	return slices.ContainsFunc(child.Columns, func(c catalog.Column) bool {
		mark, ok := step.ReadEdgeMark(&c)
		return ok && mark.Contracted && mark.Column == column && mark.Child.Same(child.Named()) && (c.Name == column || child.Column(column) == nil)
	})
}
