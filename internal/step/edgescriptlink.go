package step

import (
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ApplyScript implements Step.
func (s BuildParentIndex) ApplyScript(v View) []Statement {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return nil
	}
	parent := e.Parent.All()
	is := func(more ...string) string {
		return condition.HasIndex(parent, e.ParentIndex, append([]string{condition.IsOn(e.ParentColumns())}, more...)...)
	}
	drop := Concurrently{Table: parent, Index: e.ParentIndex, Invalid: true, Statement: e.dropParentIndex().SQL()[0]}
	all := []Statement{
		{
			Name: e.named("drop_invalid_parent_index"), What: "drop the invalid index that an interrupted build left",
			Scans: readsNothing, Needed: condition.And(e.madeIn(), is("NOT i.indisvalid")), Action: drop,
		},
		{
			Name: e.named("build_parent_index"), What: s.Explain().What + "; " + s.Explain().Why,
			Lock:  lockWords(drop.Locked(), " on the parent", blocksNobody, ", during the build; the build waits for all older transactions of the database"),
			Scans: "the parent, twice", Needed: condition.And(e.madeIn(), condition.Not(is("i.indisvalid"))), Action: e.buildParentIndex(),
		},
	}
	actions := s.Apply(v)
	if mark, ok := actions[len(actions)-1].(Change); ok {
		all = append(all, scripted(mark, e.named("mark_parent_index"), "write into the comment of index "+e.ParentIndex+" that rekey made it",
			condition.And(e.madeIn(), is("i.indisvalid", condition.Not(hasParentMark)))))
	}
	return all
}

// hasParentMark is true for an index i with the comment of an index of edges.
const hasParentMark = "(coalesce(obj_description(i.indexrelid, 'pg_class'), '') = '" + parentIndexMark + "')"

// isUnused is true for an index i that no foreign key uses.
const isUnused = "NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype = 'f')"

// UndoScript implements Step.
func (s BuildParentIndex) UndoScript(v View) []Statement {
	e := s.Edge
	drop := onlyOne(s.Undo(v))
	if drop == nil {
		return nil
	}
	parent := e.Parent.All()
	invalid := Concurrently{Table: parent, Index: e.ParentIndex, Invalid: true, Statement: drop.SQL()[0]}
	return []Statement{{
		Name: e.named("drop_parent_index"), What: s.Explain().Undo, Lock: lockWords(drop.Locked(), " on the parent", blocksNobody, "; it waits for transactions that use the index"),
		Scans: readsNothing, Needed: condition.And(e.madeIn(), condition.HasIndex(parent, e.ParentIndex, condition.IsOn(e.ParentColumns()), hasParentMark, isUnused)),
		Action: invalid,
	}}
}

// ApplyScript implements Step. It returns every build that an interruption may make necessary.
func (s MirrorIndexes) ApplyScript(v View) (all []Statement) {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return nil
	}
	if mark := onlyOne(e.markTwins(v)); mark != nil {
		all = append(all, scripted(mark, e.named("mark_indexes"), "write into the comment of "+e.UUID+" which indexes rekey makes for it",
			e.madeIn(condition.Not("("+condition.CommentContains(e.twinsMark(v).document())+")"))))
	}
	var attach []Statement
	for _, t := range e.Twins {
		table := e.tableOf(v, t)
		if table == nil {
			continue
		}
		if t.Partitioned {
			create := scripted(t.build(), e.named(t.Name), t.Table.String()+": create index "+t.Name+", which becomes valid once an index of each partition is attached to it",
				condition.And(e.madeIn(), condition.Not(condition.HasIndex(t.Table, t.Name))))
			create.Lock += ", on the partitioned table only"
			all = append(all, create)
		} else {
			all = append(all, t.buildScript(e)...)
		}
		if t.unattached(v.Relation(e.Child), table.Index(t.Name)) {
			attach = append(attach, scripted(t.attach(), e.named(t.Name+"_attach"), t.Table.String()+": attach index "+t.Name+" to "+t.Above.Name,
				condition.And(e.madeIn(), condition.HasIndex(t.Table, t.Name, condition.Unattached))))
		}
	}
	slices.Reverse(attach)
	return append(all, attach...)
}

