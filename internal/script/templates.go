package script

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
)

//go:embed templates
var templates embed.FS

func template(name string, values ...string) string {
	return sqltext.Template(templates, name, values...)
}

// procedure writes the statement that creates a procedure, after the comment that explains it.
func (m *script) procedure(name, schema string) string {
	parts := ofTables()
	if m.linked() {
		parts = ofEdges()
	}
	head, code, _ := strings.Cut(parts.Replace(template(name)), "--- body\n")
	settings := strings.NewReplacer("{procedure_schema}", schema, "{lock_timeout}", millis(m.o.LockTimeout), "{lock_retry_timeout}", millis(m.o.LockRetryTimeout),
		"{batch_time}", millis(m.o.BatchTime), "{pause_factor}", strconv.FormatFloat(m.o.PauseFactor, 'f', 2, 64))
	code = sqltext.Dollar("\n" + settings.Replace(code) + "\n")
	return strings.Replace(settings.Replace(strings.TrimSpace(head)), "{body}", code, 1)
}

func millis(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

// regenerateHint is the hint to generate another script.
func (m *script) regenerateHint() string {
	return condition.Again(string(m.plan.Direction))
}

// versions returns the versions that may be recorded when the script starts: the one for which it was made, and the one
// with which it ends, so that it can be run again.
func (m *script) versions() []int {
	end := m.plan.End()
	if end == m.plan.Version {
		return []int{end}
	}
	return []int{m.plan.Version, end}
}

// check refuses a database for which the script was not made. The statements in then run at the end of the block.
func (m *script) check(settings, lock, then string) string {
	return template("check", "major", strconv.Itoa(m.plan.Server.Major()), "again", m.regenerateHint(), "settings", settings,
		"schema", sqltext.Literal(sqltext.Ident(m.plan.SchemaName)), "version", m.versionCheck(), "scope", sqltext.Literal(m.plan.SchemaName),
		"lock", lock, "tables", condition.List(m.expectedTables()), "settled", m.settled(), "then", then, "function", m.functionChanged(),
		"trusted", m.trusted(), "journal", sqltext.Dollar(trust.JournalQuery), "direction", string(m.plan.Direction), "owner_word", shellWord("found.owner"),
		"edge_column", m.edgeColumn(), "create_privilege_check", m.createPrivilegeCheck(), "function_owner_check", m.functionOwnerCheck(), "code_check", m.codeCheck())
}

// versionCheck refuses any other recorded version than those for which the script was made.
func (m *script) versionCheck() string {
	if !m.plan.Versioned() {
		return ""
	}
	var quoted, texts []string
	for _, version := range m.versions() {
		quoted = append(quoted, sqltext.Literal(strconv.Itoa(version)))
		texts = append(texts, strconv.Itoa(version))
	}
	table := ""
	for _, g := range m.plan.Groups {
		if recordsVersion(g) {
			table = sqltext.Literal(sqltext.Qualified(g.Table.Schema, g.Table.Name))
		}
	}
	if table == "" {
		return "" // the script only concerns edges, at any version
	}
	return template("version", "again", m.regenerateHint(), "version_table", table, "versions", strings.Join(quoted, ", "),
		"versions_text", strings.Join(texts, " or "))
}

// recordsVersion reports whether a group is the one of the table that records the version.
func recordsVersion(g plan.Group) bool { return g.Target.Table == "" && g.Table != (sqltext.Table{}) }

// settled is true for a complete column, whose mark of a made column has been removed.
func (m *script) settled() string {
	if !m.plan.Versioned() {
		return "false"
	}
	return "attnotnull"
}

// trusted returns the roles named with --trust-owner.
func (m *script) trusted() string {
	names := make([]string, len(m.plan.Server.Role.Trusts))
	for i, name := range m.plan.Server.Role.Trusts {
		names[i] = sqltext.Literal(name)
	}
	return "ARRAY[" + strings.Join(names, ", ") + "]::name[]"
}

func (m *script) ownerTrusted(by string) string {
	return trust.OwnerSQL(by, "trusted", m.plan.Server.Major())
}

// shellWord quotes a name for a command line.
func shellWord(name string) string {
	return template("shell_word", "name", name)
}

// createPrivilegeCheck refuses roles that could create a procedure with the name of one of the script's.
func (m *script) createPrivilegeCheck() string {
	if m.o.Format == Psql {
		return ""
	}
	return template("create_privilege", "owner", m.ownerTrusted("a.grantee"))
}

// functionOwnerCheck refuses a function whose owner is not trusted.
func (m *script) functionOwnerCheck() string {
	if m.plan.Direction == plan.Down {
		return ""
	}
	return template("function_owner", "schema", sqltext.Literal(m.plan.SchemaName), "name", sqltext.Literal(step.FunctionName), "owner", m.ownerTrusted("f.proowner"),
		"tables", condition.List(regclasses(m.targetTables())), "owner_word", shellWord("found.owner"))
}

// codeCheck refuses tables whose code the filling would run with privileges that the code's owner does not have.
func (m *script) codeCheck() string {
	type filled struct{ table, column string }
	replica := map[filled]bool{} // for each table that is filled: whether its triggers are turned off
	for _, p := range m.statements {
		for _, t := range p.fills() {
			replica[filled{t.Relation(), t.Column}] = m.replica(p.group, t)
		}
	}
	var tables, columns []string
	for _, g := range m.plan.Groups {
		if work, _ := m.plan.Work(g); !work || g.Target.Table == "" {
			continue
		}
		if column := sqltext.Literal(g.Target.Column); !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
		for _, one := range m.tables(g) {
			off, fills := replica[filled{one.Relation(), one.Column}]
			tables = append(tables, fmt.Sprintf("(%s::oid, %t, %t)", condition.Regclass(one.Name()), off, fills))
		}
		if g.Edge != nil {
			tables = append(tables, fmt.Sprintf("(%s::oid, false, false)", condition.Regclass(g.Edge.Parent)))
		}
	}
	if tables == nil {
		return ""
	}
	return template("code", "tables", condition.List(tables), "columns", "ARRAY["+strings.Join(columns, ", ")+"]::text[]",
		"query", sqltext.Dollar(trust.CodeQuery), "direction", string(m.plan.Direction), "owner_word", shellWord("CASE found.fault WHEN '' THEN found.owner ELSE found.holder END"))
}

// functionChanged is true if the function of this name is neither the one that existed nor the one that the script
// creates.
func (m *script) functionChanged() string {
	if m.plan.Direction == plan.Down {
		return "false"
	}
	known := sqltext.Literal(step.EnsureFunction{Schema: m.plan.SchemaName}.Source(m.plan.Server.Major()))
	if f := m.plan.Schema.Function; f != nil {
		known += ", " + sqltext.Literal(f.SourceMD5)
	}
	return sqltext.Format("EXISTS (SELECT FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace"+
		" WHERE n.nspname = {} AND f.proname = {} AND f.pronargs = 0 AND (f.prokind <> 'f'"+
		" OR f.prorettype <> 'uuid'::regtype OR f.proretset", sqltext.Value(m.plan.SchemaName), sqltext.Value(step.FunctionName)) +
		m.notVolatile() + " OR md5(f.prosrc) NOT IN (" + known + ")))"
}

// notVolatile is true for a function f that cannot be a default because it is not volatile. It is empty if the script
// replaces the function.
func (m *script) notVolatile() string {
	makes := func(p statement) bool { return p.step == (step.EnsureFunction{Schema: m.plan.SchemaName}).ID() }
	if slices.ContainsFunc(m.statements, makes) {
		return ""
	}
	return " OR f.provolatile <> 'v'"
}

// expectedTables returns a row for the state of each table when the script was made.
func (m *script) expectedTables() []string {
	var lines []string
	expect := func(top, t step.Target, kind catalog.Kind, state, mark string) {
		lines = append(lines, fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %s)", condition.Ordinal(len(lines)), sqltext.Literal(t.Relation()), sqltext.Literal(string(kind)),
			sqltext.Literal(top.Relation()), sqltext.Literal(t.Column), sqltext.Literal(state), sqltext.Literal(mark)))
	}
	add := func(top, t step.Target, kind catalog.Kind, state string) { expect(top, t, kind, state, top.Mark()) }
	for _, g := range m.plan.Groups {
		state := "column"
		switch {
		case g.Target.Table == "" && g.Table.Name != "":
			version := plan.TargetOf(m.plan.SchemaName, g.Table.Name, m.plan.Column)
			add(version, version, catalog.Ordinary, "version")
			continue
		case g.Edge != nil:
			m.expectEdge(g, expect)
			continue
		case g.Target.Table == "" || g.State == plan.Skipped || !m.inScript(g):
			continue
		case m.plan.Direction == plan.Down:
			state = "any"
		case origin(g, m.plan.Plan) == step.Absent:
			state = "no column"
		}
		for _, one := range m.tables(g) {
			add(g.Target, one.Target, one.Table.Kind, state)
		}
	}
	for _, name := range m.plan.Absent {
		if m.plan.Direction == plan.Up {
			t := plan.TargetOf(m.plan.SchemaName, name, m.plan.Column)
			add(t, t, catalog.Ordinary, "absent")
		}
	}
	if len(lines) == 0 { // the script only concerns the function
		return []string{"(1, NULL, '', NULL, '', 'absent', '')"}
	}
	return lines
}

