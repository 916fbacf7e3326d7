package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// DropKey drops the integer columns of a switched primary key that are the table's own, with their sequence and their unique index. The
// mark moves to the index of the primary key. It has no undo.
type DropKey struct {
	Key Key
	// Own are the columns of the key that the step drops: no edge has them. With Keep they stay.
	Own  []string
	Keep bool
	// Unique are the indexes that take the place of those on the columns alone, and Edges the references onto the key that the run drops
	// before.
	Unique []UniqueTwin
	Edges  []Edge
	Known  Known
}

// ColumnSteps returns the steps that give the uuids the indexes of the columns. They precede every drop of the run.
func (s DropKey) ColumnSteps() []Step {
	if len(s.Unique) == 0 {
		return nil
	}
	return []Step{KeepUnique{Table: s.Key.Table, Of: s.Key.Table.String(), Column: idents(s.Own), Twins: s.Unique}}
}

// ID implements Step.
func (s DropKey) ID() ID { return s.Key.id("drop-key") }

// Explain implements Step.
func (s DropKey) Explain() Explanation {
	e := Explanation{
		What:     "drop " + idents(s.Own) + " with its sequence and unique index " + s.Key.Unique,
		Undo:     "nothing: the integers are gone; a restore from a backup has them",
		Why:      "no foreign key refers to it any more",
		Lock:     lockWords(s.Key.on(lock.AccessExclusive), briefly),
		Scans:    "nothing",
		UndoneBy: Never,
	}
	if s.Keep || len(s.Own) == 0 {
		e.What = "write into the comment of the primary key's index that the integers have ended"
		e.Why = "status shows the phase from the mark, and down refuses"
	}
	return e
}

// Check implements Step.
func (s DropKey) Check(v View) Outcome {
	t := v.Relation(s.Key.Table)
	if t == nil {
		return pending("no table " + s.Key.Table.String())
	}
	for _, c := range s.Own {
		if why := s.Known.surprise(t); !s.Keep && t.Column(c) != nil && why != "" {
			return pending(why)
		}
		if !s.Keep && t.Column(c) != nil {
			return pending("column " + c + " exists")
		}
	}
	mark, ok := contractedMark(t)
	return outcomeIf(ok && mark.of(s.Key), "no mark in the comment of the primary key's index")
}

func indexOf(t *catalog.Table, name string) sqltext.Table {
	return sqltext.Table{Schema: t.Schema, Name: name}
}

// contractedMark returns the mark in the comment of the primary key's index.
func contractedMark(t *catalog.Table) (KeyMark, bool) {
	pk := primary(t)
	if pk == nil {
		return KeyMark{}, false
	}
	mark, ok := ReadKeyMark(pk)
	return mark, ok && mark.Contracted
}

// Apply implements Step.
func (s DropKey) Apply(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	if t == nil || !k.Switched(t) || s.Check(v).Done || s.Known.surprise(t) != "" {
		return nil
	}
	for _, one := range s.ColumnSteps() {
		if !one.Check(v).Done {
			return nil
		}
	}
	var statements, dropped []string
	var drops []string
	u := t.Index(k.Unique)
	for _, c := range s.Own {
		if t.Column(c) != nil && !s.Keep {
			statements = append(statements, withoutIdentity(t, c)...)
			drops = append(drops, sqltext.Format("ALTER TABLE {} DROP COLUMN {}", k.Table.All(), sqltext.Name(c)))
			dropped = union(dropped, indexesOn(t, c))
		}
	}
	for _, u := range s.Unique {
		statements = append(statements, u.takePlace(t)...)
	}
	statements = append(statements, drops...)
	if s.Keep && u != nil {
		statements = append(statements, sqltext.Format("COMMENT ON INDEX {} IS NULL", indexOf(t, k.Unique)))
	}
	mark := k.Mark()
	mark.Contracted = true
	pk := primary(t)
	statements = append(statements, sqltext.Format("COMMENT ON INDEX {} IS {}", indexOf(t, pk.Name), sqltext.Value(appendMark(PlainKeyComment(pk.Comment), mark.Comment()))))
	return []Action{Change{Locks: k.on(lock.AccessExclusive), Statements: statements, Guard: s.unusedNow(t), Dropped: dropped}}
}

// unusedNow returns the guard of the drop: the uuids are the primary key, no foreign key refers to the columns, and no trigger of an edge
// reads them.
func (s DropKey) unusedNow(t *catalog.Table) string {
	pk := primary(t)
	relation := sqltext.Value(sqltext.Qualified(t.Schema, t.Name))
	guards := []string{indexesAre(t, nil, pk)}
	if len(s.Own) > 0 && !s.Keep {
		guards = append(guards, s.Known.onlyNow(t))
	}
	for _, u := range s.Unique {
		guards = append(guards, u.validNow())
	}
	for _, e := range s.Edges {
		guards = append(guards, sqltext.Format("NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = pg_catalog.to_regclass({}) AND g.tgname = {})",
			sqltext.Value(sqltext.Qualified(e.Child.Schema, e.Child.Name)), sqltext.Value(e.Trigger("i"))))
	}
	for _, c := range s.Own {
		guards = append(guards, sqltext.Format("NOT EXISTS (SELECT FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = ANY (f.confkey)"+
			" WHERE f.contype = 'f' AND f.confrelid = {}::pg_catalog.regclass AND a.attname = {})", relation, sqltext.Value(c)))
	}
	return strings.Join(guards, " AND ")
}

// Undo implements Step.
func (DropKey) Undo(View) []Action { return nil }

// Rows implements Step.
func (DropKey) Rows() RowReader { return nil }

// OwnColumns returns the columns of a primary key that are the table's own: those that are no edge's and that another column
// replaces.
func (k Key) OwnColumns(edges []string) []string {
	var own []string
	for i, c := range k.Columns {
		if k.UUIDs[i] != c && !slices.Contains(edges, c) {
			own = append(own, c)
		}
	}
	return own
}

// AfterApply implements Step. Scripts do not contract.
func (DropKey) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (DropKey) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (DropKey) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (DropKey) UndoScript(View) []Statement { return nil }