// buildScript returns the statements that drop a twin that is invalid or differs in being unique, and build it. An index of the
// application's is not dropped: a twin depends on the uuid column.
func (t IndexTwin) buildScript(e Edge) []Statement {
	build := t.build()
	is := func(more ...string) string { return condition.HasIndex(t.Table, t.Name, more...) }
	drop := Concurrently{Table: t.Table, Index: t.Name, Invalid: true, Statement: t.drop().SQL()[0]}
	unfit := "(NOT i.indisvalid OR " + isUnique(!t.Unique) + ")"
	return []Statement{
		{
			Name: e.named(t.Name + "_drop_invalid"), What: t.Table.String() + ": drop index " + t.Name + " if an interrupted build left it invalid, or if it is not as unique as it must be",
			Scans: readsNothing, Needed: condition.And(e.madeIn(), is(unfit, e.usesUUID(t.Table), condition.Unattached)), Action: drop,
		},
		{
			Name: e.named(t.Name + "_build"), What: t.Table.String() + ": build index " + t.Name + ", the twin of " + t.Of,
			Lock:  lockWords(build.Locked(), blocksNobody, ", during the build; the build waits for all older transactions of the database"),
			Scans: "the table, twice", Needed: condition.And(e.madeIn(), condition.Not(is("i.indisvalid", isUnique(t.Unique)))), Action: build,
		},
	}
}

// usesUUID is true for an index i of a table that depends on the edge's uuid column.
func (e Edge) usesUUID(table sqltext.Table) string {
	return "EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid" +
		" WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass AND a.attrelid = " +
		condition.Regclass(table) + sqltext.Format(" AND a.attname = {})", sqltext.Value(e.UUID))
}

// UndoScript implements Step.
func (s MirrorIndexes) UndoScript(v View) (all []Statement) {
	e := s.Edge
	for _, action := range s.Undo(v) {
		name := action.DroppedIndexes()[0]
		table := action.Tables()[0]
		drop := scripted(action, e.named(name+"_drop"), table.String()+": drop index "+name,
			condition.And(e.madeIn(), condition.HasIndex(table, name, e.usesUUID(table), condition.Unattached)))
		if !action.Atomic() {
			drop.Lock = lockWords(action.Locked(), blocksNobody, "; it waits for transactions that use the index")
		}
		all = append(all, drop)
	}
	return all
}

// ApplyScript implements Step. A foreign key of the edge's that is not as it must be is replaced first.
func (s LinkEdge) ApplyScript(v View) (all []Statement) {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return nil
	}
	child := v.Relation(e.Child)
	other := e.foreignKey(child) == nil && e.ownKey(child) != nil
	if !e.Tree || v.Server.Major() >= validatesTrees {
		if other {
			replace := e.addScript(e.replaceForeignKey(), e.Child)
			replace.What = e.Child.String() + ": replace foreign key " + e.Constraint + ", which is not like the integer's any more"
			replace.Needed = condition.And(e.madeIn(), e.wiredIn(e.Child), e.hasOtherKeyIn(e.Child))
			all = append(all, replace)
		} else if e.foreignKey(child) == nil {
			all = append(all, e.addScript(e.addForeignKey(e.Child, lock.ShareRowExclusive, " NOT VALID"), e.Child))
		}
		return append(all, e.validateScript(e.Child))
	}
	if other {
		all = append(all, e.dropScript(e.Child, e.hasOtherKeyIn(e.Child)))
	}
	return append(all, e.linkPartitionsScript(child)...)
}

// linkPartitionsScript returns the statements that add the foreign key to each partition, and then to the partitioned table.
func (e Edge) linkPartitionsScript(child *catalog.Table) (all []Statement) {
	for _, part := range leaves(child) {
		table := part.Named()
		if e.foreignKey(part) == nil && e.ownKey(part) != nil {
			all = append(all, e.dropScript(table, e.hasOtherKeyIn(table)))
		}
		all = append(all, e.addScript(e.addForeignKey(table, lock.ShareRowExclusive, " NOT VALID"), table), e.validateScript(table))
	}
	adopt := e.addScript(e.addForeignKey(e.Child, lock.AccessExclusive, ""), e.Child)
	adopt.What = "add foreign key " + e.Constraint + " to the partitioned table, which adopts the foreign keys of its partitions"
	adopt.Lock = lockWords(adopt.Action.Locked(), " on the parent", briefly)
	adopt.Scans = readsNothing + "; the partitions' foreign keys are valid"
	return first(append(all, adopt), condition.Refuse(e.Child.All(), e.UUID, condition.And("pg_relation_size(a.attrelid) > 0",
		"NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conrelid = a.attrelid AND p.contype = 'f' AND p.convalidated"+sqltext.Format(" AND p.conname = {})", sqltext.Value(e.Constraint))),
		" has no valid foreign key "+e.Constraint+": the partitioned table's would scan it under ACCESS EXCLUSIVE", "up"))
}

// hasOtherKeyIn is true if a table has a foreign key of the edge's that is not as it must be.
func (e Edge) hasOtherKeyIn(table sqltext.Table) string {
	r := e.Reference
	like := fmt.Sprintf("p.confrelid = %s AND p.confdeltype::text = %s AND p.confupdtype::text = %s AND p.confmatchtype::text = %s AND p.condeferrable = %t AND p.condeferred = %t",
		condition.Regclass(e.Parent), sqltext.Literal(string(r.OnDelete)), sqltext.Literal(string(r.OnUpdate)), sqltext.Literal(string(r.Match)), r.Deferrable, r.Deferred)
	return e.hasKeyIn(table, "("+like+") IS NOT TRUE")
}

