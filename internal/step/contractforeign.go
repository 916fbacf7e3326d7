package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const endingKey = temporaryIndex + "end_"

// isEndingKey reports whether a foreign key is one that contract makes before the integers end.
func isEndingKey(name string) bool { return strings.HasPrefix(name, endingKey) }

// withoutEndingKeys leaves out the foreign keys that contract has prepared. The way back drops them first.
func withoutEndingKeys(keys []catalog.ForeignKey) []catalog.ForeignKey {
	return slices.DeleteFunc(keys, func(k catalog.ForeignKey) bool { return isEndingKey(k.Name) })
}

// WithoutIntegers returns the edge of a composite foreign key with the uuid columns of its other columns too. columns and parents have
// the uuid column of each integer column of the child and of the parent that ends. Its foreign key has a temporary name.
func (e Edge) WithoutIntegers(columns, parents map[string]string) Edge {
	all := e.Reference
	all.ChildColumns, all.ParentColumns, all.SetColumns = slices.Clone(all.ChildColumns), slices.Clone(all.ParentColumns), slices.Clone(all.SetColumns)
	change := func(names []string, keep string, to map[string]string) {
		for i, name := range names {
			if uuid := to[name]; uuid != "" && name != keep {
				names[i] = uuid
			}
		}
	}
	change(all.ChildColumns, e.Column, columns)
	change(all.SetColumns, e.Column, columns)
	change(all.ParentColumns, e.Key, parents)
	e.Reference, e.Constraint = all, IndexName(endingKey+e.Constraint, "", "")
	return e
}

// LinkWithoutIntegers adds the foreign key of a composite edge on uuids alone, and validates it. The drop of the integer column gives it
// the name of the one that holds integers too.
type LinkWithoutIntegers struct {
	// Edge is the edge as it is linked, and Final the same without integers.
	Edge, Final Edge
}

// ID implements Step.
func (s LinkWithoutIntegers) ID() ID {
	if s.Edge.Wired != nil {
		return s.Edge.id("link-uuids-" + s.Edge.Constraint)
	}
	return s.Edge.id("link-uuids")
}

// Explain implements Step.
func (s LinkWithoutIntegers) Explain() Explanation {
	e := LinkEdge{Edge: s.Final}.Explain()
	e.What = "add the foreign key from (" + idents(s.Final.ChildColumns()) + ") to " + s.Edge.Parent.String() + " (" + idents(s.Final.ParentColumns()) + "), without integers"
	e.Undo, e.UndoneBy = "drop the foreign key, with the primary key's way back", Absorbed
	return e
}

// Check implements Step.
func (s LinkWithoutIntegers) Check(v View) Outcome {
	child := v.Relation(s.Edge.Child)
	if k := s.renamed().foreignKey(child); k != nil && k.Validated {
		return done()
	}
	return LinkEdge{Edge: s.Final}.Check(v)
}

// renamed returns the edge with the last name of its foreign key.
func (s LinkWithoutIntegers) renamed() Edge {
	e := s.Final
	e.Constraint = s.Edge.Constraint
	return e
}

// Apply implements Step.
func (s LinkWithoutIntegers) Apply(v View) []Action {
	if s.Check(v).Done {
		return nil
	}
	return LinkEdge{Edge: s.Final}.Apply(v)
}

// Undo implements Step. The way back of the primary key drops the foreign key.
func (LinkWithoutIntegers) Undo(View) []Action { return nil }

// Rows implements Step.
func (LinkWithoutIntegers) Rows() RowReader { return nil }

// takePlace returns the statements that drop the foreign key with integers and give the one without them its name.
func (s LinkWithoutIntegers) takePlace(child *catalog.Table) []string {
	var statements []string
	for _, table := range child.All() {
		if s.Edge.ownKey(table) != nil && table == child {
			statements = append(statements, sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", child.Named(), sqltext.Name(s.Edge.Constraint)))
		}
		if k := s.Final.ownKey(table); k != nil {
			statements = append(statements, sqltext.Format("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", table.Named(), sqltext.Name(k.Name), sqltext.Name(s.Edge.Constraint)))
		}
	}
	return statements
}

// AfterApply implements Step. Scripts do not contract.
func (LinkWithoutIntegers) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (LinkWithoutIntegers) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (LinkWithoutIntegers) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (LinkWithoutIntegers) UndoScript(View) []Statement { return nil }

// dropPrepared returns the actions that drop what an interrupted contract has made for a table and for those that refer to it: its foreign
// keys and indexes on uuids, which take the place of those on integers, and NOT NULL of the uuids of rows that are written before their
// parents. It belongs to the way back of the primary key: a table that refers to it may have none that switched.
func dropPrepared(v View, t *catalog.Table) (actions []Action) {
	tables := []*catalog.Table{t}
	for _, k := range t.ReferencedBy {
		if k.Above == 0 && isEndingKey(k.Name) {
			actions = append(actions, Change{Locks: lock.InOrder([]lock.Lock{lock.On(k.Child, lock.AccessExclusive), lock.On(k.Parent, lock.AccessExclusive)}), Statements: []string{
				sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", k.Child.All(), sqltext.Name(k.Name)),
			}})
		}
		if child := v.Relation(k.Child); child != nil && k.Above == 0 && !slices.Contains(tables, child) && !child.Named().Same(t.Named()) {
			tables = append(tables, child)
		}
	}
	for _, one := range tables {
		actions = append(actions, relax(one)...)
		actions = append(actions, dropEndingIndexes(one)...)
	}
	return actions
}

func dropEndingIndexes(t *catalog.Table) (actions []Action) {
	for i := range t.Indexes {
		switch index := &t.Indexes[i]; {
		case !isEndingIndex(index.Name):
		case t.Kind == catalog.Partitioned:
			actions = append(actions, Change{Locks: []lock.Lock{lock.On(t.Named(), lock.AccessExclusive)}, Statements: []string{dropIndexSQL(t, index)}, Dropped: []string{index.Name}})
		default:
			actions = append(actions, dropOn(t, index.Name))
		}
	}
	return actions
}

// relax returns the actions that let the uuid columns of a child be NULL again if its rows may be written before their parents: an AFTER
// trigger then fills what NOT NULL would refuse. Only contract makes such a column NOT NULL.
func relax(child *catalog.Table) (actions []Action) {
	for i := range child.Columns {
		c := &child.Columns[i]
		mark, ok := ReadEdgeMark(c)
		late := ok && mark.Child.Same(child.Named()) && !mark.Contracted && child.Column(mark.Column) != nil && slices.ContainsFunc(child.Triggers, func(t catalog.Trigger) bool {
			return IsTriggerOf(t.Name, mark.Column) && strings.HasSuffix(t.Name, "_l")
		})
		if !late {
			continue
		}
		var statements []string
		for _, one := range child.All() {
			if column := one.Column(c.Name); column != nil && column.NotNull {
				statements = append(statements, sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", one.Named(), sqltext.Name(c.Name)))
			}
		}
		for _, k := range child.Constraints {
			if k.Kind == "c" && slices.Equal(k.Columns, []string{c.Name}) && strings.HasPrefix(k.Name, "rekey_") && strings.HasSuffix(k.Name, "_not_null") {
				statements = append(statements, sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", child.Named(), sqltext.Name(k.Name)))
			}
		}
		if statements != nil {
			actions = append(actions, Change{Locks: []lock.Lock{lock.On(child.Named(), lock.AccessExclusive)}, Statements: statements})
		}
	}
	return actions
}
