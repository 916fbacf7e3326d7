package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Build returns the plan. It never fails: Plan.Refusals has every reason why the plan cannot run.
func Build(s Input) Plan {
	if s.Selection != nil {
		return buildSchemaRun(s)
	}
	p := Plan{
		Direction: s.Direction, Profile: s.Profile.Name, SchemaName: s.Schema.Name, Column: s.Profile.Column,
		From: s.Profile.From, To: s.Profile.To,
		Server: s.Server, Schema: s.Schema, Data: s.Data, Parts: s.Parts, values: s.Policy.Values,
	}
	version, refusal := recordedVersion(s)
	p.Version = version
	if refusal != nil {
		p.Refusals = problem.List{refusal}
		return p
	}
	p.Names = s.Profile.NamesAt(version)
	if version > s.Profile.Last {
		p.Unknown = message.UnknownVersion(s.Profile.Name, s.Schema.Name, version, s.Profile.Last)
		p.Notes = append(p.Notes, message.UnknownVersionNote(version, s.Profile.Last))
	}
	p.VerifyOnly = s.Direction == Up && (version >= s.Profile.VerifyFrom || p.Unknown != nil)
	targets := p.targets(s)
	if p.VerifyOnly {
		p.Groups = targets
		return p
	}
	p.Groups = append([]Group{p.functionGroup()}, targets...)
	p.Groups = append(p.Groups, p.versionGroup(s.Profile))
	p.Refusals = refuse(s, p)
	p.Notes, p.Code = notes(s, p), p.code(s)
	if s.Direction == Down {
		p.reverse()
	}
	return p
}

// recordedVersion returns the version that the schema has recorded, and a refusal if the plan cannot start from it.
func recordedVersion(s Input) (int, *problem.Problem) {
	if !s.Schema.Exists {
		return 0, message.NoSchema(s.Schema.Name, s.Elsewhere)
	}
	if !s.Schema.Usage {
		return 0, message.NoUsage(s.Schema.Name, s.Server.Role.Name)
	}
	table := s.Schema.Relation(s.Profile.VersionTable)
	if table == nil || table.Kind != catalog.Ordinary {
		return 0, message.NoVersionTable(s.Schema.Name, s.Profile.VersionTable, s.Elsewhere)
	}
	version, ok := step.Version(table)
	switch {
	case !ok:
		return 0, message.NoVersion(s.Profile.Name, s.Schema.Name, s.Profile.VersionTable, s.Profile.From)
	case s.Direction == Up && version < s.Profile.From:
		return version, message.VersionTooOld(s.Profile.Name, s.Schema.Name, version, s.Profile.From)
	case s.Direction == Down && version > s.Profile.To:
		return version, message.VersionTooNew(s.Profile.Name, s.Schema.Name, version, s.Profile.To)
	}
	return version, nil
}

// targets returns a group for every table that exists and records the absent ones.
func (p *Plan) targets(s Input) []Group {
	var groups []Group
	for _, t := range s.Profile.Tables {
		name := t.NameAt(p.Version)
		table := s.Schema.Relation(name)
		if table == nil {
			p.Absent = append(p.Absent, name)
			continue
		}
		groups = append(groups, p.group(s.Policy.Values, t, profileTarget(p.SchemaName, t, p.Column, table, p.Direction), table))
	}
	return groups
}

// TargetOf returns the names of the objects that a table gets.
func TargetOf(schema, table, column string) step.Target {
	return step.Target{
		Schema: schema, Table: table, Column: column,
		Index:    Name(table, column, "idx"),
		Check:    Name("rekey", column, "not_null"),
		Function: functionOf(schema),
	}
}

