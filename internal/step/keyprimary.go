package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/lock"
)

// BuildPrimaryIndex builds the unique index that becomes the primary key's.
type BuildPrimaryIndex struct {
	Key Key
}

// ID implements Step.
func (s BuildPrimaryIndex) ID() ID { return s.Key.id("primary-index") }

// Explain implements Step.
func (s BuildPrimaryIndex) Explain() Explanation {
	e := Explanation{
		What:     "build a unique index on " + idents(s.Key.UUIDs) + " for the primary key alone",
		Undo:     "none: it goes with the primary key",
		Why:      "built now, the switch itself reads no rows; the uuid foreign keys stay on the index that they have",
		Lock:     lockWords(s.Key.on(lock.ShareUpdateExclusive), blocksNobody),
		Scans:    "the table, twice",
		UndoneBy: Absorbed,
	}
	if s.Key.Tree {
		e.Scans = "each partition, twice"
	}
	return e
}

// Check implements Step.
func (s BuildPrimaryIndex) Check(v View) Outcome {
	t, _ := s.Key.table(v)
	known := t != nil && !slices.ContainsFunc(s.Key.parts(t), func(p *keyPart) bool {
		_, ok := p.like("", s.Key.UUIDs)
		return !ok
	})
	return outcomeIf(known && len(s.Apply(v)) == 0, "no index for the new primary key")
}

// Apply implements Step. If the uuids are the primary key, it drops the indexes on the integers that an interrupted down has built.
func (s BuildPrimaryIndex) Apply(v View) []Action {
	k := s.Key
	t, _ := k.table(v)
	if t == nil {
		return nil
	}
	var actions []Action
	for _, p := range k.parts(t) {
		if !k.integers(t) {
			actions = append(actions, p.dropTemporary(temporaryName(p.pk.Name))...)
			continue
		}
		if built, next := p.built(temporaryName(p.pk.Name), k.UUIDs); p.leaf() && built == nil && next != nil {
			actions = append(actions, next)
		}
	}
	return actions
}

// Undo implements Step. SwapPrimaryKey drops the index with the primary key, and BuildUniqueKey one that is left.
func (BuildPrimaryIndex) Undo(View) []Action { return nil }

// Rows implements Step.
func (BuildPrimaryIndex) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (BuildPrimaryIndex) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (BuildPrimaryIndex) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (BuildPrimaryIndex) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (BuildPrimaryIndex) UndoScript(View) []Statement { return nil }
