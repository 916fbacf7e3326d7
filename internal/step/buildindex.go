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
		What:   "build unique index " + s.Target.Index,
		Undo:   "drop the index concurrently, unless it was found",
		Why:    "concurrently, and after the filling, which is heap-only as long as no index is on the column",
		Lock:   "SHARE UPDATE EXCLUSIVE, which no reader or writer waits for",
		Scans:  "the table, twice",
		UndoneBy: ByItself,
	}
	switch {
	case !s.Target.IsTree():
	case s.Target.HasRootIndex():
		e.What = "build a unique index of each partition by (" + s.Target.columns() + "), attached to " + s.Target.Index + " of the partitioned table"
		e.Undo = "drop the index of the partitioned table, and those of the partitions with it"
		e.Lock += "; ACCESS EXCLUSIVE, an instant, on each partition while its index is attached, and on all of them on the way back"
		e.Scans = "each partition, twice"
	default:
		e.What = "build a unique index of each table that holds rows by (" + s.Target.columns() + "); there is none of all of them"
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
	t, whole := s.Target.ForTree(v.Table)
	if !whole {
		return forEachPart(t, v, buildIndex)
	}
	actions := createPartitionedIndexes(t, v.Table)
	actions = append(actions, forEachPart(t, v, buildIndex)...)
	return append(actions, attachIndexes(t, v.Table)...)
}

// build is what one table lacks. An index that is not valid is what a broken build leaves; it satisfies IF
// NOT EXISTS, so it is dropped first. Another one of its name is the application's: the build fails by it.
func buildIndex(t Target, v View) []Action {
	if t.HasIndex(v.Table) {
		return nil
	}
	build := Concurrently{
		Target: t, Build: true,
		SQL: sqltext.Format("CREATE UNIQUE INDEX CONCURRENTLY {} ON {} (", sqltext.Name(t.Index), t.Name()) + t.columns() + ")",
	}
	if i := v.Table.Index(t.Index); i != nil && !i.Valid && t.IndexFits(i) {
		return []Action{dropConcurrently(t), build}
	}
	return []Action{build}
}

// Undo implements Step.
func (s BuildIndex) Undo(v View) []Action {
	t, whole := s.Target.ForTree(v.Table)
	actions := forEachPart(t, v, dropIndex)
	if whole {
		actions = append(actions, dropPartitionedIndexes(t, v.Table)...)
	}
	return actions
}

func dropIndex(t Target, v View) []Action {
	origin, as := t.Read(v.Table)
	if origin == Untouched || origin == Absent || (origin == Found && as.Indexed) {
		return nil
	}
	var actions []Action
	// One that is attached goes with the one above; one that is on something else only has the name.
	if i := v.Table.Index(t.Index); i != nil && i.Parent == 0 && t.IndexFits(i) {
		actions = append(actions, dropConcurrently(t))
	}
	for _, alias := range t.aliases(v.Table) {
		one := t
		one.Index = alias
		actions = append(actions, dropConcurrently(one))
	}
	return actions
}

// aliases are the indexes of a made column under another of the kit's own names.
func (t Target) aliases(table *catalog.Table) []string {
	if origin, _ := t.Read(table); origin != Made {
		return nil
	}
	var there []string
	for _, name := range t.Aliases {
		if i := table.Index(name); i != nil && name != t.Index && t.IndexFits(i) && i.Constraint == "" {
			there = append(there, name)
		}
	}
	return there
}

func dropConcurrently(t Target) Action {
	return Concurrently{Target: t, SQL: sqltext.Format("DROP INDEX CONCURRENTLY {}", t.indexName())}
}
