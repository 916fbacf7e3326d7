package script

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
)

//go:embed bodies
var bodies embed.FS

// body fills a text's places, {name}, each by what follows its name.
func body(name string, places ...string) string {
	text, err := bodies.ReadFile("bodies/" + name + ".sql")
	if err != nil {
		panic(err) // it is part of the program
	}
	for i := 0; i < len(places); i += 2 {
		places[i] = "{" + places[i] + "}"
	}
	return strings.TrimSpace(strings.NewReplacer(places...).Replace(string(text)))
}

// procedure makes the statement that creates a procedure, behind the comment that tells what it does.
func (m *manuscript) procedure(name, home string) string {
	head, code, _ := strings.Cut(body(name), "--- body\n")
	settings := strings.NewReplacer("{home}", home, "{max_lock}", millis(m.o.LockTimeout), "{patience}", millis(m.o.LockRetryTimeout),
		"{batch_time}", millis(m.o.BatchTime), "{rest}", strconv.FormatFloat(m.o.PauseFactor, 'f', 2, 64))
	code = sqltext.Dollar("\n" + settings.Replace(code) + "\n")
	return strings.Replace(settings.Replace(strings.TrimSpace(head)), "{body}", code, 1)
}

func millis(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

func list(lines []string) string { return "        " + strings.Join(lines, ",\n        ") }

// again says how to get another script.
func (m *manuscript) again() string {
	return sqltext.Literal(fmt.Sprintf("Make the script anew: rekey sql %s. What is done already is committed.", m.plan.Direction))
}

// free reports whether no profile describes the schema: no version is recorded, and what up makes keeps
// its mark.
func (m *manuscript) free() bool { return m.plan.Profile == "" }

// versions are those that may be recorded when the script begins: the one it was made for, and the one
// it ends with, where it is run again.
func (m *manuscript) versions() []int {
	end := m.plan.End()
	if end == m.plan.Version {
		return []int{end}
	}
	return []int{m.plan.Version, end}
}

// check refuses a database that the script was not made for. What follows it is part of the block.
func (m *manuscript) check(settings, lock, then string) string {
	return body("check", "major", strconv.Itoa(m.plan.Server.Major()), "again", m.again(), "settings", settings,
		"schema", sqltext.Literal(sqltext.Ident(m.plan.SchemaName)), "version", m.recorded(), "scope", sqltext.Literal(m.plan.SchemaName),
		"lock", lock, "tables", list(m.states()), "settled", m.settled(), "then", then, "function", m.function(),
		"trusted", m.trusted(), "journal", sqltext.Dollar(trust.JournalQuery), "direction", string(m.plan.Direction), "owner_word", word("found.owner"),
		"creators", m.creators(), "whose", m.whose(), "lent", m.lent())
}

// recorded refuses another version than those that the script was made for.
func (m *manuscript) recorded() string {
	if m.free() {
		return ""
	}
	var quoted, said []string
	for _, version := range m.versions() {
		quoted = append(quoted, sqltext.Literal(strconv.Itoa(version)))
		said = append(said, strconv.Itoa(version))
	}
	table := ""
	for _, g := range m.plan.Groups {
		if record, ok := recording(g); ok {
			table = sqltext.Literal(sqltext.Qualified(record.Schema, record.Table))
		}
	}
	return body("version", "again", m.again(), "version_table", table, "versions", strings.Join(quoted, ", "),
		"versions_said", strings.Join(said, " or "))
}

// settled holds for a column that has lost the mark of a made one since it is whole.
func (m *manuscript) settled() string {
	if m.free() {
		return "false"
	}
	return "attnotnull"
}

// trusted are the owners that the plan's caller named.
func (m *manuscript) trusted() string {
	names := make([]string, len(m.plan.Server.Role.Trusts))
	for i, name := range m.plan.Server.Role.Trusts {
		names[i] = sqltext.Literal(name)
	}
	return "ARRAY[" + strings.Join(names, ", ") + "]::name[]"
}

func (m *manuscript) owned(by string) string {
	return trust.OwnerSQL(by, "trusted", m.plan.Server.Major())
}

// word writes a name for a command line.
func word(name string) string {
	return body("word", "name", name)
}

// creators refuses those who could add a procedure of the script's name.
func (m *manuscript) creators() string {
	if m.o.Format == Psql {
		return ""
	}
	return body("creators", "owner", m.owned("a.grantee"))
}

// whose refuses a function of an owner that is not trusted.
func (m *manuscript) whose() string {
	if m.plan.Direction == plan.Down {
		return ""
	}
	return body("whose", "schema", sqltext.Literal(m.plan.SchemaName), "name", sqltext.Literal(step.FunctionName), "owner", m.owned("f.proowner"),
		"tables", list(m.targets()), "owner_word", word("found.owner"))
}

// lent refuses tables whose code the filling would run with rights that their owner has not.
func (m *manuscript) lent() string {
	replica := map[string]bool{} // of the tables that are filled
	for _, p := range m.pieces {
		if f, ok := p.content.(fill); ok {
			replica[f.target.Relation()] = f.replica
		}
	}
	var tables, columns []string
	for _, g := range m.plan.Targets() {
		if work, _ := m.plan.Work(g); !work {
			continue
		}
		if column := sqltext.Literal(g.Target.Column); !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
		for _, one := range m.tables(g) {
			off, fills := replica[one.Relation()]
			tables = append(tables, fmt.Sprintf("(%s::oid, %t, %t)", regclass(one.Relation()), off, fills))
		}
	}
	if tables == nil {
		return ""
	}
	return body("lent", "tables", list(tables), "columns", "ARRAY["+strings.Join(columns, ", ")+"]::text[]",
		"query", sqltext.Dollar(trust.CodeQuery), "direction", string(m.plan.Direction), "owner_word", word("CASE found.fault WHEN '' THEN found.owner ELSE found.holder END"))
}

// function refuses another function of the name than the one that was there, or the one that is made.
func (m *manuscript) function() string {
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
		m.changed() + " OR md5(f.prosrc) NOT IN (" + known + ")))"
}

// changed holds for a function f that cannot be a default as it is, where the script does not replace it.
func (m *manuscript) changed() string {
	makes := func(p piece) bool { return p.step == (step.EnsureFunction{Schema: m.plan.SchemaName}).ID() }
	if slices.ContainsFunc(m.pieces, makes) {
		return ""
	}
	return " OR f.provolatile <> 'v'"
}

func recording(g plan.Group) (step.RecordVersion, bool) {
	for _, s := range g.Steps {
		if record, ok := s.(step.RecordVersion); ok {
			return record, true
		}
	}
	return step.RecordVersion{}, false
}

// states are the lines of what each table was like when the script was made.
func (m *manuscript) states() []string {
	var lines []string
	add := func(top, t step.Target, kind catalog.Kind, state string) {
		lines = append(lines, fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %s)", place(len(lines)), sqltext.Literal(t.Relation()), sqltext.Literal(string(kind)),
			sqltext.Literal(top.Relation()), sqltext.Literal(t.Column), sqltext.Literal(state), sqltext.Literal(top.Mark())))
	}
	for _, g := range m.plan.Groups {
		state := "column"
		switch {
		case g.Target.Table == "" && g.Table != "":
			version := plan.TargetOf(m.plan.SchemaName, g.Table, m.plan.Column)
			add(version, version, catalog.Ordinary, "version")
			continue
		case g.Target.Table == "" || g.State == plan.Skipped || !m.concerns(g):
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
	if len(lines) == 0 { // only the function has to do with it
		return []string{"(1, NULL, '', NULL, '', 'absent', '')"}
	}
	return lines
}

// tables are the table of a group and those below it. Those without rows have no index, unless it is one of a partitioned table.
func (m *manuscript) tables(g plan.Group) []step.Part {
	root := m.plan.Plan.Schema.Relation(g.Table)
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

// concerns reports whether a table has to do with the script: a version speaks for all tables of its
// profile, and without one a table that is whole is nobody's business.
func (m *manuscript) concerns(g plan.Group) bool {
	work, _ := m.plan.Work(g)
	return work || !m.free()
}

func origin(g plan.Group, p plan.Plan) step.Origin {
	found, _ := g.Target.Read(p.View(g).Table)
	return found
}

// whole proves that every table has reached its goal; it is empty where no table has to do with it.
func (m *manuscript) whole() string {
	var lines []string
	add := func(t step.Target, index string) {
		mark := t.Mark()
		if t.KeepsMark {
			mark = "" // it may stay
		}
		lines = append(lines, fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %s)", place(len(lines)), sqltext.Literal(t.Relation()),
			sqltext.Literal(t.Column), index, sqltext.Literal(t.Check), sqltext.Literal(mark), calls(t)))
	}
	for _, g := range m.plan.Targets() {
		if !m.concerns(g) {
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
	message := "the version is not recorded: not every table is whole"
	if m.free() {
		message = "not every table is whole"
	}
	return body("whole", "tables", list(lines), "nullable", nullable(m.plan.Server.Major()), "message", sqltext.Literal(message), "again", m.again())
}

// grants lets every role that may insert call the function.
func (m *manuscript) grants() string {
	name := sqltext.Qualified(m.plan.SchemaName, step.FunctionName) + "()"
	return body("grant", "tables", list(m.targets()), "function_name", sqltext.Literal(name),
		"function", "to_regprocedure("+sqltext.Literal(name)+")::oid")
}

// targets are the tables whose default the function is to be, and those below them.
func (m *manuscript) targets() (tables []string) {
	for _, g := range m.plan.Targets() {
		table := m.plan.Plan.Schema.Relation(g.Table)
		if table == nil || table.Kind != catalog.Ordinary && table.Kind != catalog.Partitioned {
			continue
		}
		for _, one := range table.All() {
			tables = append(tables, regclass(sqltext.Qualified(one.Schema, one.Name)))
		}
	}
	return tables
}
