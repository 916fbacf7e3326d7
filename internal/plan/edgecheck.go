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

// edgeCheck refuses edges. It knows all relations, and the names that the edges before get.
type edgeCheck struct {
	input  Input
	uuids  map[sqltext.Table]step.Target // see linkFinder
	tables map[sqltext.Table]*catalog.Table
	taken  map[sqltext.Table]string // the edge that gets an index or a function of that name
}

func newEdgeCheck(s Input, f linkFinder) edgeCheck {
	return edgeCheck{input: s, uuids: f.uuids, tables: f.tables, taken: map[sqltext.Table]string{}}
}

// edgeCase is an edge with its tables.
type edgeCase struct {
	step.Edge
	child, parent *catalog.Table
	column        *catalog.Column
	target        step.Target
}

// refuse returns why an edge is refused.
func (c edgeCheck) refuse(l *Link) problem.List {
	found := slices.Clone(l.problems)
	e := edgeCase{Edge: l.Edge, child: c.tables[l.Edge.Child.All()], parent: c.tables[l.Edge.Parent.All()], target: l.Edge.Target()}
	if e.UUID == "" || len(found) > 0 || l.State == Complete {
		return c.ofEdge(l, found)
	}
	e.column = e.child.Column(e.Column)
	if lost := lostMark(l.Edge, e.child, e.parent); lost != nil {
		return c.ofEdge(l, append(found, lost))
	}
	if c.input.Direction == Down {
		found = append(found, c.refuseDown(e)...)
		return c.ofEdge(l, found)
	}
	found = append(found, c.refuseKey(e)...)
	found = append(found, c.refuseColumn(e)...)
	found = append(found, c.refuseTables(e)...)
	found = append(found, c.refuseTriggers(e)...)
	found = append(found, c.refuseNames(e)...)
	found = append(found, c.refuseOwners(e)...)
	fills := !slices.Contains([]EdgeState{EdgeFilled, EdgeMirrored, EdgeLinked}, l.Progress)
	if len(found) == 0 && fills {
		found = append(found, c.refuseRows(e)...)
	}
	found = append(found, c.refuseCode(e, fills)...)
	return c.ofEdge(l, found)
}

// ofEdge returns problems with the name of the edge.
func (c edgeCheck) ofEdge(l *Link, found problem.List) problem.List {
	for _, one := range found {
		one.Table = l.String()
		if !c.input.Policy.SkipRefused {
			one.Hint = joined(ended(one.Hint), "Or skip the refused references: --skip-refused.")
		}
	}
	return found
}

// ended returns a hint with a period, unless it ends with a statement.
func ended(hint string) string {
	if hint == "" || strings.HasSuffix(hint, ";") || strings.HasSuffix(hint, ".") {
		return hint
	}
	return hint + "."
}

// refuseDown returns the refusals of the way down: a right that is missing, and objects that depend on the uuid column.
func (c edgeCheck) refuseDown(e edgeCase) problem.List {
	found := append(c.refuseOwners(e), c.refuseCode(e, false)...)
	_, mark := e.ReadMark(e.child)
	made := append([]string{e.Constraint, e.Check, mark.Constraint}, mark.Indexes...)
	for _, twin := range e.Twins {
		made = append(made, twin.Name)
	}
	made = append(made, e.TriggerNames()...)
	for _, table := range e.child.All() {
		own := made
		for i := range table.Columns { // a table below by inheritance has an edge of its own, and a twin may hold the uuids of several edges
			if mark, ok := step.ReadEdgeMark(&table.Columns[i]); ok {
				own = slices.Concat(own, mark.Indexes, []string{mark.Constraint})
			}
		}
		for _, a := range table.Attachments {
			if a.Column == e.UUID && !slices.Contains(own, a.Name) && a.Kind != "trigger" && !step.IsTemporaryIndex(a.Name) {
				found = append(found, message.DependentObject(e.String(), e.UUID, a.Kind, a.Name))
			}
		}
	}
	return found
}

