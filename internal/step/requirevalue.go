package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// RequireValue makes the column NOT NULL. A validated CHECK proves it first, so that SET NOT NULL does not scan the table.
type RequireValue struct{ Target Target }

// ID implements Step.
func (s RequireValue) ID() ID { return s.Target.id("require-value") }

// Explain implements Step.
func (s RequireValue) Explain() Explanation {
	scans := "the table, once, while others read and write"
	if s.Target.IsTree() {
		scans = "each table below, once, while others read and write; the table above follows without a scan"
	}
	return Explanation{
		What:     "make " + s.Target.Column + " NOT NULL",
		Undo:     "allow NULL again in a column that allowed it before",
		Why:      "validating a CHECK blocks no reader or writer, and SET NOT NULL then needs no scan",
		Lock:     "ACCESS EXCLUSIVE, an instant, three times; SHARE UPDATE EXCLUSIVE while the rows are read",
		Scans:    scans,
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s RequireValue) Check(v View) Outcome {
	c := v.Table.Column(s.Target.Column)
	required := func(t Target, v View) bool { return len(requireNotNull(t, v)) == 0 }
	return outcomeIf(c != nil && c.NotNull && forAllParts(s.Target, v, required), "NULL is allowed")
}

// Apply implements Step. A partitioned table is set NOT NULL after its partitions: PostgreSQL then scans none of them.
func (s RequireValue) Apply(v View) []Action {
	actions := forEachPart(s.Target, v, requireNotNull)
	c := v.Table.Column(s.Target.Column)
	if v.Table.Kind == catalog.Partitioned && (c == nil || !c.NotNull) {
		actions = append(actions, setNotNull(s.Target, s.Target.followsNow()))
	}
	return actions
}

// requireNotNull returns the missing actions for one table. A statement of its own drops the CHECK: in one ALTER TABLE
// with SET NOT NULL, PostgreSQL would drop it first and scan the table under ACCESS EXCLUSIVE.
func requireNotNull(t Target, v View) []Action {
	c := v.Table.Column(t.Column)
	check := t.proof(v.Table)
	var actions []Action
	if c == nil || !c.NotNull {
		if check == nil {
			actions = append(actions, addCheck(t))
		}
		if check == nil || !check.Validated {
			actions = append(actions, validate(t))
		}
		return append(append(actions, setNotNull(t, t.provedNow())), dropCheck(t)...)
	}
	if check != nil {
		return dropCheckNow(t)
	}
	return nil
}

// Undo implements Step.
func (s RequireValue) Undo(v View) []Action {
	if origin, mark := s.Target.Read(v.Table); origin == Found && v.Table.IsTree() {
		return allowNullInTree(s.Target, v.Table, mark)
	}
	return forEachPart(s.Target, v, allowNull)
}

// Rows implements Step.
func (RequireValue) Rows() RowReader { return nil }

func allowNull(t Target, v View) []Action {
	var actions []Action
	origin, mark := t.Read(v.Table)
	if origin == Absent || origin == Untouched {
		return nil // a constraint of that name is the application's
	}
	if t.proof(v.Table) != nil {
		actions = append(actions, dropCheckNow(t)...)
	}
	if c := v.Table.Column(t.Column); origin == Found && mark.Nullable && c.NotNull {
		actions = append(actions, Change{Locks: t.exclusive(), Statements: []string{
			sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", t.Name(), sqltext.Name(t.Column)),
		}})
	}
	return actions
}

// addCheck adds the CHECK to one table only: each child gets its own.
func addCheck(t Target) Action {
	inherit := ""
	if t.Only {
		inherit = " NO INHERIT"
	}
	return Change{Locks: t.ownLock(), Statements: []string{
		sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} IS NOT NULL)", t.Name(), sqltext.Name(t.Check), sqltext.Name(t.Column)) +
			inherit + " NOT VALID",
	}, Guard: t.hasDefaultNow()}
}

func validate(t Target) Action {
	return Validate{Table: t.Name(), Statement: sqltext.Format("ALTER TABLE {} VALIDATE CONSTRAINT {}", t.Name(), sqltext.Name(t.Check))}
}

func setNotNull(t Target, guard string) Action {
	return Change{Locks: t.exclusive(), Guard: guard, Statements: []string{
		sqltext.Format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", t.Name(), sqltext.Name(t.Column)),
	}}
}

// dropCheck drops the CHECK in the transaction of a change whose guard has identified it.
func dropCheck(t Target) []Action { return dropCheckIf(t, "") }

// dropCheckNow drops the CHECK in a change of its own.
func dropCheckNow(t Target) []Action { return dropCheckIf(t, t.hasProofNow()) }

func dropCheckIf(t Target, guard string) []Action {
	return []Action{Change{Locks: t.ownLock(), Guard: guard, Statements: []string{
		sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", t.Name(), sqltext.Name(t.Check)),
	}}}
}

// AfterApply implements Step.
func (s RequireValue) AfterApply(v View) View {
	v, _ = s.Target.copyOf(v)
	for _, table := range v.Table.All() {
		s.Target.withoutCheck(table)
		if c := table.Column(s.Target.Column); c != nil {
			c.NotNull, c.Unproved = true, false
		}
	}
	return v
}

// AfterUndo implements Step.
func (s RequireValue) AfterUndo(v View) View {
	origin, mark := s.Target.Read(v.Table)
	v, _ = s.Target.copyOf(v)
	nullable := mark.nullableTables(v.Table)
	for _, table := range v.Table.All() {
		if c := table.Column(s.Target.Column); c != nil && origin == Found && nullable[table.OID] {
			c.NotNull = false
		}
		s.Target.withoutCheck(table)
	}
	return v
}
