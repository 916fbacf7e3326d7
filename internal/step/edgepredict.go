package step

import (
	"maps"
	"math"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// The views after the steps of an edge, computed without a server. A predicted view replaces the child and the parent in the
// schema: the steps of later edges see them.

// edgeCopy returns a copy of a view whose child and parent may be changed. Either is nil if it does not exist; both are the
// same table in a self reference.
func (e Edge) edgeCopy(v View) (copied View, child, parent *catalog.Table) {
	v.Schema.Relations, v.Schema.OtherSchemas = slices.Clone(v.Schema.Relations), slices.Clone(v.Schema.OtherSchemas)
	child, parent = v.Relation(e.Child), v.Relation(e.Parent)
	for _, table := range []*catalog.Table{child, parent} {
		if table != nil {
			*table = copyEdgeTable(*table)
		}
	}
	v.Table, v.Filled = child, maps.Clone(v.Filled)
	return v, child, parent
}

func copyEdgeTable(table catalog.Table) catalog.Table {
	table = copyTable(table)
	table.Triggers = slices.Clone(table.Triggers)
	table.ForeignKeys, table.ReferencedBy = slices.Clone(table.ForeignKeys), slices.Clone(table.ReferencedBy)
	table.Below = slices.Clone(table.Below)
	for i := range table.Below {
		table.Below[i] = copyEdgeTable(table.Below[i])
	}
	return table
}

// inheriting calls change with the child, the tables below it, and the relations of the schema that are the same tables: a
// table that inherits has an edge of its own.
func inheriting(v View, child *catalog.Table, change func(*catalog.Table)) {
	for _, table := range child.All() {
		change(table)
		if table == child {
			continue
		}
		if own := v.Schema.Find(table.Schema, table.Name); own != nil && own != child {
			*own = copyEdgeTable(*own)
			change(own)
		}
	}
}

// setComment sets the comment of the child's uuid column.
func (e Edge) setComment(child *catalog.Table, comment string) {
	if c := child.Column(e.UUID); c != nil {
		c.Comment = optional(comment)
	}
}

// setTriggers gives a child the triggers of the edge, as up makes them.
func (e Edge) setTriggers(child *catalog.Table) {
	for _, table := range e.tables(child) {
		e.withoutTriggers(table)
		for i, name := range e.TriggerNames() {
			kind := triggerKinds()[i]
			deferred := kind == "l" && e.deferred()
			table.Triggers = append(table.Triggers, catalog.Trigger{
				Row: true, Before: kind != "l", OnInsert: kind != "u", OnUpdate: kind != "i", When: e.whenSQL(kind), Constraint: deferred, Deferrable: deferred, Deferred: deferred,
				Name: name, Enabled: e.enabled(), Function: e.Function.String(), FunctionSchema: e.Function.Schema, FunctionName: e.Function.Name,
				FunctionOwner: e.Owner, Definer: true, Config: []string{functionPath}, Source: e.FunctionSource(), Volatile: true,
			})
		}
	}
}

func (e Edge) withoutTriggers(table *catalog.Table) {
	table.Triggers = slices.DeleteFunc(table.Triggers, func(t catalog.Trigger) bool {
		return slices.ContainsFunc(triggerKinds(), func(kind string) bool { return e.Trigger(kind) == t.Name })
	})
}

// setFilled says whether every row of the child and of the tables below it has a value.
func setFilled(v *View, child *catalog.Table, filled bool) {
	v.Unfilled, v.Filled = !filled, map[uint32]bool{}
	for _, table := range child.All() {
		v.Filled[table.OID] = filled
	}
}

// newOID returns an oid for a predicted index, which no other index of the tables has.
func newOID(tables ...*catalog.Table) uint32 {
	const reserved = 1 << 20 // of this many oids, the highest ones: real objects have lower ones
	oid := uint32(math.MaxUint32 - reserved)
	for _, table := range tables {
		for _, one := range table.All() {
			for _, i := range one.Indexes {
				if i.OID <= oid && i.OID > oid-reserved {
					oid = i.OID - 1
				}
			}
		}
	}
	return oid
}

// AfterApply implements Step.
func (s WireEdge) AfterApply(v View) View {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return v
	}
	before := v
	v, child, _ := e.edgeCopy(v)
	if !e.made(child) {
		inheriting(v, child, func(table *catalog.Table) {
			if table.Column(e.UUID) == nil {
				table.Columns = append(table.Columns, catalog.Column{Name: e.UUID, Type: "uuid"})
			}
		})
		old := before.Relation(e.Child)
		var comment *string
		if c := old.Column(e.UUID); c != nil {
			comment = c.Comment
		}
		e.setComment(child, e.Mark(old, before.Relation(e.Parent)).Comment(comment))
		setFilled(&v, child, false)
	}
	if _, mark := e.ReadMark(child); mark.Finished {
		mark.Finished = false
		e.setComment(child, mark.Comment(child.Column(e.UUID).Comment))
	}
	e.setTriggers(child)
	c := child.Column(e.UUID)
	if e.allowNull(child) != nil {
		c.NotNull = false
	}
	if e.repairDefault(c) != nil {
		c.Default = e.defaultText()
	}
	return v
}

