package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// WireEdge adds the uuid column and the triggers that keep it equal to the integer column, in one transaction: no row is
// written with the column and without the triggers.
type WireEdge struct {
	Edge Edge
}

// ID implements Step.
func (s WireEdge) ID() ID { return s.Edge.id("wire") }

// Explain implements Step.
func (s WireEdge) Explain() Explanation {
	e := Explanation{
		What:     "add column " + s.Edge.UUID + " and the triggers that keep it equal to " + s.Edge.Column,
		Undo:     "drop the triggers, their function and the column",
		Why:      "one transaction: every row that is written from then on has both columns, whichever of them the application writes",
		Lock:     changeWords(s.Edge.onTree(lock.AccessExclusive)),
		Scans:    "nothing",
		UndoneBy: ByItself,
	}
	if s.Edge.Inherited {
		e.What = "add the triggers that keep " + s.Edge.UUID + " equal to " + s.Edge.Column
		e.Undo = "drop the triggers and their function; the column goes with the table above"
		e.Why = "the triggers of the table above do not fire for this table"
	}
	return e
}

// Check implements Step.
func (s WireEdge) Check(v View) Outcome {
	e := s.Edge
	child := v.Relation(e.Child)
	if child == nil || child.Column(e.UUID) == nil {
		return pending("no column " + e.UUID)
	}
	if len(s.Apply(v)) > 0 {
		return pending("no triggers, or others, between " + e.Column + " and " + e.UUID)
	}
	why := ""
	if e.made(child) {
		why = e.Unsound(child, v.Relation(e.Parent))
	}
	return outcomeIf(why == "", why)
}

// Apply implements Step.
func (s WireEdge) Apply(v View) []Action {
	e := s.Edge
	child := v.Relation(e.Child)
	c := child.Column(e.UUID)
	switch {
	case c == nil:
		return []Action{Change{Locks: e.onTree(lock.AccessExclusive), Statements: slices.Concat(e.create(), e.add(), e.markMade(v), e.createTriggers(child))}}
	case !e.made(child):
		if !e.Inherited {
			return nil // the application's column
		}
		return []Action{Change{Locks: e.on(lock.AccessExclusive), Statements: slices.Concat(e.create(), e.setDefault(), e.markMade(v), e.createTriggers(child))}}
	}
	return s.repair(child)
}

// repair returns the actions that restore triggers that were dropped, disabled or made by an older rekey.
func (s WireEdge) repair(child *catalog.Table) []Action {
	e := s.Edge
	dropped := e.dropWrong(child)
	allowed := slices.Concat(e.allowNull(child), e.repairDefault(child.Column(e.UUID)))
	statements := slices.Concat(dropped, e.repairFunction(e.triggers(child)), e.createTriggers(child), allowed)
	if len(statements) == 0 {
		return nil
	}
	if _, mark := e.ReadMark(child); mark.Finished { // applications may have written rows without the triggers
		mark.Finished = false
		statements = append(statements, e.comment(mark.Comment(child.Column(e.UUID).Comment))...)
	}
	mode := lock.ShareRowExclusive
	if len(dropped)+len(allowed) > 0 {
		mode = lock.AccessExclusive
	}
	return []Action{Change{Locks: e.on(mode), Statements: statements}}
}

