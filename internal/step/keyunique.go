package step

import (
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
	return Explanation{
		What:     "build unique index " + s.Key.Unique + " on the integers, for the foreign keys that refer to them",
		Undo:     "drop the index concurrently",
		Why:      "a foreign key depends on one index; while it depends on the primary key's, that cannot be dropped",
		Lock:     lockWords(s.Key.on(lock.ShareUpdateExclusive), blocksNobody),
		Scans:    "the table, twice",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s BuildUniqueKey) Check(v View) Outcome {
	return outcomeIf(s.Key.unique(v.Relation(s.Key.Table)) != nil, "no unique index "+s.Key.Unique)
}

// Apply implements Step. The index gets its name together with the mark, so that an index of the application's with that name is
// never taken for it.
func (s BuildUniqueKey) Apply(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	if t == nil || k.unique(t) != nil {
		return nil
	}
	want, ok := k.like(t, temporaryName(k.Unique), k.Columns)
	if !ok {
		return nil
	}
	var actions []Action
	if built, next := builtAs(t, want); built == nil {
		actions = append(actions, next)
	}
	return append(actions, Change{Locks: k.on(lock.ShareUpdateExclusive), Statements: []string{
		renameIndexSQL(t, want.Name, k.Unique), k.Mark().write(k.index(k.Unique)),
	}})
}

// Undo implements Step.
func (s BuildUniqueKey) Undo(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	if t == nil || !k.integers(t) {
		return nil
	}
	var actions []Action
	for _, name := range []string{temporaryName(k.Constraint), temporaryName(k.Unique)} {
		if t.Index(name) != nil {
			actions = append(actions, dropOn(t, name))
		}
	}
	if i := k.markedUnique(t); i != nil && len(referencesOn(t, i)) == 0 {
		actions = append(actions, dropOn(t, i.Name))
	}
	return actions
}

// markedUnique is unique, valid or not.
func (k Key) markedUnique(t *catalog.Table) *catalog.Index {
	i := t.Index(k.Unique)
	if i == nil {
		return nil
	}
	if mark, ok := ReadKeyMark(i); !ok || !mark.of(k) {
		return nil
	}
	return i
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

// referencesOn returns the foreign keys of whole tables that depend on an index.
func referencesOn(t *catalog.Table, i *catalog.Index) []catalog.ForeignKey {
	var keys []catalog.ForeignKey
	for _, k := range t.ReferencedBy {
		if k.Index == i.OID && k.Above == 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// reindex returns the action that gives an index a new, higher oid.
func reindex(t *catalog.Table, i *catalog.Index) Action {
	return Concurrently{
		Table: t.Named(), Index: i.Name, Rebuild: true,
		Statement: sqltext.Format("REINDEX INDEX CONCURRENTLY {}", sqltext.Table{Schema: t.Schema, Name: i.Name}),
	}
}