// AfterUndo implements Step.
func (s WireEdge) AfterUndo(v View) View {
	e := s.Edge
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, child, _ := e.edgeCopy(v)
	for _, table := range e.tables(child) {
		e.withoutTriggers(table)
	}
	if e.Inherited {
		e.setComment(child, PlainEdgeComment(child.Column(e.UUID).Comment))
		return v
	}
	inheriting(v, child, func(table *catalog.Table) {
		table.Columns = slices.DeleteFunc(table.Columns, func(c catalog.Column) bool { return c.Name == e.UUID })
	})
	return v
}

// AfterApply implements Step.
func (s FillEdge) AfterApply(v View) View {
	if len(s.Apply(v)) == 0 {
		return v
	}
	v, child, _ := s.Edge.edgeCopy(v)
	s.Edge.withoutProof(child)
	setFilled(&v, child, true)
	return v
}

// AfterUndo implements Step.
func (s FillEdge) AfterUndo(v View) View { return v }

// withoutProof removes the CHECK from the child and the tables below it.
func (e Edge) withoutProof(child *catalog.Table) {
	for _, table := range child.All() {
		e.Target().withoutCheck(table)
	}
}

// AfterApply implements Step.
func (s BuildParentIndex) AfterApply(v View) View {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return v
	}
	makes := e.makesParentIndex(v)
	v, _, parent := e.edgeCopy(v)
	made := catalog.Index{
		OID: newOID(parent), Name: e.ParentIndex, Columns: e.ParentColumns(), Method: "btree", Unique: true, Immediate: true, Valid: true, Ready: true,
	}
	if i := parent.Index(e.ParentIndex); i != nil {
		made.OID, made.Comment = i.OID, i.Comment
	}
	if makes {
		made.Comment = optional(parentIndexMark)
	}
	withoutIndex(parent, e.ParentIndex)
	parent.Indexes = append(parent.Indexes, made)
	return v
}

// AfterUndo implements Step.
func (s BuildParentIndex) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, _, parent := s.Edge.edgeCopy(v)
	withoutIndex(parent, s.Edge.ParentIndex)
	return v
}

// AfterApply implements Step. The twins of partitioned tables come before those that are attached to them.
func (s MirrorIndexes) AfterApply(v View) View {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return v
	}
	mark := e.twinsMark(v)
	v, child, _ := e.edgeCopy(v)
	for _, t := range e.Twins {
		table := e.tableOf(v, t)
		if table == nil {
			continue
		}
		made := catalog.Index{OID: newOID(child), Name: t.Name, Unique: t.Unique, Immediate: true, Valid: true, Ready: true, Definition: t.definition()}
		if i := table.Index(t.Name); i != nil {
			made.OID, made.Parent, made.Comment = i.OID, i.Parent, i.Comment
		}
		for _, one := range child.All() {
			if above := one.Index(t.Above.Name); above != nil && one.Schema == t.Above.Schema {
				made.Parent = above.OID
			}
		}
		withoutIndex(table, t.Name)
		table.Indexes = append(table.Indexes, made)
	}
	e.setComment(child, mark.Comment(child.Column(e.UUID).Comment))
	return v
}