// tables returns the table of a group and those below it. Tables without rows have no index, except partitioned ones.
func (m *script) tables(g plan.Group) []step.Part {
	root := m.plan.Plan.Schema.Named(g.Table)
	indexed := map[uint32]string{}
	for _, one := range g.Target.Indexes(root) {
		indexed[one.Table.OID] = one.Index
	}
	var all []step.Part
	for _, table := range root.All() {
		t := g.Target
		t.Schema, t.Table, t.Index = table.Schema, table.Name, indexed[table.OID]
		all = append(all, step.Part{Target: t, Table: table})
	}
	return all
}

// inScript reports whether the script concerns a table. A version covers all tables of its profile; a schema run skips
// tables that are complete.
func (m *script) inScript(g plan.Group) bool {
	work, _ := m.plan.Work(g)
	return work || m.plan.Versioned()
}

func origin(g plan.Group, p plan.Plan) step.Origin {
	found, _ := g.Target.Read(p.View(g).Table)
	return found
}

// completeCheck raises an error if a table is incomplete. It is empty if the script concerns no table.
func (m *script) completeCheck() string {
	var lines []string
	add := func(t step.Target, index string) {
		mark := t.Mark()
		if t.KeepsMark {
			mark = "" // the mark may stay
		}
		lines = append(lines, fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %s)", condition.Ordinal(len(lines)), sqltext.Literal(t.Relation()),
			sqltext.Literal(t.Column), index, sqltext.Literal(t.Check), sqltext.Literal(mark), t.Calls()))
	}
	for _, g := range m.plan.Targets() {
		if !m.inScript(g) {
			continue
		}
		for _, one := range m.tables(g) {
			index := "NULL"
			if one.Index != "" {
				index = sqltext.Literal(one.Index)
			}
			add(one.Target, index)
		}
	}
	for _, name := range m.plan.Absent {
		add(plan.TargetOf(m.plan.SchemaName, name, m.plan.Column), "''")
	}
	if len(lines) == 0 {
		return ""
	}
	message := "the version is not recorded: some tables are incomplete"
	if !m.plan.Versioned() {
		message = "some tables are incomplete"
	}
	return template("complete", "tables", condition.List(lines), "nullable", condition.Nullable(m.plan.Server.Major()), "message", sqltext.Literal(message), "again", m.regenerateHint())
}

// targetTables returns the tables whose default calls the function, and those below them.
func (m *script) targetTables() (tables []sqltext.Table) {
	for _, g := range m.plan.Targets() {
		table := m.plan.Plan.Schema.Named(g.Table)
		if table == nil || table.Kind != catalog.Ordinary && table.Kind != catalog.Partitioned {
			continue
		}
		for _, one := range table.All() {
			tables = append(tables, one.Named())
		}
	}
	return tables
}

func regclasses(tables []sqltext.Table) []string {
	all := make([]string, len(tables))
	for i, table := range tables {
		all[i] = condition.Regclass(table)
	}
	return all
}
