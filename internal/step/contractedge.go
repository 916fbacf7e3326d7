package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// DropReference drops the integer column of an edge, with its triggers and its foreign key, in one transaction: at no time a row is
// written with both columns and without the triggers. It has no undo.
type DropReference struct {
	Edge Edge
	// Unique are the indexes that take the place of those on integers, and Final the edge of a composite foreign key without
	// integers; nil for others.
	Unique []UniqueTwin
	Final  *Edge
	// Others are foreign keys on uuids. They replace composite foreign keys that hold the column and have no edge of their own.
	Others []LinkWithoutIntegers
	// Known is what the plan has shown of the column. The drop stops at anything else.
	Known Known
}

// ColumnSteps returns the steps that give the uuid column what the integer column has: indexes and NOT NULL. Like KeySteps they
// precede every drop of the run, and have a way back.
func (s DropReference) ColumnSteps() []Step {
	var steps []Step
	if len(s.Unique) > 0 {
		steps = append(steps, KeepUnique{Table: s.Edge.Child, Of: s.Edge.String(), Column: s.Edge.Column, Twins: s.Unique})
	}
	if s.Edge.NotNull {
		steps = append(steps, RequireUUID{Edge: s.Edge})
	}
	return steps
}

// KeySteps returns the steps that make the foreign key without integers, which needs the unique indexes of all tables.
func (s DropReference) KeySteps() []Step {
	var steps []Step
	if s.Final != nil {
		steps = append(steps, LinkWithoutIntegers{Edge: s.Edge, Final: *s.Final})
	}
	for _, other := range s.Others {
		steps = append(steps, other)
	}
	return steps
}

// ID implements Step.
func (s DropReference) ID() ID { return s.Edge.id("drop-integer") }

// Explain implements Step.
func (s DropReference) Explain() Explanation {
	return Explanation{
		What:     "drop column " + s.Edge.Column + " with its triggers, its foreign key and its indexes",
		Undo:     "nothing: the integers are gone; a restore from a backup has them",
		Why:      "one transaction: while the column exists, the triggers keep it equal to " + s.Edge.UUID,
		Lock:     lockWords(s.Edge.dropLocks(nil), briefly),
		Scans:    "nothing",
		UndoneBy: Never,
	}
}

// Check implements Step.
func (s DropReference) Check(v View) Outcome {
	child := v.Relation(s.Edge.Child)
	if child == nil {
		return pending("no table " + s.Edge.Child.String())
	}
	if why := s.Known.surprise(child); child.Column(s.Edge.Column) != nil && why != "" {
		return pending(why)
	}
	_, mark := s.Edge.ReadMark(child)
	return outcomeIf(child.Column(s.Edge.Column) == nil && mark.Contracted, "column "+s.Edge.Column+" exists")
}

// Apply implements Step.
func (s DropReference) Apply(v View) []Action {
	e, child := s.Edge, v.Relation(s.Edge.Child)
	if child == nil || child.Column(e.Column) == nil || !e.made(child) || s.Known.surprise(child) != "" {
		return nil
	}
	for _, one := range append(s.ColumnSteps(), s.KeySteps()...) {
		if !one.Check(v).Done {
			return nil
		}
	}
	keys := e.integerKeys(child)
	var statements []string
	for _, kind := range triggerKinds() {
		if child.Trigger(e.Trigger(kind)) != nil {
			statements = append(statements, e.dropTrigger(kind))
		}
	}
	statements = append(statements, withoutIdentity(child, e.Column)...)
	for _, k := range keys {
		statements = append(statements, dropKeySQL(k))
	}
	if s.Final != nil {
		statements = append(statements, LinkWithoutIntegers{Edge: e, Final: *s.Final}.takePlace(child)...)
	}
	for _, other := range s.Others {
		statements = append(statements, other.takePlace(child)...)
	}
	for _, t := range s.Unique {
		statements = append(statements, t.takePlace(child)...)
	}
	guard, dropped := s.mayDropNow(child), indexesOn(child, e.Column)
	for _, d := range s.duplicates(child) {
		statements = append(statements, d.drop(child))
		guard, dropped = guard+" AND "+d.stillDuplicate(child), append(dropped, d.plain.Name)
	}
	statements = append(statements, keepKeyMark(child, e.Column)...)
	_, mark := e.ReadMark(child)
	mark.Contracted, mark.Moved = true, nil
	statements = append(statements, sqltext.Format("ALTER TABLE {} DROP COLUMN {}", e.Child.All(), sqltext.Name(e.Column)), e.dropFunction())
	statements = append(statements, e.comment(mark.Comment(child.Column(e.UUID).Comment))...)
	return []Action{Change{Locks: e.dropLocks(keys), Guard: guard, Statements: statements, Dropped: dropped}}
}

// duplicates returns the plain twins that are dropped too, without those whose name a unique index gets.
func (s DropReference) duplicates(child *catalog.Table) []duplicateTwin {
	return slices.DeleteFunc(duplicateTwins(child, s.Edge.Column), func(d duplicateTwin) bool {
		return slices.ContainsFunc(s.Unique, func(t UniqueTwin) bool { return t.As == d.plain.Name })
	})
}

