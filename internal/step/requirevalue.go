package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
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
		Lock:     lockWords(s.Target.exclusive(), briefly, ", three times; ") + lockWords(s.Target.shared(), " while the rows are read"),
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

// ApplyScript implements Step. It returns all four changes of each table, regardless of how much of the CHECK exists. A
// partitioned table follows its partitions.
func (s RequireValue) ApplyScript(v View) (all []Statement) {
	actions := s.Apply(v)
	if len(actions) == 0 {
		return nil
	}
	t := s.Target
	for _, part := range t.Parts(v.Table) {
		all = append(all, requireScript(part.Target, worstOf(v, part.Table))...)
	}
	if v.Table.Kind == catalog.Partitioned && !v.Table.Column(t.Column).NotNull {
		follow := scripted(actions[len(actions)-1], t.Table+"_set_not_null", "make "+t.Column+" of "+t.String()+" NOT NULL",
			t.hasColumn(condition.Nullable(v.Server.Major())))
		follow.Lock, follow.Scans = t.treeWords(follow.Action.Locked()), readsNothing+"; the partitions are NOT NULL"
		all = first(append(all, follow), t.refuseRows(v.Server.Major()))
	}
	return all
}

// requireScript returns the statements of one table that holds rows: only the last one if the column is NOT NULL already.
func requireScript(t Target, worst View) []Statement {
	nullable := t.hasColumn(condition.Nullable(worst.Server.Major()))
	dropProof := func(drop Action) Statement {
		return scripted(drop, t.Table+"_drop_proof",
			t.label("drop the CHECK, in a separate statement: together with SET NOT NULL it would be dropped first, and the table would be scanned"),
			condition.And(t.hasCheck(), condition.Not(nullable)))
	}
	if worst.Table.Column(t.Column).NotNull {
		if drop := onlyOne(requireNotNull(t, worst)); drop != nil {
			return []Statement{dropProof(drop)}
		}
		return nil
	}
	t.withoutCheck(worst.Table)
	actions := requireNotNull(t, worst)
	add := scripted(actions[0], t.Table+"_add_proof", t.label("add a CHECK to prove NOT NULL"),
		condition.And(nullable, condition.Not(t.hasCheck()), t.hasDefaultIn()))
	add.Scans = readsNothing + "; new and updated rows are checked from now on"
	prove := validateScript(t, actions[1], condition.And(nullable, t.hasCheck("NOT p.convalidated")))
	set := scripted(actions[2], t.Table+"_set_not_null", t.label("make "+t.Column+" NOT NULL"),
		condition.And(nullable, t.hasCheck("p.convalidated"), t.hasDefaultIn()))
	set.Scans = readsNothing + "; the validated CHECK proves it"
	if t.Only { // SET NOT NULL recurses to the children
		set = first([]Statement{set}, t.refuseRows(worst.Server.Major()))[0]
	}
	return []Statement{add, prove, set, dropProof(actions[3])}
}

// validateScript returns the statement that validates the CHECK of one table.
func validateScript(t Target, validate Action, needed string) Statement {
	return Statement{
		Name: t.Table + "_validate_proof", What: t.label("validate the CHECK on the existing rows"),
		Lock:  lockWords(validate.Locked(), blocksNobody, ", while the rows are read"),
		Scans: "the table, once, without blocking readers and writers", Needed: needed, Action: validate,
	}
}

const wouldScan = " was added during the run and has rows: SET NOT NULL would scan it under ACCESS EXCLUSIVE"

// refuseRows refuses to continue if SET NOT NULL would have to scan a table below.
func (t Target) refuseRows(major int) string {
	return condition.Refuse(t.Name(), t.Column, condition.And(condition.Nullable(major), "pg_relation_size(a.attrelid) > 0"), wouldScan, "up")
}

// UndoScript implements Step. It drops each leftover CHECK, and makes a column that existed before up nullable again.
func (s RequireValue) UndoScript(v View) (all []Statement) {
	if len(s.Undo(v)) == 0 {
		return nil
	}
	if origin, _ := s.Target.Read(v.Table); origin == Found && v.Table.IsTree() {
		return s.allowTreeScript(v)
	}
	for _, part := range s.Target.Parts(v.Table) {
		view := v
		view.Table = part.Table
		all = append(all, allowScript(part.Target, view)...)
	}
	return all
}

func allowScript(t Target, v View) (all []Statement) {
	actions := allowNull(t, v)
	if len(actions) > 0 && t.proof(v.Table) != nil {
		all = append(all, scripted(actions[0], t.Table+"_drop_proof", t.label("drop the CHECK that an interrupted run left"), t.hasCheck()))
		actions = actions[1:]
	}
	if allow := onlyOne(actions); allow != nil {
		all = append(all, scripted(allow, t.Table+"_allow_null", RequireValue{Target: t}.Explain().Undo,
			t.hasColumn(condition.And("a.attnotnull", t.isFound()))))
	}
	return all
}
