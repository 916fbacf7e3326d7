package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// MoveReferences moves the foreign keys that refer to the integers from the primary key's index to the unique index, or back.
//
// A foreign key cannot be altered to use another index. With named columns PostgreSQL takes the first fitting index by oid, so
// rekey gives the other ones higher oids with REINDEX INDEX CONCURRENTLY. Then each foreign key gets a twin, which is validated
// and takes its place and its name in one transaction: at no time the reference is without a valid foreign key.
type MoveReferences struct {
	Key Key
}

// ID implements Step.
func (s MoveReferences) ID() ID { return s.Key.id("move-references") }

// Explain implements Step.
func (s MoveReferences) Explain() Explanation {
	return Explanation{
		What: "move the foreign keys on the integers to unique index " + s.Key.Unique + ": each gets a twin, which is validated and takes its place",
		Undo: "move them back to the primary key's index in the same way",
		Why:  "the primary key's index can be dropped only if no foreign key depends on it, and no row may be without one",
		Lock: "SHARE ROW EXCLUSIVE on both tables, an instant; SHARE UPDATE EXCLUSIVE while the rows are read; " +
			"ACCESS EXCLUSIVE on both tables, an instant; for each foreign key on its own",
		Scans:    "each referring table, once, while others read and write",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s MoveReferences) Check(v View) Outcome {
	k := s.Key
	t, pk := k.table(v)
	switch {
	case t == nil:
		return pending("no primary key " + k.Constraint)
	case k.unique(t) == nil:
		return pending("no unique index " + k.Unique)
	case len(unfinishedReindexes(t)) > 0:
		return pending("index " + unfinishedReindexes(t)[0].Name + " is left")
	case len(twinKeys(t)) > 0:
		return pending("foreign key " + twinKeys(t)[0].Name + " of " + twinKeys(t)[0].Child.String() + " is left")
	case k.integers(t) && len(referencesOn(t, pk)) > 0:
		on := referencesOn(t, pk)[0]
		return pending("foreign key " + on.Name + " of " + on.Child.String() + " depends on the primary key")
	}
	return done()
}

// Apply implements Step. The foreign keys onto a partitioned table cannot be moved.
func (s MoveReferences) Apply(v View) []Action {
	k := s.Key
	t, pk := k.table(v)
	if t == nil || k.Tree || !k.integers(t) {
		return nil
	}
	to := k.unique(t)
	if to == nil { // a plan asks before the index exists
		to = &catalog.Index{Name: k.Unique, OID: pk.OID}
	}
	return moveAll(v, k, t, pk, to)
}

// Undo implements Step.
func (s MoveReferences) Undo(v View) []Action {
	k := s.Key
	t, pk := k.table(v)
	if t == nil || k.Tree || !k.integers(t) {
		return nil
	}
	from := k.markedUnique(t)
	if from == nil {
		return nil
	}
	return moveAll(v, k, t, from, pk)
}

// moveAll returns the actions that move all foreign keys from one index of a table to another one, and drop what an interrupted run
// has left.
func moveAll(v View, k Key, t *catalog.Table, from, to *catalog.Index) []Action {
	var actions []Action
	for _, i := range unfinishedReindexes(t) {
		actions = append(actions, Concurrently{Table: t.Named(), Index: i.Name, Invalid: true, Statement: dropOn(t, i.Name).SQL()[0]})
	}
	var moves []keyMove
	for _, one := range referencesOn(t, from) {
		moves = append(moves, keyMove{view: v, key: k, table: t, old: one, to: to, child: v.Relation(one.Child)})
	}
	for _, twin := range twinKeys(t) {
		if !slices.ContainsFunc(moves, func(m keyMove) bool { return m.owns(twin) }) {
			actions = append(actions, keyMove{key: k, child: v.Relation(twin.Child)}.drop(twin))
		}
	}
	if len(moves) == 0 {
		return actions
	}
	actions = append(actions, steer(t, to, from.Columns)...)
	for _, m := range moves {
		actions = append(actions, m.actions()...)
	}
	return actions
}

// referencesOn returns the foreign keys that depend on an index, without the twins and the ones of partitions that follow the one of the
// partitioned table.
func referencesOn(t *catalog.Table, i *catalog.Index) []catalog.ForeignKey {
	var keys []catalog.ForeignKey
	for _, k := range t.ReferencedBy {
		if k.Index == i.OID && k.Above == 0 && !isTwinKey(k.Name) {
			keys = append(keys, k)
		}
	}
	return keys
}

// twinKeys returns the twins of foreign keys that refer to a table.
func twinKeys(t *catalog.Table) []catalog.ForeignKey {
	var keys []catalog.ForeignKey
	for _, k := range t.ReferencedBy {
		if k.Above == 0 && isTwinKey(k.Name) {
			keys = append(keys, k)
		}
	}
	return keys
}

// unfinishedReindexes returns the indexes that an interrupted REINDEX CONCURRENTLY of a unique index has left.
func unfinishedReindexes(t *catalog.Table) (left []*catalog.Index) {
	for i := range t.Indexes {
		index := &t.Indexes[i]
		if !index.Valid && slices.ContainsFunc(t.Indexes, func(of catalog.Index) bool { return of.Unique && IsLeftOfReindex(index.Name, of.Name) }) {
			left = append(left, index)
		}
	}
	return left
}

// IsLeftOfReindex reports whether an index has the name of one that REINDEX CONCURRENTLY of another index makes. PostgreSQL shortens
// long names.
// Source: PostgreSQL's manual, REINDEX, Rebuilding Indexes Concurrently.
func IsLeftOfReindex(name, of string) bool {
	const longestCharacter = 4
	for _, suffix := range []string{"_ccnew", "_ccold"} {
		at := strings.LastIndex(name, suffix)
		if at <= 0 || strings.Trim(name[at+len(suffix):], "0123456789") != "" {
			continue
		}
		if before := name[:at]; before == of || strings.HasPrefix(of, before) && len(name) > sqltext.MaxIdentifier-longestCharacter {
			return true
		}
	}
	return false
}

// steer returns the actions after which the next foreign key on the columns depends on an index: the fitting indexes with a lower
// oid get a new one. Source: pg_constraint.conindid as seen on 13, 15 and 18.
func steer(t *catalog.Table, to *catalog.Index, columns []string) []Action {
	var actions []Action
	for i := range t.Indexes {
		index := &t.Indexes[i]
		if index.Name != to.Name && index.OID <= to.OID && couldServe(index, columns) {
			actions = append(actions, Concurrently{
				Table: t.Named(), Index: index.Name, Rebuild: true,
				Statement: sqltext.Format("REINDEX INDEX CONCURRENTLY {}", sqltext.Table{Schema: t.Schema, Name: index.Name}),
			})
		}
	}
	return actions
}

// couldServe reports whether a foreign key on the columns, in any order, could depend on an index.
func couldServe(i *catalog.Index, columns []string) bool {
	return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && !slices.Contains(i.Columns, "") &&
		slices.Equal(slices.Sorted(slices.Values(i.Columns)), slices.Sorted(slices.Values(columns)))
}

// Rows implements Step.
func (MoveReferences) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (MoveReferences) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (MoveReferences) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (MoveReferences) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (MoveReferences) UndoScript(View) []Statement { return nil }
