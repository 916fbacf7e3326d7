package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// SwapPrimaryKey builds an index for the new primary key alone and makes the uuid the primary key, in one short transaction. The
// uuid foreign keys stay on the unique index that they have, so that the way back drops the primary key without touching them.
type SwapPrimaryKey struct {
	Key Key
}

// BuildPrimaryIndex builds the unique index that becomes the primary key's.
type BuildPrimaryIndex struct {
	Key Key
}

// ID implements Step.
func (s BuildPrimaryIndex) ID() ID { return s.Key.id("primary-index") }

// ID implements Step.
func (s SwapPrimaryKey) ID() ID { return s.Key.id("swap-primary-key") }

// Explain implements Step.
func (s BuildPrimaryIndex) Explain() Explanation {
	return Explanation{
		What:     "build a unique index on " + idents(s.Key.UUIDs) + " for the primary key alone",
		Undo:     "none: it goes with the primary key",
		Why:      "built now, the switch itself reads no rows; the uuid foreign keys stay on the index that they have",
		Lock:     lockWords(s.Key.on(lock.ShareUpdateExclusive), blocksNobody),
		Scans:    "the table, twice",
		UndoneBy: Absorbed,
	}
}

// Explain implements Step.
func (s SwapPrimaryKey) Explain() Explanation {
	return Explanation{
		What:     "make " + idents(s.Key.UUIDs) + " the primary key in place of " + idents(s.Key.Columns),
		Undo:     "build an index on the integers and make them the primary key again",
		Why:      "the replica identity changes in the same transaction, so that no published row is without one",
		Lock:     lockWords(s.Key.on(lock.AccessExclusive), briefly),
		Scans:    "nothing; its undo reads the table, twice, while others read and write",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s BuildPrimaryIndex) Check(v View) Outcome {
	t := v.Relation(s.Key.Table)
	built, _ := s.Key.next(t, s.Key.UUIDs)
	return outcomeIf(t != nil && (s.Key.Switched(t) || built != nil), "no index for the new primary key")
}

// Check implements Step.
func (s SwapPrimaryKey) Check(v View) Outcome {
	return outcomeIf(s.Key.Switched(v.Relation(s.Key.Table)), idents(s.Key.UUIDs)+" is not the primary key")
}

// next returns the index that is to become the primary key's, or the action that builds it.
func (k Key) next(t *catalog.Table, columns []string) (built *catalog.Index, action Action) {
	want, ok := k.like(t, temporaryName(k.Constraint), columns)
	if !ok {
		return nil, nil
	}
	return builtAs(t, want)
}

// Apply implements Step.
func (s BuildPrimaryIndex) Apply(v View) []Action {
	t := v.Relation(s.Key.Table)
	if t == nil || !s.Key.integers(t) {
		return nil
	}
	if built, action := s.Key.next(t, s.Key.UUIDs); built == nil && action != nil {
		return []Action{action}
	}
	return nil
}

// Undo implements Step. SwapPrimaryKey drops the index with the primary key, and BuildUniqueKey one that is left.
func (BuildPrimaryIndex) Undo(View) []Action { return nil }

// Apply implements Step.
func (s SwapPrimaryKey) Apply(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	if t == nil || !k.integers(t) {
		return nil
	}
	mark, locks := k.Mark(), k.on(lock.AccessExclusive)
	pk, u := primary(t), k.unique(t)
	built, _ := k.next(t, k.UUIDs)
	var statements []string
	switch {
	case t.ReplicaIdentity == "d":
		mark.Identity = IdentityDefault
	case pk.ReplicaIdentity:
		mark.Identity = IdentityPrimary
	}
	if mark.Identity != IdentityKept {
		statements = append(statements, k.identity("USING INDEX "+sqltext.Ident(k.Unique)))
	}
	statements = append(statements, k.swap(t, pk)...)
	statements = append(statements, mark.writeNow(k.index(k.Unique)))
	change := Change{Locks: locks, Statements: statements, Dropped: []string{pk.Name}}
	if u != nil && built != nil {
		change.Guard = k.swapNow(t, k.UUIDs, pk, u, built)
	}
	return []Action{change}
}

// Undo implements Step.
func (s SwapPrimaryKey) Undo(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	if t == nil || !k.Switched(t) {
		return nil
	}
	u := k.unique(t)
	if u == nil {
		return nil // nothing shows that up switched the table
	}
	built, build := k.next(t, k.Columns)
	if built == nil {
		return []Action{build}
	}
	pk := primary(t)
	mark, _ := ReadKeyMark(u)
	statements := k.swap(t, pk)
	switch {
	case !u.ReplicaIdentity: // somebody changed it since
	case mark.Identity == IdentityDefault:
		statements = append(statements, k.identity("DEFAULT"))
	case mark.Identity == IdentityPrimary:
		statements = append(statements, k.identity("USING INDEX "+sqltext.Ident(k.Constraint)))
	}
	return []Action{Change{
		Locks: k.on(lock.AccessExclusive), Statements: append(statements, k.Mark().write(k.index(k.Unique))), Dropped: []string{pk.Name},
		Guard: k.swapNow(t, k.Columns, pk, u, built),
	}}
}

func (k Key) identity(which string) string {
	return sqltext.Format("ALTER TABLE {} REPLICA IDENTITY ", k.Table) + which
}

// swap returns the statements that replace the primary key by one with the index that was built for it, which takes its name, its
// comments and its CLUSTER mark.
func (k Key) swap(t *catalog.Table, pk *catalog.Index) []string {
	statements := []string{
		sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}, ADD CONSTRAINT {} PRIMARY KEY USING INDEX {}", k.Table, sqltext.Name(pk.Constraint), sqltext.Name(k.Constraint), sqltext.Name(temporaryName(k.Constraint))),
	}
	if pk.ConstraintComment != nil {
		statements = append(statements, sqltext.Format("COMMENT ON CONSTRAINT {} ON {} IS {}", sqltext.Name(k.Constraint), k.Table.All(), sqltext.Value(*pk.ConstraintComment)))
	}
	renamed := *pk
	renamed.Name = k.Constraint
	return append(statements, detailsOf(t, &renamed)...)
}

// swapNow returns the guard of the swap: the indexes are valid and as they were read, the columns of the new primary key are NOT
// NULL, so that no row is read, and no foreign key depends on the old one.
func (k Key) swapNow(t *catalog.Table, columns []string, pk, u, built *catalog.Index) string {
	relation := sqltext.Value(sqltext.Qualified(k.Table.Schema, k.Table.Name))
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = sqltext.Format("{}", sqltext.Value(c))
	}
	return indexesAre(t, nil, pk, u, built) +
		sqltext.Format(" AND (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass AND a.attnotnull AND NOT a.attisdropped AND a.attname IN (", relation) +
		strings.Join(names, ", ") + sqltext.Format(")) = {}", len(columns)) +
		sqltext.Format(" AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND f.conindid = {}::pg_catalog.regclass)",
			sqltext.Value(sqltext.Qualified(t.Schema, pk.Name)))
}

// Rows implements Step.
func (BuildPrimaryIndex) Rows() RowReader { return nil }

// Rows implements Step.
func (SwapPrimaryKey) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (BuildPrimaryIndex) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (BuildPrimaryIndex) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (BuildPrimaryIndex) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (BuildPrimaryIndex) UndoScript(View) []Statement { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (SwapPrimaryKey) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (SwapPrimaryKey) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (SwapPrimaryKey) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (SwapPrimaryKey) UndoScript(View) []Statement { return nil }
