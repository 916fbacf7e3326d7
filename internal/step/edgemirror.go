package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// MirrorIndexes builds a twin of every index that holds the integer column.
type MirrorIndexes struct {
	Edge Edge
}

// ID implements Step.
func (s MirrorIndexes) ID() ID { return s.Edge.id("mirror-indexes") }

// Explain implements Step.
func (s MirrorIndexes) Explain() Explanation {
	e := Explanation{
		What:     "build a twin of each index on " + s.Edge.Column + ", on " + s.Edge.UUID,
		Undo:     "drop the twins concurrently",
		Why:      "after the filling, whose updates are heap-only without them; without one every DELETE of a parent reads the whole child",
		Lock:     lockWords(s.Edge.on(lock.ShareUpdateExclusive), blocksNobody),
		Scans:    "the table, twice for each index",
		UndoneBy: ByItself,
	}
	if s.Edge.Tree {
		e.Lock += "; ACCESS EXCLUSIVE, an instant, on each partition while its index is attached, and on all of them for the undo"
		e.Scans = "each partition, twice for each index"
	}
	return e
}

// Check implements Step.
func (s MirrorIndexes) Check(v View) Outcome {
	for _, t := range s.Edge.Twins {
		table := s.Edge.tableOf(v, t)
		if table == nil {
			continue // a partition that was dropped or detached
		}
		if i := table.Index(t.Name); i == nil || !i.Valid || !t.fits(i) || t.unattached(v.Relation(s.Edge.Child), i) {
			return pending("no index " + t.Name + " like " + t.Of)
		}
		if table.Index(temporaryName(t.Name)) != nil {
			return pending("index " + temporaryName(t.Name) + " is left")
		}
	}
	return done()
}

// Apply implements Step. An index of a partitioned table becomes valid when the indexes of all partitions are attached.
func (s MirrorIndexes) Apply(v View) []Action {
	var actions, attach []Action
	for _, t := range s.Edge.Twins {
		table := s.Edge.tableOf(v, t)
		if table == nil {
			continue
		}
		i := table.Index(t.Name)
		switch {
		case i == nil:
			actions = append(actions, t.build())
		case !t.Partitioned && t.hasShape(i) && !i.Valid:
			actions = append(actions, t.drop(), t.build())
		case i.Unique && !t.Unique && t.moved(v.Relation(s.Edge.Child), table): // one of the two is unique at all times
			return s.Edge.giveBack(v.Relation(s.Edge.Child), table, t)
		case !t.Partitioned && t.hasShape(i) && i.Unique != t.Unique:
			actions = append(actions, t.replace(s.Edge, table, i))
		case !t.hasShape(i): // the application's: the build reports that the name is taken
			actions = append(actions, t.build())
		case table.Index(temporaryName(t.Name)) != nil:
			actions = append(actions, dropOn(table, temporaryName(t.Name)))
		}
		if t.unattached(v.Relation(s.Edge.Child), i) {
			attach = append(attach, t.attach())
		}
	}
	slices.Reverse(attach)
	return append(slices.Concat(s.Edge.markTwins(v), actions), attach...)
}

// markTwins returns the action that adds twins to the mark before they are built, for indexes that the application has
// created since up made the column.
func (e Edge) markTwins(v View) []Action {
	child := v.Relation(e.Child)
	if child == nil {
		return nil
	}
	origin, before := e.ReadMark(child)
	mark := e.twinsMark(v)
	if origin != Made || len(mark.Indexes) == len(before.Indexes) {
		return nil
	}
	return []Action{Change{Locks: e.on(lock.ShareUpdateExclusive), Statements: e.comment(mark.Comment(child.Column(e.UUID).Comment))}}
}

// twinsMark returns the mark of the child's uuid column, with all twins that do not exist yet.
func (e Edge) twinsMark(v View) EdgeMark {
	_, mark := e.ReadMark(v.Relation(e.Child))
	mark.Indexes = slices.Clone(mark.Indexes)
	for _, t := range e.Twins {
		if table := e.tableOf(v, t); table != nil && table.Index(t.Name) == nil && !slices.Contains(mark.Indexes, t.Name) {
			mark.Indexes = append(mark.Indexes, t.Name)
		}
	}
	return mark
}

// Undo implements Step. An index that is attached goes with the one above it.
func (s MirrorIndexes) Undo(v View) []Action {
	child := v.Relation(s.Edge.Child)
	if child == nil {
		return nil
	}
	origin, mark := s.Edge.ReadMark(child)
	if origin != Made {
		return nil
	}
	var actions []Action
	for _, t := range s.Edge.Twins {
		table := s.Edge.tableOf(v, t)
		if table == nil {
			continue
		}
		if i := table.Index(t.Name); i != nil && i.Parent == 0 && t.hasShape(i) && slices.Contains(mark.Indexes, t.Name) {
			if t.moved(child, table) {
				return s.Edge.giveBack(child, table, t)
			}
			actions = append(actions, t.drop())
		}
		if table.Index(temporaryName(t.Name)) != nil {
			actions = append(actions, dropOn(table, temporaryName(t.Name)))
		}
	}
	slices.Reverse(actions)
	return actions
}

// Rows implements Step.
func (MirrorIndexes) Rows() RowReader { return nil }

// tableOf returns the table of a twin; nil if it does not exist.
func (e Edge) tableOf(v View, t IndexTwin) *catalog.Table {
	child := v.Relation(e.Child)
	if child == nil {
		return nil
	}
	for _, table := range child.All() {
		if table.Named().Same(t.Table) {
			return table
		}
	}
	return nil
}

// unattached reports whether the twin's index, which may be nil, is not attached to the one above it.
func (t IndexTwin) unattached(child *catalog.Table, i *catalog.Index) bool {
	if t.Above.Name == "" {
		return false
	}
	for _, table := range child.All() {
		if above := table.Index(t.Above.Name); above != nil && table.Schema == t.Above.Schema {
			return i == nil || i.Parent != above.OID
		}
	}
	return true
}

func (t IndexTwin) build() Action {
	if t.Partitioned {
		only := t.Table
		only.Only = true
		return Change{Locks: []lock.Lock{lock.On(only, lock.ShareRowExclusive)}, Statements: []string{t.statement("", only)}}
	}
	return Concurrently{Table: t.Table, Index: t.Name, Build: true, Statement: t.statement("CONCURRENTLY ", t.Table.All())}
}

func (t IndexTwin) drop() Action {
	name := sqltext.Table{Schema: t.Table.Schema, Name: t.Name}
	if t.Partitioned {
		return Change{Locks: []lock.Lock{lock.On(t.Table, lock.AccessExclusive)}, Statements: []string{sqltext.Format("DROP INDEX {}", name)}, Dropped: []string{t.Name}}
	}
	return Concurrently{Table: t.Table, Index: t.Name, Statement: sqltext.Format("DROP INDEX CONCURRENTLY {}", name)}
}

func (t IndexTwin) attach() Action {
	only := t.Table
	only.Only = true
	return Change{Locks: []lock.Lock{lock.On(only, lock.AccessExclusive)}, Statements: []string{
		sqltext.Format("ALTER INDEX {} ATTACH PARTITION {}", t.Above, sqltext.Table{Schema: t.Table.Schema, Name: t.Name}),
	}}
}
