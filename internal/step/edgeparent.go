package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// BuildParentIndex builds the unique index of the parent that a composite foreign key refers to. Several edges may use it:
// the last one that is undone drops it.
type BuildParentIndex struct {
	Edge Edge
}

// parentIndexMark is the comment of an index that rekey made.
const parentIndexMark = "[rekey: index of edges]"

// ID implements Step.
func (s BuildParentIndex) ID() ID { return s.Edge.id("parent-index") }

// Explain implements Step.
func (s BuildParentIndex) Explain() Explanation {
	return Explanation{
		What:     "build unique index " + s.Edge.ParentIndex + " of " + s.Edge.Parent.String() + ", to which the composite foreign key refers",
		Undo:     "drop the index concurrently, unless another foreign key uses it",
		Why:      "a foreign key needs a unique index on exactly its columns",
		Lock:     lockWords(s.Edge.onParent(lock.ShareUpdateExclusive), " on the parent", blocksNobody),
		Scans:    "the parent, twice",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s BuildParentIndex) Check(v View) Outcome {
	return outcomeIf(len(s.Apply(v)) == 0, "no unique index "+s.Edge.ParentIndex)
}

// Apply implements Step.
func (s BuildParentIndex) Apply(v View) []Action {
	e := s.Edge
	i := e.parentIndex(v)
	var actions []Action
	switch {
	case i == nil:
		actions = append(actions, e.buildParentIndex())
	case !e.servesKey(i):
		return []Action{e.buildParentIndex()} // the application's: the build reports that the name is taken
	case !i.Valid:
		actions = append(actions, e.dropParentIndex(), e.buildParentIndex())
	}
	if e.makesParentIndex(v) && (i == nil || text(i.Comment) != parentIndexMark) {
		actions = append(actions, Change{Locks: e.onParent(lock.ShareUpdateExclusive), Statements: []string{
			sqltext.Format("COMMENT ON INDEX {} IS {}", e.parentIndexName(), sqltext.Value(parentIndexMark)),
		}})
	}
	return actions
}

// Undo implements Step.
func (s BuildParentIndex) Undo(v View) []Action {
	e := s.Edge
	i := e.parentIndex(v)
	if i == nil || !e.makesParentIndex(v) || !e.servesKey(i) {
		return nil
	}
	for _, k := range v.Relation(e.Parent).ReferencedBy {
		if k.Index == i.OID {
			return nil
		}
	}
	return []Action{e.dropParentIndex()}
}

// Rows implements Step.
func (BuildParentIndex) Rows() RowReader { return nil }

// makesParentIndex reports whether the mark says that the parent's index is rekey's.
func (e Edge) makesParentIndex(v View) bool {
	child := v.Relation(e.Child)
	if child == nil {
		return false
	}
	origin, mark := e.ReadMark(child)
	return origin == Made && mark.ParentIndex == e.ParentIndex
}

func (e Edge) parentIndex(v View) *catalog.Index {
	if parent := v.Relation(e.Parent); parent != nil {
		return parent.Index(e.ParentIndex)
	}
	return nil
}

// servesKey reports whether an index has the columns of the foreign key. It may be invalid.
func (e Edge) servesKey(i *catalog.Index) bool {
	return i.Unique && i.Immediate && i.Predicate == "" && slices.Equal(i.Columns, e.ParentColumns())
}

func (e Edge) parentIndexName() sqltext.Table {
	return sqltext.Table{Schema: e.Parent.Schema, Name: e.ParentIndex}
}

func (e Edge) onParent(mode lock.Mode) []lock.Lock { return []lock.Lock{lock.On(e.Parent, mode)} }

func (e Edge) buildParentIndex() Action {
	return Concurrently{Table: e.Parent.All(), Index: e.ParentIndex, Column: e.ParentUUID, Build: true, Statement: sqltext.Format(
		"CREATE UNIQUE INDEX CONCURRENTLY {} ON {} (", sqltext.Name(e.ParentIndex), e.Parent.All()) + idents(e.ParentColumns()) + ")"}
}

func (e Edge) dropParentIndex() Action {
	return Concurrently{Table: e.Parent.All(), Index: e.ParentIndex, Statement: sqltext.Format("DROP INDEX CONCURRENTLY {}", e.parentIndexName())}
}