// refuseKey refuses foreign keys of kinds that have no uuid counterpart.
func (c edgeCheck) refuseKey(e edgeCase) problem.List {
	unfit := func(why, hint string) problem.List {
		return problem.List{message.EdgeUnsupported(e.String(), e.Reference.Name, why, hint)}
	}
	k := e.Reference
	switch {
	case k.Period:
		return unfit("it is a foreign key with PERIOD", "Leave the column an integer")
	case k.NotEnforced:
		return unfit("it is NOT ENFORCED, so that its rows may have no parent", "Enforce it: ALTER TABLE "+sqltext.Qualified(e.child.Schema, e.child.Name)+" ALTER CONSTRAINT "+sqltext.Ident(k.Name)+" ENFORCED;")
	case k.OwnOperators:
		return unfit("it compares a column by an operator of an extension, which the triggers must not call with the rights of the parent's owner", "Use a type of PostgreSQL's own")
	case k.OtherCollations:
		return unfit("a column and the one to which it refers have different collations", "Give both the same collation")
	case k.Name != "" && e.child.Partition:
		return unfit("it belongs to a single partition, and only the partitioned table can get the column", "Add the foreign key to the partitioned table")
	case e.parent.Kind == catalog.Partitioned && !c.holdsPartitionKey(e):
		return unfit(e.Parent.String()+" is partitioned, and a foreign key onto it must hold its partition key", "Add the partition key to the foreign key")
	}
	return nil
}

// holdsPartitionKey reports whether the other columns of a composite foreign key are those that a unique index of the
// partitioned parent has in addition to the uuid.
func (c edgeCheck) holdsPartitionKey(e edgeCase) bool {
	if t, isGoal := c.uuids[e.Parent.All()]; isGoal {
		return t.HasRootIndex() && sameNames(t.IndexColumns(), e.ParentColumns())
	}
	return slices.ContainsFunc(e.parent.Indexes, func(i catalog.Index) bool {
		return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && sameNames(i.Columns, e.ParentColumns())
	})
}

// sameNames reports whether two lists have the same names, in any order.
func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// refuseColumn refuses integer columns whose values the triggers cannot set, and uuid columns of other makers.
func (c edgeCheck) refuseColumn(e edgeCase) problem.List {
	var found problem.List
	unfit := func(why, hint string) {
		found = append(found, message.EdgeUnsupported(e.String(), e.Reference.Name, why, hint))
	}
	if e.column.Generated {
		unfit("column "+e.Column+" is generated, so that no trigger can set it", "Make it an ordinary column")
	}
	if e.column.Base != "" {
		unfit("the type of column "+e.Column+" is the domain "+e.column.Type+", whose checks would run with the rights of the parent's owner", "Use the domain's base type")
	}
	if slices.ContainsFunc(e.child.All(), func(t *catalog.Table) bool { return slices.Contains(t.PartitionKey, e.Column) }) {
		unfit("column "+e.Column+" is part of the partition key, so that a row with the uuid alone cannot be routed", "Partition by another column")
	}
	found = append(found, c.refuseDefault(e)...)
	for _, k := range e.child.Constraints {
		if i := e.child.Index(k.Name); k.Kind == "x" && (slices.Contains(k.Columns, e.Column) || i != nil && i.Holds(e.Column)) {
			unfit("exclusion constraint "+k.Name+" uses column "+e.Column, "Drop the constraint")
		}
	}
	existing := e.child.Column(e.UUID)
	switch origin, mark := e.ReadMark(e.child); {
	case origin == step.Made && c.otherParent(e, mark):
		found = append(found, message.EdgeParentChanged(e.String(), e.UUID, mark.Parent.String()+"."+mark.Key, e.Parent.String()+"."+e.Key))
	case existing != nil && origin != step.Made && !e.Inherited:
		found = append(found, message.EdgeColumnTaken(e.String(), e.UUID, existing.Type))
	}
	return found
}

// otherParent reports whether up made the uuid column for another key than the one that the column refers to now. If the table or
// the column of the mark is gone, it was renamed.
func (c edgeCheck) otherParent(e edgeCase, mark step.EdgeMark) bool {
	if mark.Parent.Same(e.Parent) {
		return mark.Key != e.Key && e.parent.Column(mark.Key) != nil
	}
	return c.tables[mark.Parent.All()] != nil
}

// refuseDefault refuses a default that a trigger cannot distinguish from a value that the application gives.
func (c edgeCheck) refuseDefault(e edgeCase) problem.List {
	switch {
	case e.column.Identity != "" || e.Default != nil && e.Default.Key == "":
		return problem.List{message.EdgeUnsupported(e.String(), e.Reference.Name,
			"column "+e.Column+" has a default that is not a constant, and a trigger cannot distinguish its value from one that the application writes", "Drop the default")}
	case e.Reference.OnDelete == catalog.SetDefault && e.Default != nil && e.Default.UUID == "",
		e.Reference.OnUpdate == catalog.SetDefault && e.Default != nil && e.Default.UUID == "":
		return problem.List{message.EdgeUnsupported(e.String(), e.Reference.Name,
			"it sets the default "+e.Default.Key+", and no row of "+e.Parent.String()+" has this key and a uuid",
			"Insert this row, and expand first: rekey up --to expanded")}
	}
	return nil
}