// allowNull returns the statement that lets the uuid be NULL again if the application has dropped NOT NULL of a column of the
// key, or has made the foreign key deferrable. Without it, a row that refers to nothing, or to a later row, fails on a column that
// the application may not know.
func (e Edge) allowNull(child *catalog.Table) []string {
	nullable := func(name string) bool { c := child.Column(name); return c != nil && !c.NotNull }
	if !child.Column(e.UUID).NotNull || (e.Ends && e.NotNull || !e.ChildFirst) && !slices.ContainsFunc(e.keyColumns(), nullable) {
		return nil
	}
	return []string{sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", e.Child, sqltext.Name(e.UUID))}
}

// repairFunction returns the statements that restore the function of the triggers.
func (e Edge) repairFunction(triggers []catalog.Trigger) []string {
	if len(triggers) == 0 {
		return e.create()
	}
	var statements []string
	if e.Owner != "" && triggers[0].FunctionOwner != e.Owner {
		statements = append(statements, sqltext.Format("ALTER FUNCTION {}() OWNER TO {}", e.Function, sqltext.Name(e.Owner)))
	}
	if triggers[0].Source != e.FunctionSource() || !triggers[0].Volatile {
		statements = append(statements, e.FunctionSQL(true))
	}
	if triggers[0].Public {
		statements = append(statements, e.privateSQL())
	}
	return statements
}

// Undo implements Step.
func (s WireEdge) Undo(v View) []Action {
	e := s.Edge
	child := v.Relation(e.Child)
	if child == nil {
		return nil
	}
	if !e.made(child) {
		return nil // the application's
	}
	var statements []string
	for _, kind := range triggerKinds() {
		if child.Trigger(e.Trigger(kind)) != nil {
			statements = append(statements, e.dropTrigger(kind))
		}
	}
	statements = append(statements, e.dropFunction())
	if e.Inherited {
		return []Action{Change{Locks: e.on(lock.AccessExclusive), Statements: slices.Concat(statements, e.dropDefault(), e.unmark(child.Column(e.UUID)))}}
	}
	return []Action{Change{Locks: e.onTree(lock.AccessExclusive), Statements: append(statements, sqltext.Format("ALTER TABLE {} DROP COLUMN {}", e.Child.All(), sqltext.Name(e.UUID)))}}
}

// Rows implements Step.
func (WireEdge) Rows() RowReader { return nil }

// create returns the statements that make the function, which its owner alone may execute. The owner is always set: another
// role may run a script.
func (e Edge) create() []string {
	statements := []string{e.dropFunction(), e.FunctionSQL(false), sqltext.Format("COMMENT ON FUNCTION {}() IS {}", e.Function, sqltext.Value(functionMark))}
	if e.Owner != "" {
		statements = append(statements, sqltext.Format("ALTER FUNCTION {}() OWNER TO {}", e.Function, sqltext.Name(e.Owner)))
	}
	return append(statements, e.privateSQL())
}

// add returns the statements that add the column. Its default is set afterwards, so that existing rows get none.
func (e Edge) add() []string {
	add := sqltext.Format("ALTER TABLE {} ADD COLUMN {} pg_catalog.uuid", e.Child.All(), sqltext.Name(e.UUID))
	if d := e.defaultUUID(); d != "NULL" {
		add += sqltext.Format(", ALTER COLUMN {} SET DEFAULT ", sqltext.Name(e.UUID)) + d
	}
	return []string{add}
}

// repairDefault returns the statement that sets the default of the uuid column after the integer column got another one.
// With an outdated default, a row that is inserted without the column would get that row as its parent.
func (e Edge) repairDefault(c *catalog.Column) []string {
	want := e.defaultUUID()
	switch {
	case want == "NULL" && c.Default == "":
		return nil
	case want == "NULL":
		return []string{sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", e.Child, sqltext.Name(e.UUID))}
	case c.Default == e.defaultText():
		return nil
	}
	return []string{sqltext.Format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT ", e.Child, sqltext.Name(e.UUID)) + want}
}

// defaultText returns the default of the uuid column as the catalogue has it; "" for none.
func (e Edge) defaultText() string {
	if e.defaultUUID() == "NULL" {
		return ""
	}
	return sqltext.Literal(e.Default.UUID) + "::uuid"
}

// DefaultUUID returns the uuid that is the default of an edge's uuid column; "" if it has none.
func DefaultUUID(c *catalog.Column) string {
	text, ok := strings.CutSuffix(c.Default, "'::uuid")
	if !ok {
		return ""
	}
	return strings.TrimPrefix(text, "'")
}

// setDefault and dropDefault change the default of an inherited column in this table alone.
func (e Edge) setDefault() []string {
	if e.defaultUUID() == "NULL" {
		return nil
	}
	return []string{sqltext.Format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT ", e.Child, sqltext.Name(e.UUID)) + e.defaultUUID()}
}

func (e Edge) dropDefault() []string {
	if e.defaultUUID() == "NULL" {
		return nil
	}
	return []string{sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", e.Child, sqltext.Name(e.UUID))}
}

// onTree is like on, with the tables that inherit the column.
func (e Edge) onTree(mode lock.Mode) []lock.Lock {
	return []lock.Lock{lock.On(e.Child.All(), mode)}
}

// triggers returns the triggers of the edge that a table has and that call the edge's own function.
func (e Edge) triggers(child *catalog.Table) []catalog.Trigger {
	var found []catalog.Trigger
	for _, t := range child.Triggers {
		if slices.ContainsFunc(triggerKinds(), func(kind string) bool { return e.Trigger(kind) == t.Name }) && e.owns(t) {
			found = append(found, t)
		}
	}
	return found
}

// HasTriggers reports whether a table has a trigger with the name of one of the edge's.
func (e Edge) HasTriggers(child *catalog.Table) bool {
	return slices.ContainsFunc(triggerKinds(), func(kind string) bool { return child.Trigger(e.Trigger(kind)) != nil })
}

// triggerKinds returns what the names of an edge's triggers end with.
func triggerKinds() []string { return []string{"i", "u", "l"} }

func (e Edge) dropTrigger(kind string) string {
	return sqltext.Format("DROP TRIGGER {} ON {}", sqltext.Name(e.Trigger(kind)), e.Child.All())
}

// dropWrong returns the statements that drop triggers that the edge does not need, that call another function, or that fire at
// other times.
func (e Edge) dropWrong(child *catalog.Table) []string {
	var statements []string
	var functions []sqltext.Table
	for _, kind := range triggerKinds() {
		t := child.Trigger(e.Trigger(kind))
		if t != nil && (kind == "l" && !e.ChildFirst || !e.serves(kind, *t)) {
			statements = append(statements, e.dropTrigger(kind))
			if t.Calls() != e.Function && !slices.Contains(functions, t.Calls()) {
				functions = append(functions, t.Calls())
			}
		}
	}
	for _, f := range functions { // of the table's earlier name
		statements = append(statements, e.dropIfOurs(f, " AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid OPERATOR(pg_catalog.=) f.oid)"))
	}
	return statements
}

// createTriggers returns the statements for the triggers that are missing, or not as they must be.
func (e Edge) createTriggers(child *catalog.Table) []string {
	var statements []string
	for _, kind := range triggerKinds() {
		name := e.Trigger(kind)
		if kind == "l" && !e.ChildFirst {
			continue
		}
		if t := child.Trigger(name); t == nil || !e.serves(kind, *t) {
			statements = append(statements, e.triggerSQL(kind))
			if e.Always {
				statements = append(statements, e.enableSQL(child, name))
			}
			continue
		}
		for _, table := range e.tables(child) {
			if t := table.Trigger(name); t != nil && t.Enabled != e.enabled() {
				statements = append(statements, e.enableSQL(table, name))
			}
		}
	}
	return statements
}

// tables returns the tables on which the edge's triggers are: a partitioned table and its partitions, or the child alone.
func (e Edge) tables(child *catalog.Table) []*catalog.Table {
	if e.Tree {
		return child.All()
	}
	return []*catalog.Table{child}
}

// enabled returns the value of tgenabled that the triggers must have.
func (e Edge) enabled() string {
	if e.Always {
		return "A"
	}
	return "O"
}

func (e Edge) enableSQL(table *catalog.Table, trigger string) string {
	template := "ALTER TABLE {} ENABLE TRIGGER {}"
	if e.Always {
		template = "ALTER TABLE {} ENABLE ALWAYS TRIGGER {}"
	}
	return sqltext.Format(template, sqltext.Table{Schema: table.Schema, Name: table.Name}, sqltext.Name(trigger))
}

// triggerSQL returns the statement that creates one trigger. An UPDATE trigger has no list of columns: with one it would not
// see what an earlier trigger changed.
func (e Edge) triggerSQL(kind string) string {
	names := []any{sqltext.Name(e.Trigger(kind)), e.Child.All()}
	what := "CREATE TRIGGER {} BEFORE INSERT ON {} FOR EACH ROW WHEN ("
	switch {
	case kind == "u":
		what = "CREATE TRIGGER {} BEFORE UPDATE ON {} FOR EACH ROW WHEN ("
	case kind == "l" && e.deferred():
		what = "CREATE CONSTRAINT TRIGGER {} AFTER INSERT OR UPDATE ON {} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ("
	case kind == "l":
		what = "CREATE TRIGGER {} AFTER INSERT OR UPDATE ON {} FOR EACH ROW WHEN ("
	}
	return sqltext.Format(what, names...) + e.whenSQL(kind) + ")" + sqltext.Format(" EXECUTE FUNCTION {}()", e.Function)
}

// whenSQL returns the condition of a trigger.
func (e Edge) whenSQL(kind string) string {
	switch kind {
	case "i":
		return e.names().Replace("{key} IS NOT NULL OR {uuid} IS NOT NULL")
	case "u":
		return e.whenWritten()
	}
	return e.names().Replace("({key} IS NULL) OPERATOR(pg_catalog.<>) ({uuid} IS NULL){and parts given}")
}

// serves reports whether a trigger is the edge's trigger of a kind: it calls the edge's function, and fires when it must.
func (e Edge) serves(kind string, t catalog.Trigger) bool {
	before, inserts, updates := kind != "l", kind != "u", kind != "i"
	fits := t.Row && t.Before == before && t.OnInsert == inserts && t.OnUpdate == updates && !t.OnDelete && len(t.Of) == 0 && t.When != ""
	deferred := kind == "l" && e.deferred()
	return e.owns(t) && fits && t.Deferrable == deferred && t.Deferred == deferred
}

// deferred reports whether the AFTER trigger fires at the end of the transaction. It is deferred for every deferrable foreign
// key: SET CONSTRAINTS may defer the foreign key without the trigger.
func (e Edge) deferred() bool { return e.Reference.Deferrable || !e.Constrained() }

// whenWritten returns the condition of the UPDATE trigger: a side was written, but not by rekey's own filling, which has
// looked the value up itself. Every role may set rekey.fill, so that the condition asks for the owner's rights too.
func (e Edge) whenWritten() string {
	return e.names().Replace("({key} IS DISTINCT FROM {old key} OR {uuid} IS DISTINCT FROM {old uuid}{or parts written})" +
		" AND ({old uuid} IS NULL AND {key} OPERATOR(pg_catalog.=) {old key}{and parts unchanged}" +
		" AND pg_catalog.current_setting('rekey.fill', true) OPERATOR(pg_catalog.=) 'on'" +
		" AND pg_catalog.pg_has_role(current_user, {owner}, 'USAGE')) IS NOT TRUE")
}
