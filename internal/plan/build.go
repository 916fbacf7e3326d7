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

// Build makes the plan. It never fails: what stands in the way is in Plan.Refusals, all of it.
func Build(s Input) Plan {
	if s.Selection != nil {
		return free(s)
	}
	p := Plan{
		Direction: s.Direction, Profile: s.Profile.Name, SchemaName: s.Schema.Name, Column: s.Profile.Column,
		From: s.Profile.From, To: s.Profile.To,
		Server: s.Server, Schema: s.Schema, Data: s.Data, Parts: s.Parts, values: s.Policy.Values,
	}
	version, refusal := recorded(s)
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
	p.Groups = append([]Group{p.first()}, targets...)
	p.Groups = append(p.Groups, p.last(s.Profile))
	p.Refusals = refuse(s, p)
	p.Notes, p.Code = notes(s, p), p.code(s)
	if s.Direction == Down {
		p.reverse()
	}
	return p
}

// recorded reads the version, and refuses where nothing can be done about it.
func recorded(s Input) (int, *problem.Problem) {
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

// targets makes a group for every table that is there and notes those that are absent.
func (p *Plan) targets(s Input) []Group {
	var groups []Group
	for _, t := range s.Profile.Tables {
		name := t.NameAt(p.Version)
		table := s.Schema.Relation(name)
		if table == nil {
			p.Absent = append(p.Absent, name)
			continue
		}
		groups = append(groups, p.group(s.Policy.Values, t, kitTarget(p.SchemaName, t, p.Column, table, p.Direction), table))
	}
	return groups
}

// TargetOf names what a table is to get.
func TargetOf(schema, table, column string) step.Target {
	return step.Target{
		Schema: schema, Table: table, Column: column,
		Index:    Name(table, column, "idx"),
		Check:    Name("rekey", column, "not_null"),
		Function: functionOf(schema),
	}
}

func (p *Plan) group(v Values, kit profile.Table, t step.Target, table *catalog.Table) Group {
	t, tooLate := valued(v, kit, t, table)
	g := Group{Table: t.Table, Target: t}
	if p.VerifyOnly {
		g.State, g.Missing = Complete, MissingOfKey(t, table)
		if len(g.Missing) > 0 {
			g.State = Incomplete
		}
		return g
	}
	var cannot *problem.Problem
	g.Order, cannot = orderOf(v, kit, t, table)
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

// Lacks says in words what a table is missing of its goal; nothing if it is whole.
func Missing(t step.Target, table *catalog.Table) []string {
	c := table.Column(t.Column)
	if c == nil {
		return []string{"column"}
	}
	var lacks []string
	if !(step.AddColumn{Target: t}).Check(step.View{Table: table}).Done {
		lacks = append(lacks, "default")
	}
	if !t.HasIndex(table) {
		lacks = append(lacks, "unique index")
	}
	if anywhere(table, func(one *catalog.Table) bool { return !one.Column(t.Column).NotNull }) {
		lacks = append(lacks, "NOT NULL")
	}
	proved := func(one *catalog.Table) bool { c := one.Constraint(t.Check); return c != nil && t.Proves(c) }
	if anywhere(table, proved) || (step.Settle{Target: t}).Check(step.View{Table: table}).Reason != "" {
		lacks = append(lacks, "clean-up")
	}
	return lacks
}

// anywhere reports whether something holds of a table or of one below it. A column of the table is one of theirs.
func anywhere(table *catalog.Table, holds func(*catalog.Table) bool) bool {
	return slices.ContainsFunc(table.All(), holds)
}

// LacksOfKey is Lacks for a table whose uuid has become its primary key: the default may have moved
// to the application, and any valid unique index will do.
func MissingOfKey(t step.Target, table *catalog.Table) []string {
	c := table.Column(t.Column)
	if c == nil {
		return []string{"column"}
	}
	var lacks []string
	if c.Type != "uuid" {
		lacks = append(lacks, "type uuid")
	}
	if !table.UniqueOn(t.Column) {
		lacks = append(lacks, "unique index")
	}
	if !c.NotNull {
		lacks = append(lacks, "NOT NULL")
	}
	return lacks
}

func (p *Plan) first() Group {
	return Group{Steps: []step.Step{
		step.EnsureFunction{Schema: p.SchemaName}, step.GrantExecute{Schema: p.SchemaName},
	}}
}

func (p *Plan) last(kit profile.Profile) Group {
	return Group{Table: kit.VersionTable, Steps: []step.Step{
		step.RecordVersion{Schema: p.SchemaName, Table: kit.VersionTable, From: p.From, To: p.To},
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

// Name makes the name of something that belongs to a table, as PostgreSQL's makeObjectName does: the
// longer of table and column is shortened until table_column_kind has 63 bytes, and never inside a
// character.
func Name(table, column, kind string) string {
	space := sqltext.MaxIdentifier - len(kind) - 2
	for len(table)+len(column) > space {
		if len(table) > len(column) {
			table = chop(table)
		} else {
			column = chop(column)
		}
	}
	return strings.Join([]string{table, column, kind}, "_")
}

func chop(name string) string {
	runes := []rune(name)
	return string(runes[:len(runes)-1])
}