// refuseTables refuses edges between tables that cannot get the column, the triggers or their look-up.
func (c edgeCheck) refuseTables(e edgeCase) problem.List {
	var found problem.List
	unfit := func(why, hint string) {
		found = append(found, message.EdgeUnsupported(e.String(), e.Reference.Name, why, hint))
	}
	for _, t := range e.child.All() {
		switch {
		case t.OID != e.child.OID && e.Child.Only && !slices.ContainsFunc(t.ForeignKeys, func(k catalog.ForeignKey) bool {
			return k.Parent == e.Parent.All() && slices.Contains(k.ChildColumns, e.Column)
		}):
			unfit("its child by inheritance "+t.Named().String()+" has no such foreign key, so that no trigger could keep the columns of its rows equal", "Add the foreign key to that table")
		case t.OID != e.child.OID && t.Column(e.UUID) != nil && e.child.Column(e.UUID) == nil:
			unfit("its child by inheritance "+t.Named().String()+" has a column "+e.UUID+" of its own, which would become an inherited one",
				"If up made that column, run rekey down --to expanded before this; otherwise rename it")
		case t.Kind == catalog.Foreign:
			unfit("its partition "+t.Named().String()+" is a foreign table", "Detach it")
		case t.Column(e.UUID) == nil && t.Attributes >= MaxColumns:
			unfit(t.Named().String()+": "+columnLimit, "Move columns to another table")
		}
	}
	if e.parent.HidesFromOwner() {
		found = append(found, message.EdgeParentHidden(e.String(), e.Parent.String(), sqltext.Qualified(e.Parent.Schema, e.Parent.Name), e.parent.Owner))
	}
	if e.ChildFirst && e.Row == nil {
		unfit("a row may be written before its parent, and "+e.child.Named().String()+" has no key by which the trigger finds the row again", "Add a primary key to the table")
	}
	found = append(found, refusePublished(c.input, e.target, e.child)...)
	return found
}

// refuseTriggers refuses tables whose own triggers may change the columns after the edge's triggers.
func (c edgeCheck) refuseTriggers(e edgeCase) problem.List {
	later := e.LaterTriggers(e.child)
	if later == nil {
		return nil
	}
	return problem.List{message.EdgeLaterTriggers(e.String(), e.Trigger("u"), later)}
}

// refuseNames refuses names of new objects that other objects or other edges have.
func (c edgeCheck) refuseNames(e edgeCase) problem.List {
	var found problem.List
	if k := e.child.Constraint(e.Constraint); k != nil && e.Constrained() && (k.Kind != "f" || !slices.Contains(k.Columns, e.UUID)) {
		found = append(found, message.ConstraintNameTaken(e.String(), e.Constraint, k.Definition))
	}
	if k := e.child.Constraint(e.Check); k != nil && !provesNotNull(k, e.UUID) {
		found = append(found, message.ConstraintNameTaken(e.String(), e.Check, k.Definition))
	}
	names := []sqltext.Table{}
	for _, twin := range e.Twins {
		names = append(names, sqltext.Table{Schema: twin.Table.Schema, Name: twin.Name})
		for _, table := range e.child.All() {
			if i := table.Index(twin.Name); i != nil && table.Schema == twin.Table.Schema && (table.Name != twin.Table.Name || !twin.Like(i)) {
				found = append(found, message.IndexNameTaken(e.String(), table.Schema, twin.Name, "index", table.Named().String()))
			}
		}
	}
	for _, name := range names {
		other, isEdges := c.taken[name]
		if relation := c.tables[name]; relation != nil && indexNamed(e.child, name.Name) == nil {
			found = append(found, message.IndexNameTaken(e.String(), name.Schema, name.Name, relation.Kind.String(), relation.IndexOf))
		} else if isEdges {
			found = append(found, message.EdgeIndexTwice(e.String(), name.Name, other))
		}
		c.taken[name] = e.String()
	}
	if name := (sqltext.Table{Schema: e.Parent.Schema, Name: e.ParentIndex}); e.ParentIndex != "" && c.tables[name] != nil && e.parent.Index(e.ParentIndex) == nil {
		found = append(found, message.IndexNameTaken(e.String(), e.Parent.Schema, e.ParentIndex, c.tables[name].Kind.String(), c.tables[name].IndexOf))
	}
	return append(found, c.refuseFunction(e)...)
}