// dropScript returns the statement that drops the foreign key of a table.
func (e Edge) dropScript(table sqltext.Table, needed string) Statement {
	drop := e.dropForeignKey(table)
	one := scripted(drop, e.named(table.Name+"_drop_key"), table.String()+": drop foreign key "+e.Constraint, condition.And(e.madeIn(), needed))
	one.Lock = lockWords(drop.Locked(), " on both tables", briefly)
	return one
}

func (e Edge) addScript(add Action, table sqltext.Table) Statement {
	one := scripted(add, e.named(table.Name+"_add_key"), table.String()+": add foreign key "+e.Constraint+" to "+e.Parent.String()+"."+e.ParentUUID+", NOT VALID",
		condition.And(e.madeIn(), e.wiredIn(table), condition.Not(condition.HasConstraint(table.All(), e.Constraint))))
	one.Lock = lockWords(add.Locked(), " on both tables", briefly)
	one.Scans = readsNothing + "; new and changed rows are checked from now on"
	return one
}

func (e Edge) validateScript(table sqltext.Table) Statement {
	action := e.validate(table)
	return Statement{
		Name: e.named(table.Name + "_validate_key"), What: table.String() + ": validate foreign key " + e.Constraint + " on the existing rows",
		Lock: lockWords(action.Locked(), blocksNobody, ", while the rows are read"), Scans: "the table, once, without blocking readers and writers",
		Needed: condition.And(e.madeIn(), e.hasKeyIn(table, "NOT p.convalidated")), Action: action,
	}
}

// UndoScript implements Step. Partitions have foreign keys of their own if a script was interrupted.
func (s LinkEdge) UndoScript(v View) (all []Statement) {
	e := s.Edge
	child := v.Relation(e.Child)
	if len(s.Undo(v)) == 0 {
		return nil
	}
	tables := []sqltext.Table{e.Child}
	if e.Tree {
		for _, part := range leaves(child) {
			tables = append(tables, part.Named())
		}
	}
	for _, table := range tables {
		all = append(all, e.dropScript(table, e.hasKeyIn(table, "p.conparentid = 0")))
	}
	return all
}

// ApplyScript implements Step.
func (s RequireUUID) ApplyScript(v View) []Statement {
	e := s.Edge
	if len(s.Apply(v)) == 0 {
		return nil
	}
	nullable := condition.Nullable(v.Server.Major())
	open := e.madeIn(nullable)
	actions := s.Apply(e.withoutNotNull(v))
	add := scripted(actions[0], e.named("add_proof"), "add a CHECK to prove NOT NULL", condition.And(open, condition.Not(condition.HasConstraint(e.Child.All(), e.Check)), e.wiredIn(e.Child)))
	add.Scans = readsNothing + "; new and updated rows are checked from now on"
	prove := Statement{
		Name: e.named("validate_proof"), What: "validate the CHECK on the existing rows", Lock: lockWords(actions[1].Locked(), blocksNobody, ", while the rows are read"),
		Scans: "the table, once, without blocking readers and writers", Needed: condition.And(open, e.hasProofIn("NOT p.convalidated")), Action: actions[1],
	}
	set := scripted(actions[2], e.named("set_not_null"), s.Explain().What, condition.And(open, e.hasProofIn("p.convalidated"), e.wiredIn(e.Child)))
	set.Scans = readsNothing + "; the validated CHECK proves it"
	drop := scripted(actions[3], e.named("drop_proof"), "drop the CHECK, in a separate statement: together with SET NOT NULL it would be dropped first, and the table would be scanned",
		condition.And(e.madeIn(condition.Not(nullable)), e.hasProofIn()))
	return []Statement{add, prove, set, drop}
}

// withoutNotNull returns a view in which the uuid column may be NULL and has no CHECK.
func (e Edge) withoutNotNull(v View) View {
	v, child, _ := e.edgeCopy(v)
	e.withoutProof(child)
	if c := child.Column(e.UUID); c != nil {
		c.NotNull = false
	}
	return v
}

// UndoScript implements Step. An interrupted script may have left the CHECK.
func (s RequireUUID) UndoScript(v View) []Statement {
	e := s.Edge
	if child := v.Relation(e.Child); child == nil || !e.made(child) {
		return nil
	}
	return []Statement{scripted(e.dropCheck(""), e.named("drop_proof"), "drop the CHECK that an interrupted run left", condition.And(e.madeIn(), e.hasProofIn()))}
}
