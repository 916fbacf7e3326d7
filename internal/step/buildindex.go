package step

import (
	"math"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// BuildIndex builds the unique index concurrently.
type BuildIndex struct{ Target Target }

// ID implements Step.
func (s BuildIndex) ID() ID { return s.Target.id("build-index") }

// Explain implements Step.
func (s BuildIndex) Explain() Explanation {
	e := Explanation{
		What:     "build unique index " + s.Target.Index,
		Undo:     "drop the index concurrently, unless it existed before",
		Why:      "after the filling: updates of a column without an index can be heap-only",
		Lock:     lockWords(s.Target.shared(), blocksNobody),
		Scans:    "the table, twice",
		UndoneBy: ByItself,
	}
	switch {
	case !s.Target.IsTree() && len(s.Target.Keys) > 0: // a distributed table
		e.What = "build unique index " + s.Target.Index + " on (" + s.Target.columns() + ")"
	case !s.Target.IsTree():
	case s.Target.HasRootIndex():
		e.What = "build a unique index on (" + s.Target.columns() + ") of each partition and attach it to " + s.Target.Index + " of the partitioned table"
		e.Undo = "drop the index of the partitioned table together with the partitions' indexes"
		e.Lock += "; " + lockWords(s.Target.exclusive(), briefly) + ", on each partition while its index is attached, and on all of them for the undo"
		e.Scans = "each partition, twice"
	default:
		e.What = "build a unique index on (" + s.Target.columns() + ") of each table that holds rows; one index for all of them is not possible"
		e.Scans = "each table, twice"
	}
	return e
}

// Check implements Step.
func (s BuildIndex) Check(v View) Outcome {
	return outcomeIf(s.Target.HasIndex(v.Table), "no valid unique index "+s.Target.Index)
}

// Apply implements Step.
func (s BuildIndex) Apply(v View) []Action {
	if s.Check(v).Done {
		return nil
	}
	t, rootIndex := s.Target.ForTree(v.Table)
	if !rootIndex {
		return forEachPart(t, v, buildIndex)
	}
	actions := createPartitionedIndexes(t, v.Table)
	actions = append(actions, forEachPart(t, v, buildIndex)...)
	return append(actions, attachIndexes(t, v.Table)...)
}

// buildIndex returns the missing actions for one table. An interrupted build leaves an invalid index, which is dropped
// first. An index of the same name but of another shape belongs to the application and makes the build fail.
func buildIndex(t Target, v View) []Action {
	if t.HasIndex(v.Table) {
		return nil
	}
	build := Concurrently{
		Table: t.Name(), Index: t.Index, Column: t.Column, Build: true,
		Statement: sqltext.Format("CREATE UNIQUE INDEX CONCURRENTLY {} ON {} (", sqltext.Name(t.Index), t.Name()) + t.columns() + ")",
	}
	if i := v.Table.Index(t.Index); i != nil && !i.Valid && t.IndexFits(i) {
		return []Action{dropInvalid(t, v.Table), build}
	}
	return []Action{build}
}

// Undo implements Step.
func (s BuildIndex) Undo(v View) []Action {
	t, rootIndex := s.Target.ForTree(v.Table)
	actions := forEachPart(t, v, dropIndex)
	if rootIndex {
		actions = append(actions, dropPartitionedIndexes(t, v.Table)...)
	}
	return actions
}

// Rows implements Step.
func (BuildIndex) Rows() RowReader { return nil }

func dropIndex(t Target, v View) []Action {
	origin, mark := t.Read(v.Table)
	if origin == Untouched || origin == Absent || (origin == Found && mark.Indexed) {
		return nil
	}
	var actions []Action
	// DROP INDEX of the parent also drops an attached index; an index of another shape only shares the name.
	if i := v.Table.Index(t.Index); i != nil && i.Parent == 0 && t.IndexFits(i) {
		actions = append(actions, dropConcurrently(t, v.Table))
	}
	for _, alias := range t.aliases(v.Table) {
		aliased := t
		aliased.Index = alias
		actions = append(actions, dropConcurrently(aliased, v.Table))
	}
	return actions
}

// aliases returns the names among Target.Aliases of existing indexes on a column that rekey made.
func (t Target) aliases(table *catalog.Table) []string {
	if origin, _ := t.Read(table); origin != Made {
		return nil
	}
	var existing []string
	for _, name := range t.Aliases {
		if i := table.Index(name); i != nil && name != t.Index && t.IndexFits(i) && i.Constraint == "" {
			existing = append(existing, name)
		}
	}
	return existing
}

// dropInvalid drops an index that an interrupted build left.
func dropInvalid(t Target, table *catalog.Table) Action {
	return Concurrently{Table: t.Name(), Index: t.Index, Column: t.Column, Invalid: true, Statement: dropStatement(t, table)}
}

func dropConcurrently(t Target, table *catalog.Table) Action {
	return Concurrently{Table: t.Name(), Index: t.Index, Column: t.Column, Statement: dropStatement(t, table)}
}

// dropStatement returns the statement that drops the target's index. On a cluster, one that was interrupted has dropped the index of some
// shards.
func dropStatement(t Target, table *catalog.Table) string {
	if table.Sharding != nil {
		return sqltext.Format("DROP INDEX CONCURRENTLY IF EXISTS {}", t.indexName())
	}
	return sqltext.Format("DROP INDEX CONCURRENTLY {}", t.indexName())
}

// AfterApply implements Step. An index that does not exist yet gets an oid that no other index has.
func (s BuildIndex) AfterApply(v View) View {
	if s.Check(v).Done {
		return v
	}
	v, _ = s.Target.copyOf(v)
	t, rootIndex := s.Target.ForTree(v.Table)
	indexOf := map[uint32]uint32{} // by oid of the table
	for n, part := range t.Indexes(v.Table) {
		made := catalog.Index{
			OID: math.MaxUint32 - uint32(n), Name: part.Index, Columns: t.IndexColumns(), Method: "btree",
			Unique: true, Immediate: true, Valid: true, Ready: true,
		}
		if existing := part.Table.Index(part.Index); rootIndex && existing != nil {
			made.OID = existing.OID
		}
		if rootIndex {
			made.Parent, indexOf[part.Table.OID] = indexOf[part.Table.Above], made.OID
		}
		withoutIndex(part.Table, part.Index)
		part.Table.Indexes = append(part.Table.Indexes, made)
	}
	return v
}

// AfterUndo implements Step.
func (s BuildIndex) AfterUndo(v View) View {
	if len(s.Undo(v)) == 0 {
		return v
	}
	aliases := s.Target.aliases(v.Table)
	v, _ = s.Target.copyOf(v)
	_, mark := s.Target.Read(v.Table)
	for _, alias := range aliases {
		withoutIndex(v.Table, alias)
	}
	for _, part := range s.Target.Indexes(v.Table) {
		if !mark.ofTable(part.Name()).Indexed {
			withoutIndex(part.Table, part.Index)
		}
	}
	return v
}

// Indexes returns the tables that get the target's index, parents first. Table of each points into root.
func (t Target) Indexes(root *catalog.Table) []Part {
	t, rootIndex := t.ForTree(root)
	parts := t.Parts(root)
	if rootIndex {
		parts = append(parts, t.Partitioned(root)...)
	}
	var all []Part
	for _, table := range root.All() {
		at := slices.IndexFunc(parts, func(p Part) bool { return p.Table.OID == table.OID })
		if at >= 0 {
			all = append(all, Part{parts[at].Target, table})
		}
	}
	return all
}

// WithInvalidIndexes returns a copy of a table in which the index of every table that holds rows is invalid, as an
// interrupted build leaves it.
func (t Target) WithInvalidIndexes(root *catalog.Table) *catalog.Table {
	v, _ := t.copyOf(View{Table: root})
	for _, part := range t.Parts(v.Table) {
		for _, table := range v.Table.All() {
			switch i := table.Index(part.Index); {
			case table.OID != part.Table.OID:
			case i != nil:
				i.Valid = false
			default:
				table.Indexes = append(table.Indexes, catalog.Index{Name: part.Index, Columns: part.IndexColumns(), Method: "btree", Unique: true})
			}
		}
	}
	return v.Table
}

// ApplyScript implements Step. It returns every build that may be needed, each after the statement that drops an invalid
// index.
func (s BuildIndex) ApplyScript(v View) []Statement {
	if len(s.Apply(v)) == 0 {
		return nil
	}
	t, joined := s.Target.ForTree(v.Table)
	if stale := s.StaleIndex(v.Table); stale != nil {
		return append([]Statement{t.dropStaleScript(stale)}, s.ApplyScript(s.AfterUndo(v))...)
	}
	worst := v
	worst.Table = t.WithInvalidIndexes(v.Table)
	var all []Statement
	if joined {
		all = t.createAboveScript(worst.Table)
	}
	for _, part := range t.Parts(worst.Table) {
		all = append(all, buildScript(part.Target, buildIndex(part.Target, worst.ofTable(part.Table)))...)
	}
	if joined {
		all = append(all, t.attachScript(worst.Table)...)
	}
	return all
}

// buildScript returns the statements that drop an invalid index of one table, and build a new one.
func buildScript(t Target, actions []Action) []Statement {
	e := BuildIndex{Target: t}.Explain()
	drop, build := actions[0], actions[1]
	return []Statement{
		{
			Name: t.Table + "_drop_invalid_index", What: t.label("drop the invalid index that an interrupted build left"),
			Scans: readsNothing, Needed: t.hasIndexIn("NOT i.indisvalid"), Action: drop,
		},
		{
			Name: t.Table + "_build_index", What: t.label("build unique index " + t.Index + "; " + e.Why),
			Lock:  lockWords(build.Locked(), blocksNobody, ", during the build; the build waits for all older transactions of the database"),
			Scans: "the table, twice", Needed: condition.Not(t.hasIndexIn("i.indisvalid")), Action: build,
		},
	}
}

// UndoScript implements Step. It drops each table's index that is attached to no other, then the indexes of partitioned
// tables.
func (s BuildIndex) UndoScript(v View) (all []Statement) {
	above, _ := s.Target.ForTree(v.Table)
	for _, a := range s.Undo(v) {
		if a.Atomic() {
			all = append(all, above.dropAboveScript(v.Table, a))
			continue
		}
		t, ok := partOf(s.Target.Parts(v.Table), a)
		if !ok {
			t = s.Target
		}
		t.Index = a.DroppedIndexes()[0]
		all = append(all, Statement{
			Name: t.Table + "_drop_index", What: t.label("drop index " + t.Index + ", concurrently"),
			Lock:  lockWords(a.Locked(), blocksNobody, "; it waits for transactions that use the index"),
			Scans: readsNothing, Needed: t.hasIndexIn(t.isItsIndex()), Action: a,
		})
	}
	return all
}