// Undo implements Step.
func (DropReference) Undo(View) []Action { return nil }

// Rows implements Step.
func (DropReference) Rows() RowReader { return nil }

// dropLocks returns the locks of the transaction: dropping a foreign key locks both of its tables.
func (e Edge) dropLocks(keys []catalog.ForeignKey) []lock.Lock {
	locks := []lock.Lock{lock.On(e.Child.All(), lock.AccessExclusive)}
	if e.Constrained() {
		locks = append(locks, lock.On(e.Parent, lock.AccessExclusive))
	}
	for _, k := range keys {
		locks = append(locks, lock.On(k.Parent, lock.AccessExclusive))
	}
	return lock.InOrder(locks)
}

// integerKeys returns the foreign keys of a child that hold the integer column. None of them is an edge's own.
func (e Edge) integerKeys(child *catalog.Table) []catalog.ForeignKey {
	var keys []catalog.ForeignKey
	for _, k := range child.ForeignKeys {
		if k.Above == 0 && slices.Contains(k.ChildColumns, e.Column) {
			keys = append(keys, k)
		}
	}
	return keys
}

// mayDropNow returns the guard of the drop: the triggers have kept the columns equal until now, and the uuid foreign key and the
// indexes are valid, and nothing was created on the column since.
func (s DropReference) mayDropNow(child *catalog.Table) string {
	e := s.Edge
	guards := []string{e.wiredNow(e.Child), e.lastNow(), s.Known.onlyNow(child)}
	if e.Constrained() {
		guards = append(guards, e.validNow(e.Constraint))
	}
	if s.Final != nil {
		guards = append(guards, e.validNow(s.Final.Constraint))
	}
	for _, other := range s.Others {
		guards = append(guards, e.validNow(other.Final.Constraint))
	}
	for _, t := range s.Unique {
		guards = append(guards, t.validNow())
	}
	if e.NotNull {
		guards = append(guards, sqltext.Format("EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass AND a.attname = {} AND a.attnotnull)",
			sqltext.Value(sqltext.Qualified(e.Child.Schema, e.Child.Name)), sqltext.Value(e.UUID)))
	}
	return strings.Join(guards, " AND ")
}

// lastNow is true if no BEFORE trigger of the application fires after the triggers of the edge.
func (e Edge) lastNow() string {
	return sqltext.Format("NOT EXISTS (SELECT FROM pg_catalog.pg_trigger l WHERE l.tgrelid = {}::pg_catalog.regclass AND NOT l.tgisinternal AND l.tgtype & 3 = 3 AND l.tgtype & 20 <> 0"+
		" AND l.tgenabled <> 'D' AND l.tgname > {} AND l.tgname NOT LIKE '~rekey%')", sqltext.Value(sqltext.Qualified(e.Child.Schema, e.Child.Name)), sqltext.Value(e.Trigger("i")))
}

// validNow is true if the child has a valid foreign key of a name.
func (e Edge) validNow(name string) string {
	return sqltext.Format("EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = {}::pg_catalog.regclass AND k.conname = {} AND k.contype = 'f' AND k.convalidated)",
		sqltext.Value(sqltext.Qualified(e.Child.Schema, e.Child.Name)), sqltext.Value(name))
}

// keepKeyMark returns the statement that moves the mark of a primary key to the index of the primary key, if the index that has it is
// dropped with a column.
func keepKeyMark(t *catalog.Table, column string) []string {
	pk := primary(t)
	for i := range t.Indexes {
		index := &t.Indexes[i]
		if mark, ok := ReadKeyMark(index); ok && pk != nil && !index.Primary && index.Holds(column) && mark.Newer == 0 && !mark.Unreadable {
			return []string{sqltext.Format("COMMENT ON INDEX {} IS {}", sqltext.Table{Schema: t.Schema, Name: pk.Name}, sqltext.Value(appendMark(PlainKeyComment(pk.Comment), mark.Comment())))}
		}
	}
	return nil
}

// withoutIdentity returns the statements that make the primary key the replica identity of each table whose identity is an index with
// a column. Without a replica identity UPDATE and DELETE of a published table fail.
func withoutIdentity(t *catalog.Table, column string) []string {
	var statements []string
	for _, one := range t.All() {
		if slices.ContainsFunc(one.Indexes, func(i catalog.Index) bool { return i.ReplicaIdentity && i.Holds(column) }) {
			statements = append(statements, sqltext.Format("ALTER TABLE {} REPLICA IDENTITY DEFAULT", one.Named()))
		}
	}
	return statements
}

// indexesOn returns the names of the indexes that are dropped with a column.
func indexesOn(t *catalog.Table, column string) []string {
	var names []string
	for _, i := range t.Indexes {
		if i.Holds(column) {
			names = append(names, i.Name)
		}
	}
	return names
}

// AfterApply implements Step. Scripts do not contract.
func (DropReference) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (DropReference) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (DropReference) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (DropReference) UndoScript(View) []Statement { return nil }