// definition returns the twin as pg_get_indexdef would, as far as hasShape compares it.
func (t IndexTwin) definition() string {
	t.Tablespace = ""
	return t.statement("", t.Table.All())
}

// AfterUndo implements Step.
func (s MirrorIndexes) AfterUndo(v View) View {
	e := s.Edge
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, child, _ := e.edgeCopy(v)
	_, mark := e.ReadMark(child)
	for _, t := range e.Twins {
		if table := e.tableOf(v, t); table != nil && slices.Contains(mark.Indexes, t.Name) {
			withoutIndex(table, t.Name)
		}
	}
	return v
}

// AfterApply implements Step. The partitions have the foreign key of the partitioned table.
func (s LinkEdge) AfterApply(v View) View {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return v
	}
	v, child, parent := e.edgeCopy(v)
	e.withoutForeignKey(child, parent)
	k := e.Reference
	k.OID, k.Name, k.Child, k.Parent, k.Validated, k.Above, k.Comment = newOID(child, parent), e.Constraint, e.Child.All(), e.Parent.All(), true, 0, nil
	k.ChildColumns, k.ParentColumns, k.SetColumns = e.ChildColumns(), e.ParentColumns(), replaced(k.SetColumns, e.Column, e.UUID)
	k.Index = 0
	if i := parent.Index(e.ParentIndex); i != nil {
		k.Index = i.OID
	}
	child.ForeignKeys = append(child.ForeignKeys, k)
	parent.ReferencedBy = append(parent.ReferencedBy, k)
	if e.Tree {
		for i := range child.Below {
			below := k
			below.Child, below.Above = child.Below[i].Named(), k.OID
			child.Below[i].ForeignKeys = append(child.Below[i].ForeignKeys, below)
		}
	}
	return v
}

// AfterUndo implements Step.
func (s LinkEdge) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, child, parent := s.Edge.edgeCopy(v)
	s.Edge.withoutForeignKey(child, parent)
	return v
}

// withoutForeignKey removes the edge's foreign key from the child, the partitions, and the parent, which may be nil.
func (e Edge) withoutForeignKey(child, parent *catalog.Table) {
	is := func(k catalog.ForeignKey) bool {
		return k.Name == e.Constraint && slices.Contains(k.ChildColumns, e.UUID)
	}
	tables := []*catalog.Table{child}
	if e.Tree {
		tables = child.All()
	}
	for _, table := range tables {
		table.ForeignKeys = slices.DeleteFunc(table.ForeignKeys, is)
	}
	if parent != nil {
		parent.ReferencedBy = slices.DeleteFunc(parent.ReferencedBy, func(k catalog.ForeignKey) bool { return is(k) && k.Child.Same(e.Child) })
	}
}

// AfterApply implements Step.
func (s RequireUUID) AfterApply(v View) View {
	if len(s.Apply(v)) == 0 {
		return v
	}
	v, child, _ := s.Edge.edgeCopy(v)
	s.Edge.withoutProof(child)
	for _, table := range child.All() {
		if c := table.Column(s.Edge.UUID); c != nil {
			c.NotNull = true
		}
	}
	return v
}

// AfterUndo implements Step.
func (s RequireUUID) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	v, child, _ := s.Edge.edgeCopy(v)
	s.Edge.withoutProof(child)
	return v
}

// AfterApply implements Step.
func (s FinishEdge) AfterApply(v View) View { return s.after(v, s.Apply(v), true) }

// AfterUndo implements Step.
func (s FinishEdge) AfterUndo(v View) View { return s.after(v, s.Undo(v), false) }

func (s FinishEdge) after(v View, actions []Action, finished bool) View {
	if len(actions) == 0 {
		return v
	}
	v, child, _ := s.Edge.edgeCopy(v)
	_, mark := s.Edge.ReadMark(child)
	mark.Finished = finished
	s.Edge.setComment(child, mark.Comment(child.Column(s.Edge.UUID).Comment))
	return v
}
