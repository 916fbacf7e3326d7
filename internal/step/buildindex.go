package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
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
		Lock:     "SHARE UPDATE EXCLUSIVE, which blocks no reader or writer",
		Scans:    "the table, twice",
		UndoneBy: ByItself,
	}
	switch {
	case !s.Target.IsTree():
	case s.Target.HasRootIndex():
		e.What = "build a unique index on (" + s.Target.columns() + ") of each partition and attach it to " + s.Target.Index + " of the partitioned table"
		e.Undo = "drop the index of the partitioned table together with the partitions' indexes"
		e.Lock += "; ACCESS EXCLUSIVE, an instant, on each partition while its index is attached, and on all of them for the undo"
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
		return []Action{dropConcurrently(t), build}
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

func dropIndex(t Target, v View) []Action {
	origin, mark := t.Read(v.Table)
	if origin == Untouched || origin == Absent || (origin == Found && mark.Indexed) {
		return nil
	}
	var actions []Action
	// DROP INDEX of the parent also drops an attached index; an index of another shape only shares the name.
	if i := v.Table.Index(t.Index); i != nil && i.Parent == 0 && t.IndexFits(i) {
		actions = append(actions, dropConcurrently(t))
	}
	for _, alias := range t.aliases(v.Table) {
		aliased := t
		aliased.Index = alias
		actions = append(actions, dropConcurrently(aliased))
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

func dropConcurrently(t Target) Action {
	return Concurrently{Table: t.Name(), Index: t.Index, Column: t.Column, Statement: sqltext.Format("DROP INDEX CONCURRENTLY {}", t.indexName())}
}