func (p *Plan) group(v Values, entry profile.Table, t step.Target, table *catalog.Table) Group {
	t, tooLate := withValueKind(v, entry, t, table)
	g := Group{Table: t.Table, Target: t}
	if p.VerifyOnly {
		g.State, g.Missing = Complete, MissingOfKey(t, table)
		if len(g.Missing) > 0 {
			g.State = Incomplete
		}
		return g
	}
	var cannot *problem.Problem
	g.Order, cannot = chooseOrder(v, entry, t, table)
	for _, found := range []*problem.Problem{tooLate, cannot} {
		if found != nil {
			g.requestProblems = append(g.requestProblems, found)
		}
	}
	g.Steps = []step.Step{
		step.AddColumn{Target: t},
		step.FillColumn{Target: t},
		step.BuildIndex{Target: t},
		step.RequireValue{Target: t},
	}
	if !t.KeepsMark {
		g.Steps = append(g.Steps, step.Settle{Target: t})
	}
	g.Missing = Missing(t, table)
	if p.Direction == Up && !t.Random() {
		g.Kept = p.Data[t.Table].Other
	}
	g.State = stateOf(p.Direction, t, table, g.Missing)
	return g
}

// stateOf returns the state of a table in a direction. On the way down a table without the column is complete.
func stateOf(direction Direction, t step.Target, table *catalog.Table, missing []string) State {
	origin, _ := t.Read(table)
	switch {
	case direction == Down && origin == step.Untouched:
		return Skipped
	case direction == Down && origin == step.Absent, direction == Up && len(missing) == 0:
		return Complete
	case direction == Down, origin == step.Absent:
		return Pending
	default:
		return Incomplete
	}
}

// Missing returns what a table missing, in words; nil if it is complete.
func Missing(t step.Target, table *catalog.Table) []string {
	c := table.Column(t.Column)
	if c == nil {
		return []string{"column"}
	}
	var missing []string
	if !(step.AddColumn{Target: t}).Check(step.View{Table: table}).Done {
		missing = append(missing, "default")
	}
	if !t.HasIndex(table) {
		missing = append(missing, "unique index")
	}
	if anyTable(table, func(one *catalog.Table) bool { return !one.Column(t.Column).NotNull }) {
		missing = append(missing, "NOT NULL")
	}
	proved := func(one *catalog.Table) bool { c := one.Constraint(t.Check); return c != nil && t.Proves(c) }
	if anyTable(table, proved) || (step.Settle{Target: t}).Check(step.View{Table: table}).Reason != "" {
		missing = append(missing, "clean-up")
	}
	return missing
}

// anyTable reports whether holds is true for a table or for one below it. All of them have the table's column.
func anyTable(table *catalog.Table, holds func(*catalog.Table) bool) bool {
	return slices.ContainsFunc(table.All(), holds)
}

// MissingOfKey is Missing for a table whose uuid has become its primary key: the application may set the value
// instead of a default, and any valid unique index is enough.
func MissingOfKey(t step.Target, table *catalog.Table) []string {
	c := table.Column(t.Column)
	if c == nil {
		return []string{"column"}
	}
	var missing []string
	if c.Type != "uuid" {
		missing = append(missing, "type uuid")
	}
	if !table.UniqueOn(t.Column) {
		missing = append(missing, "unique index")
	}
	if !c.NotNull {
		missing = append(missing, "NOT NULL")
	}
	return missing
}

func (p *Plan) functionGroup() Group {
	return Group{Steps: []step.Step{
		step.EnsureFunction{Schema: p.SchemaName}, step.GrantExecute{Schema: p.SchemaName},
	}}
}

func (p *Plan) versionGroup(entry profile.Profile) Group {
	return Group{Table: entry.VersionTable, Steps: []step.Step{
		step.RecordVersion{Schema: p.SchemaName, Table: entry.VersionTable, From: p.From, To: p.To},
	}}
}

func (p *Plan) reverse() {
	slices.Reverse(p.Groups)
	for _, g := range p.Groups {
		slices.Reverse(g.Steps)
	}
}

func functionOf(schema string) sqltext.Table {
	return sqltext.Table{Schema: schema, Name: step.FunctionName}
}

// Name returns the name of an object of a table, as PostgreSQL's makeObjectName does: the longer of table and column is
// shortened, by whole characters, until table_column_kind has at most 63 bytes.
func Name(table, column, kind string) string {
	space := sqltext.MaxIdentifier - len(kind) - 2
	for len(table)+len(column) > space {
		if len(table) > len(column) {
			table = dropLastRune(table)
		} else {
			column = dropLastRune(column)
		}
	}
	return strings.Join([]string{table, column, kind}, "_")
}

func dropLastRune(name string) string {
	runes := []rune(name)
	return string(runes[:len(runes)-1])
}
