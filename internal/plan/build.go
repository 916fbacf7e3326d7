package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Build returns the plan. It never fails: Plan.Refusals has every reason why the plan cannot run.
func Build(s Input) Plan {
	goals := s.Goals()
	p := Plan{
		Direction: s.Direction, Goal: s.Goal, Profile: goals.Profile, SchemaName: s.Schema.Name, Column: goals.Column, Names: goals.Names, Absent: goals.Absent,
		Notes: goals.Notes, Server: s.Server, Schema: s.Schema, Data: s.Data, Parts: s.Parts, EdgeRows: s.EdgeRows, values: s.Policy.Values,
	}
	p.setVersion(goals.Version)
	for _, goal := range goals.Tables {
		p.Groups = append(p.Groups, p.group(goal))
	}
	if p.Refusals = append(refusePhase(s), goals.Refusals...); p.Refusals == nil && s.Direction == Down {
		p.Refusals = refuseLaterPhase(s)
	}
	if p.Refusals != nil || p.VerifyOnly {
		return p
	}
	p.addSchemaGroups(goals)
	var found, same problem.List
	if s.Direction == Up || !s.Goal.AtLeast(Expanded) { // down to the phase expanded or linked leaves the tables as they are
		found, same = refuse(s, p), refuseSameIndex(&p)
	}
	edges := p.addEdges(s, goals)
	keys := append(p.addKeys(s), p.addContract(s)...)
	found = slices.Concat(found, refuseRun(s, p, goals), same)
	goals.addHints(s.Policy, found)
	found = append(append(found, edges...), keys...)
	p.Refusals, p.Skipped = p.split(s.Policy, found)
	p.Relations = p.relations(goals.Choices, found)
	p.Groups = slices.DeleteFunc(p.Groups, func(g Group) bool { return g.State == Refused && s.Policy.SkipRefused })
	if !goals.Function && p.usesFunction() {
		p.Groups = append([]Group{p.functionGroup()}, p.Groups...)
	}
	p.Notes, p.Code = notes(s, p, goals), p.code(s)
	if s.Direction == Down {
		p.reverse()
	}
	return p
}

// setVersion sets what the plan says of the version that the schema records.
func (p *Plan) setVersion(v *VersionGoal) {
	if v != nil {
		p.Version, p.From, p.To = v.Now, v.From, v.To
		p.VerifyOnly, p.Unknown, p.Keyed, p.Repair = v.VerifyOnly, v.Unknown, v.Keyed, v.Repair
	}
}

// addSchemaGroups adds the groups of the schema that the goals name.
func (p *Plan) addSchemaGroups(goals Goals) {
	if goals.Function {
		p.Groups = append([]Group{p.functionGroup()}, p.Groups...)
	}
	if v := goals.Version; v != nil {
		p.Groups = append(p.Groups, p.withTodo(Group{Table: sqltext.Table{Schema: p.SchemaName, Name: v.Table}, Steps: []step.Step{
			step.RecordVersion{Schema: p.SchemaName, Table: v.Table, From: v.From, To: v.To},
		}}))
	}
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

func (p *Plan) group(goal TableGoal) Group {
	goal, tooLate := goal.withValueKind(p.values)
	t, table := goal.Target, goal.Table
	g := Group{Table: t.Name(), Target: t, Phase: Expanded}
	if p.VerifyOnly {
		g.State, g.Missing = Complete, MissingOfKey(t, table)
		if len(g.Missing) > 0 {
			g.State = Incomplete
		}
		return g
	}
	var cannot *problem.Problem
	g.Order, cannot = goal.chooseOrder(p.values)
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
		g.Kept = p.Data[t.Name()].Other
	}
	g.State = stateOf(p.Direction, t, table, g.Missing)
	return p.withTodo(g)
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
	return p.withTodo(Group{Steps: []step.Step{
		step.EnsureFunction{Schema: p.SchemaName}, step.GrantExecute{Schema: p.SchemaName},
	}})
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

// addHints adds to each hint which setting can help.
func (g Goals) addHints(policy Policy, found problem.List) {
	if !g.Renameable {
		return
	}
	for _, p := range found {
		switch p.Code {
		case "column_type", "text_column", "generated_column":
			p.Hint += " Or name the new columns differently: --column public_uuid."
		case "index_name_taken", "index_differs":
			p.Hint += " Or name the indexes differently: --index-name '{table}_{column}_key'."
		}
		if p.Table != "" && !policy.SkipRefused {
			p.Hint = joined(ended(p.Hint), "Or skip the refused tables: --skip-refused.")
		}
	}
}

// split separates the refusals of the run from the refusals of single tables, which --skip-refused skips.
func (p Plan) split(policy Policy, found problem.List) (refusals, skipped problem.List) {
	if !policy.SkipRefused {
		return found, nil
	}
	for _, one := range found {
		if one.Table == "" {
			refusals = append(refusals, one)
		} else {
			skipped = append(skipped, one)
		}
	}
	return refusals, skipped
}

// usesFunction reports whether any table needs the schema's function: it has pending work, or its column calls the
// function already.
func (p Plan) usesFunction() bool {
	return slices.ContainsFunc(p.Targets(), func(g Group) bool {
		if p.workload(g).work {
			return true
		}
		c := p.Schema.Named(g.Table).Column(g.Target.Column)
		return c != nil && g.Target.CallsFunction(c)
	})
}

// Function reports whether the schema's function is part of the plan.
func (p Plan) Function() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return g.Table == (sqltext.Table{}) })
}