// refuseFunction refuses the name of a trigger function that another edge's has, or a function that rekey did not make.
func (c edgeCheck) refuseFunction(e edgeCase) problem.List {
	if other, taken := c.taken[e.Function]; taken {
		return problem.List{message.EdgeFunctionTaken(e.String(), e.Function.Schema, e.Function.Name, "It is the trigger function of "+other+".")}
	}
	c.taken[e.Function] = e.String()
	f, exists := c.input.EdgeFunctions[e.Function]
	origin, _ := e.ReadMark(e.child)
	switch {
	case c.input.NoTriggers:
		return problem.List{message.NoPLpgSQL(e.String(), c.input.Server.Role.Name)}
	case !exists || origin == step.Made || e.MayReplace(f, c.input.Server.Role.Name):
		return nil
	case f.Used != "":
		return problem.List{message.EdgeFunctionTaken(e.String(), f.Schema, f.Name, "The function of "+f.Owner+" is used by a trigger of "+f.Used+".")}
	}
	return problem.List{message.EdgeFunctionTaken(e.String(), f.Schema, f.Name, "The function of "+f.Owner+" was not made by rekey.")}
}

// refuseOwners refuses an edge for which the role lacks rights on one of its ends.
func (c edgeCheck) refuseOwners(e edgeCase) problem.List {
	var found problem.List
	role := c.input.Server.Role
	for _, t := range e.child.All() {
		if !t.Owned {
			found = append(found, message.NotOwner(t.Named().String(), sqltext.Qualified(t.Schema, t.Name), t.Owner, role.Name))
		}
	}
	if e.parent == nil {
		return found
	}
	if !e.parent.Owned && !e.SelfReference() {
		found = append(found, message.EdgeParentOwner(e.String(), e.Parent.String(), e.parent.Owner, role.Name, e.parent.OwnerBypassesRLS))
	}
	if c.input.Direction == Down {
		return found
	}
	if e.ChildFirst && !e.MayWrite(e.child) {
		found = append(found, c.refuseLateWrite(e))
	}
	if !role.Superuser && e.parent.Owner != role.Name && !e.parent.OwnerCreates {
		found = append(found, message.EdgeOwnerCannotCreate(e.String(), e.child.Schema, e.parent.Owner, e.Parent.String()))
	}
	return found
}

// refuseLateWrite refuses an edge whose AFTER trigger would fire another owner's triggers, or not see the rows.
func (edgeCheck) refuseLateWrite(e edgeCase) *problem.Problem {
	for _, t := range e.child.All() {
		if t.Owner != e.parent.Owner {
			return message.EdgeOwnersDiffer(e.String(), t.Owner, e.parent.Owner, e.Parent.String())
		}
	}
	return message.EdgeUnsupported(e.String(), e.Reference.Name,
		"a row may be written before its parent, and row-level security is forced on "+e.child.Named().String()+", so that a trigger may not find the row again",
		"Remove FORCE ROW LEVEL SECURITY, or: ALTER ROLE "+sqltext.Ident(e.child.Owner)+" BYPASSRLS")
}

// refuseRows refuses an edge whose rows cannot be read or updated.
func (c edgeCheck) refuseRows(e edgeCase) problem.List {
	var found problem.List
	for _, table := range e.child.All() {
		if table.Kind != catalog.Ordinary || e.Child.Only && table.OID != e.child.OID {
			continue
		}
		found = append(found, refuseFill(c.input, e.target, table)...)
		found = append(found, refuseRows(e.target, table)...)
		found = append(found, refuseWidth(e.target, table)...)
		if table.Hides(c.input.Server.Role) {
			found = append(found, message.RowSecurity(e.String(), sqltext.Qualified(table.Schema, table.Name), c.input.Server.Role.Name))
		}
	}
	if e.parent.Hides(c.input.Server.Role) && !e.parent.HidesFromOwner() {
		found = append(found, message.RowSecurity(e.String(), sqltext.Qualified(e.Parent.Schema, e.Parent.Name), c.input.Server.Role.Name))
	}
	return found
}

// refuseCode refuses an edge whose statements would run code of a role that the run's role does not trust. They read both
// tables, and write the child if rows are filled.
func (c edgeCheck) refuseCode(e edgeCase, fills bool) problem.List {
	found := refuseCode(c.input, e.target, e.child, fills)
	if e.parent == nil || e.SelfReference() {
		return found
	}
	return append(found, refuseCode(c.input, step.Target{Schema: e.parent.Schema, Table: e.parent.Name}, e.parent, false)...)
}
