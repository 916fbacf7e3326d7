package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// BuildUniqueKey builds the unique index that keeps the integers unique after the switch, and to which their foreign keys move. Its
// comment has the mark.
type BuildUniqueKey struct {
	Key Key
}

// ID implements Step.
func (s BuildUniqueKey) ID() ID { return s.Key.id("unique-key") }

// Explain implements Step.
func (s BuildUniqueKey) Explain() Explanation {
	e := Explanation{
		What:     "build unique index " + s.Key.Unique + " on the integers, for the foreign keys that refer to them",
		Undo:     "drop the index concurrently",
		Why:      "a foreign key depends on one index; while it depends on the primary key's, that cannot be dropped",
		Lock:     lockWords(s.Key.on(lock.ShareUpdateExclusive), blocksNobody),
		Scans:    "the table, twice",
		UndoneBy: ByItself,
	}
	if s.Key.Tree {
		e.Undo = "drop the index and the indexes of the partitions"
		e.Lock += "; ACCESS EXCLUSIVE, an instant, on each partition while its index is attached, and on all of them for the undo"
		e.Scans = "each partition, twice"
	}
	return e
}

// Check implements Step.
func (s BuildUniqueKey) Check(v View) Outcome {
	return outcomeIf(s.Key.unique(v.Relation(s.Key.Table)) != nil, "no unique index "+s.Key.Unique)
}

// Apply implements Step. The index gets its name together with the mark, so that an index of the application's with that name is
// never taken for it.
func (s BuildUniqueKey) Apply(v View) []Action {
	k := s.Key
	t, _ := k.table(v)
	if t == nil || k.unique(t) != nil {
		return nil
	}
	if k.Tree {
		return k.uniqueOfTree(t)
	}
	if k.markedUnique(t) != nil { // an interrupted DROP INDEX CONCURRENTLY of down left it
		return []Action{dropOn(t, k.Unique)}
	}
	root := k.parts(t)[0]
	var actions []Action
	built, next := root.built(temporaryName(k.Unique), k.Columns)
	switch {
	case next != nil:
		actions = append(actions, next)
	case built == nil:
		return nil // the primary key's definition has an unknown form
	}
	return append(actions, Change{Locks: k.on(lock.ShareUpdateExclusive), Statements: []string{
		renameIndexSQL(t, temporaryName(k.Unique), k.Unique), k.Mark().write(root.of(k.Unique)),
	}})
}

// uniqueOfTree returns the actions that build the unique index of a partitioned table: the index itself, empty and invalid, and one
// for each table below it, which get their names when they are attached. It becomes valid with the last one.
func (k Key) uniqueOfTree(t *catalog.Table) []Action {
	if k.markedUnique(t) == nil {
		return k.createUniqueOfTree(t)
	}
	var actions, attach []Action
	for _, p := range k.parts(t)[1:] {
		if p.named {
			continue
		}
		built, next := p.built(temporaryName(p.unique), k.Columns)
		if built == nil && next != nil && (p.leaf() || p.own == nil) { // of a partitioned table it is valid only with its partitions
			actions = append(actions, next)
		}
		attach = append(attach, p.attach())
	}
	if len(attach) == 0 { // the last partition without an index was detached: nothing makes the index valid any more
		return []Action{k.dropUniqueOfTree(t)}
	}
	slices.Reverse(attach)
	return append(actions, attach...)
}

// createUniqueOfTree returns the action that creates the unique index of a partitioned table without the indexes of its partitions.
func (k Key) createUniqueOfTree(t *catalog.Table) []Action {
	root := k.parts(t)[0]
	want, ok := root.like(k.Unique, k.Columns)
	if !ok {
		return nil
	}
	create := root.create(want)
	create.Statements = append(create.Statements, k.Mark().write(root.of(k.Unique)))
	return []Action{create}
}

// attach returns the action that gives the unique index of a partition its name and attaches it to the one above. The lowest comes
// first, so that the one above may have its temporary name.
func (p *keyPart) attach() Action {
	above := temporaryName(p.above.unique)
	if p.above.named {
		above = p.above.unique
	}
	return Change{Locks: p.only(lock.AccessExclusive), Statements: []string{
		renameIndexSQL(p.table, temporaryName(p.unique), p.unique),
		sqltext.Format("ALTER INDEX {} ATTACH PARTITION {}", p.above.of(above), p.of(p.unique)),
	}}
}

func (k Key) dropUniqueOfTree(t *catalog.Table) Action {
	i := k.markedUnique(t)
	return Change{Locks: k.on(lock.AccessExclusive), Statements: []string{dropIndexSQL(t, i)}, Dropped: []string{i.Name}}
}

// Undo implements Step.
func (s BuildUniqueKey) Undo(v View) []Action {
	k := s.Key
	t, _ := k.table(v)
	if t == nil || !k.integers(t) {
		return nil
	}
	var actions []Action
	for _, p := range slices.Backward(k.parts(t)) {
		actions = append(actions, p.dropTemporary(p.temporary()...)...)
	}
	i := k.markedUnique(t)
	switch {
	case i == nil, len(referencesOn(t, i)) > 0:
	case k.Tree:
		actions = append(actions, k.dropUniqueOfTree(t))
	default:
		actions = append(actions, dropOn(t, i.Name))
	}
	return actions
}

// LeftUnique reports whether a table has a unique index of its primary key's integers without a mark: an interrupted run has built it
// and not yet given it its name.
func LeftUnique(t *catalog.Table) bool {
	pk := t.PrimaryKey()
	return pk != nil && slices.ContainsFunc(t.Indexes, func(i catalog.Index) bool {
		return IsTemporaryIndex(i.Name) && i.Unique && !i.Primary && i.Predicate == "" && slices.Equal(i.Columns, pk)
	})
}

// Rows implements Step.
func (BuildUniqueKey) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (BuildUniqueKey) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (BuildUniqueKey) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (BuildUniqueKey) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (BuildUniqueKey) UndoScript(View) []Statement { return nil }
