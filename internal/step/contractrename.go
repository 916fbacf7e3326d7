package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// RenameKeys gives the uuid columns of a contracted table the names of the integers that have ended, in one transaction. It has no undo.
type RenameKeys struct {
	// Table is the table.
	Table sqltext.Table
	// Pairs are the columns: UUID gets the name Integer.
	Pairs []ColumnPair
}

// ID implements Step.
func (s RenameKeys) ID() ID { return ID(s.Table.String() + "/rename-keys") }

// Explain implements Step.
func (s RenameKeys) Explain() Explanation {
	var names []string
	for _, p := range s.Pairs {
		names = append(names, p.UUID+" to "+p.Integer)
	}
	return Explanation{
		What:     "rename " + strings.Join(names, ", "),
		Undo:     "nothing: ALTER TABLE .. RENAME COLUMN by hand",
		Why:      "one transaction: no statement sees some of the old names and some of the new ones",
		Lock:     lockWords([]lock.Lock{lock.On(s.Table, lock.AccessExclusive)}, briefly),
		Scans:    "nothing",
		UndoneBy: Never,
	}
}

// Check implements Step.
func (s RenameKeys) Check(v View) Outcome {
	t := v.Relation(s.Table)
	if t == nil {
		return pending("no table " + s.Table.String())
	}
	for _, p := range s.Pairs {
		if t.Column(p.UUID) != nil || t.Column(p.Integer) == nil {
			return pending("column " + p.UUID + " does not have the name " + p.Integer)
		}
	}
	return done()
}

// Apply implements Step. A name that a column has already is not taken: the statement fails and nothing is renamed.
func (s RenameKeys) Apply(v View) []Action {
	t := v.Relation(s.Table)
	if t == nil || s.Check(v).Done {
		return nil
	}
	var statements []string
	for _, p := range s.Pairs {
		if t.Column(p.UUID) != nil {
			statements = append(statements, sqltext.Format("ALTER TABLE {} RENAME COLUMN {} TO {}", s.Table.All(), sqltext.Name(p.UUID), sqltext.Name(p.Integer)))
		}
	}
	return []Action{Change{Locks: []lock.Lock{lock.On(s.Table.All(), lock.AccessExclusive)}, Statements: append(statements, s.remark(t)...), Guard: s.endedNow(t)}}
}

// remark returns the statement that writes the new names into the mark of the primary key.
func (s RenameKeys) remark(t *catalog.Table) []string {
	mark, ok := contractedMark(t)
	if !ok {
		return nil
	}
	pk := primary(t)
	mark.UUIDs = slices.Clone(mark.UUIDs)
	for i, name := range mark.UUIDs {
		if at := slices.IndexFunc(s.Pairs, func(p ColumnPair) bool { return p.UUID == name }); at >= 0 {
			mark.UUIDs[i] = s.Pairs[at].Integer
		}
	}
	return []string{sqltext.Format("COMMENT ON INDEX {} IS {}", indexOf(t, pk.Name), sqltext.Value(appendMark(PlainKeyComment(pk.Comment), mark.Comment())))}
}

// endedNow returns the guard of the rename: the integers are gone.
func (s RenameKeys) endedNow(t *catalog.Table) string {
	guard := []string{"SELECT WHERE true"}
	for _, p := range s.Pairs {
		if t.Column(p.UUID) != nil {
			guard = append(guard, sqltext.Format("NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass AND a.attname = {} AND NOT a.attisdropped)",
				sqltext.Value(sqltext.Qualified(s.Table.Schema, s.Table.Name)), sqltext.Value(p.Integer)))
		}
	}
	return strings.Join(guard, " AND ")
}

// Undo implements Step.
func (RenameKeys) Undo(View) []Action { return nil }

// Rows implements Step.
func (RenameKeys) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not contract.
func (RenameKeys) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (RenameKeys) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (RenameKeys) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (RenameKeys) UndoScript(View) []Statement { return nil }
