package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// RequireUUID makes the uuid column NOT NULL where the integer column is. A validated CHECK proves it first, so that SET NOT
// NULL does not scan the table.
type RequireUUID struct {
	Edge Edge
}

// ID implements Step.
func (s RequireUUID) ID() ID { return s.Edge.id("require-uuid") }

// Explain implements Step.
func (s RequireUUID) Explain() Explanation {
	return Explanation{
		What:     "make " + s.Edge.UUID + " NOT NULL, as " + s.Edge.Column + " is",
		Undo:     "nothing: the column is dropped",
		Why:      "validating a CHECK blocks no reader or writer, and SET NOT NULL then needs no scan",
		Lock:     lockWords(s.Edge.on(lock.AccessExclusive), briefly, ", three times; ") + lockWords(s.Edge.on(lock.ShareUpdateExclusive), " while the rows are read"),
		Scans:    "the table, once, while others read and write",
		UndoneBy: Absorbed,
	}
}

// Check implements Step.
func (s RequireUUID) Check(v View) Outcome {
	child := v.Relation(s.Edge.Child)
	c := child.Column(s.Edge.UUID)
	return outcomeIf(c != nil && c.NotNull && s.Edge.proof(child) == nil, s.Edge.UUID+" may be NULL")
}

// Apply implements Step.
func (s RequireUUID) Apply(v View) []Action {
	e := s.Edge
	child := v.Relation(e.Child)
	c, check := child.Column(e.UUID), e.proof(child)
	var actions []Action
	if c == nil || !c.NotNull {
		if check == nil {
			actions = append(actions, Change{Locks: e.on(lock.AccessExclusive), Guard: e.wiredNow(e.Child), Statements: []string{
				sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID", e.Child, sqltext.Name(e.Check), sqltext.Name(e.UUID)),
			}})
		}
		if check == nil || !check.Validated {
			actions = append(actions, Validate{Table: e.Child, Statement: sqltext.Format("ALTER TABLE {} VALIDATE CONSTRAINT {}", e.Child, sqltext.Name(e.Check))})
		}
		actions = append(actions, Change{Locks: e.on(lock.AccessExclusive), Guard: e.provedNow(), Statements: []string{
			sqltext.Format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", e.Child, sqltext.Name(e.UUID)),
		}})
		return append(actions, e.dropCheck(""))
	}
	if check != nil {
		return []Action{e.dropCheck(e.hasProofNow())}
	}
	return nil
}

// Undo implements Step. The column stays NOT NULL until it is dropped; a CHECK that an interrupted run left goes first.
func (s RequireUUID) Undo(v View) []Action {
	child := v.Relation(s.Edge.Child)
	if child == nil || s.Edge.proof(child) == nil || !s.Edge.made(child) {
		return nil
	}
	return []Action{s.Edge.dropCheck(s.Edge.hasProofNow())}
}

// Rows implements Step.
func (RequireUUID) Rows() RowReader { return nil }

// proof returns the CHECK that proves NOT NULL; nil if there is none.
func (e Edge) proof(child *catalog.Table) *catalog.Constraint { return e.Target().proof(child) }

func (e Edge) hasProofNow() string { return e.Target().hasProofNow() }

func (e Edge) dropCheck(guard string) Action {
	return Change{Locks: e.on(lock.AccessExclusive), Guard: guard, Statements: []string{
		sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", e.Child, sqltext.Name(e.Check)),
	}}
}

// wiredNow returns the guard of a change that needs the triggers: both BEFORE triggers of a table are enabled.
func (e Edge) wiredNow(table sqltext.Table) string {
	if e.Wired != nil {
		return e.Wired.wiredNow(table)
	}
	return sqltext.Format("SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {}::pg_catalog.regclass AND t.tgenabled IN ('O', 'A')"+
		" AND t.tgname IN ({}, {}) HAVING pg_catalog.count(*) = 2", sqltext.Value(sqltext.Qualified(table.Schema, table.Name)),
		sqltext.Value(e.Trigger("i")), sqltext.Value(e.Trigger("u")))
}

// provedNow returns the guard of SET NOT NULL: the triggers fill the column, and a validated CHECK saves the scan.
func (e Edge) provedNow() string {
	return e.wiredNow(e.Child) + sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = {}::pg_catalog.regclass"+
		" AND k.conname = {} AND k.contype = 'c' AND k.convalidated AND pg_catalog.pg_get_expr(k.conbin, k.conrelid) = pg_catalog.format('(%I IS NOT NULL)', {}::text))",
		sqltext.Value(sqltext.Qualified(e.Child.Schema, e.Child.Name)), sqltext.Value(e.Check), sqltext.Value(e.UUID))
}
