package verify

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/trust"
	"github.com/rekey-pg/rekey/problem"
)

// Run counts the rows of every table of the request and compares the result with the goal. If there are
// differences, it returns a [problem.Problem] of kind Differs together with the complete report.
func Run(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, o survey.Request) (Report, error) {
	input, err := survey.Read(ctx, pool, server, o)
	if err != nil {
		return Report{}, fault.At(err, "", "survey")
	}
	p := plan.Build(input)
	if p.Names == nil {
		return Report{}, p.Refusals // without them the tables are unknown
	}
	if refusal := refusal(p); refusal != nil {
		return Report{}, refusal
	}
	originals, cutoffs, err := loadJournal(ctx, pool, p.Schema.OIDs(), o.Policy.TrustOwners)
	if err != nil {
		return Report{}, fault.At(err, "", "journal")
	}
	report := Report{Profile: p.Profile, SchemaName: p.SchemaName, Version: p.Version, Absent: append([]string{}, p.Absent...), Skipped: p.Skipped, Tables: []TableReport{}}
	report.Function = checkFunction(p)
	report.Function.Unneeded = !p.Function() || p.VerifyOnly
	report.Notes = report.Function.notes(p)
	nodes := &nodeReader{coordinator: pool, nodes: o.Nodes, trusts: o.Policy.TrustOwners}
	if nodes.nodes == nil {
		nodes.nodes = &cluster.Nodes{Coordinator: pool}
		defer nodes.nodes.Close()
	}
	for _, g := range p.Targets() {
		table, err := countTable(ctx, pool, p, g, originals)
		if err != nil {
			return report, fault.At(err, g.Target.String(), "count")
		}
		if table.Order, err = checkOrder(ctx, nodes, p, g, cutoffs); err != nil {
			return report, fault.At(err, g.Target.String(), "order")
		}
		if table.Copies, err = nodes.checkCopies(ctx, g.Target, p.Schema.Named(g.Table)); err != nil {
			return report, fault.At(err, g.Target.String(), "copies")
		}
		report.Tables = append(report.Tables, table)
	}
	if report.Edges, err = countEdges(ctx, pool, p); err != nil {
		return report, err
	}
	report.Edges = append(report.Edges, endedEdges(p)...)
	report.Keys = checkKeys(p)
	if report.Integrity, err = checkIntegrity(ctx, pool, p); err != nil {
		return report, err
	}
	return report.judge(p)
}

// refusal returns the refusals that apply to verify as well: a newer journal, a journal or a function of untrusted owners, and
// tables whose reading runs untrusted code.
func refusal(p plan.Plan) error {
	var found problem.List
	for _, one := range p.Refusals {
		f := p.Schema.Function
		notOurs := one.Code == "unusable_function" && f != nil && trust.OfFunction(p.Server.Role, *f) == trust.Untrusted
		if notOurs || one.Code == "journal_conflict" || one.Code == "journal_newer" {
			found = append(found, one)
		}
	}
	found = append(found, p.Unreadable()...)
	if found == nil {
		return nil
	}
	return found
}

// loadJournal returns how many values of other versions each column had before up, and how it was filled; nil
// without a journal.
func loadJournal(ctx context.Context, pool *pgxpool.Pool, relations []uint32, trusts []string) (originals map[journal.Column]journal.Original, cutoffs map[journal.Column]journal.Cutoff, err error) {
	err = pg.Read(ctx, pool, func(tx pg.Tx) error {
		readable, err := journal.Readable(ctx, tx, trusts...)
		if err != nil || !readable {
			return err
		}
		if originals, err = journal.LoadOriginals(ctx, tx, relations...); err != nil {
			return err
		}
		cutoffs, err = journal.LoadCutoffs(ctx, tx, relations...)
		return err
	})
	return originals, cutoffs, err
}

// checkFunction describes the function without calling it. Only the survey calls a function, if the role trusts its
// owner.
func checkFunction(p plan.Plan) FunctionReport {
	report := FunctionReport{Name: p.SchemaName + "." + step.FunctionName, Unprivileged: []string{}}
	f := p.Schema.Function
	if f == nil || p.VerifyOnly { // at this version the library chooses the default of the keys
		return report
	}
	report.Exists = true
	report.Unprivileged = append(report.Unprivileged, f.Unprivileged...)
	switch {
	case trust.OfFunction(p.Server.Role, *f) == trust.Untrusted:
		report.Fault = "it belongs to " + f.Owner + " and is not called"
	case step.FunctionFault(f) != "":
		report.Fault = step.FunctionFault(f)
	case step.FunctionUsable(f, p.Server):
		report.MakesV7 = true
		if step.FunctionOriginal(f) {
			report.Library, report.Note = f.Original.Library, plan.OriginalNote(f)
		}
	case f.Proof != nil:
		report.Fault = f.Proof.Reason
	default:
		report.Fault = "its text is unknown, and it is not called because it belongs to " + f.Owner
	}
	return report
}

// notes returns what verify reports that is not a difference.
func (f FunctionReport) notes(p plan.Plan) []string {
	var lines []string
	if p.Unknown != nil {
		lines = append(lines, p.Notes...)
	}
	if f.Note != "" && !f.Unneeded {
		lines = append(lines, f.Note)
	}
	return lines
}

// countTable reads one table in a transaction of its own, so that no snapshot is held longer than one scan takes.
func countTable(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, g plan.Group, originals map[journal.Column]journal.Original) (TableReport, error) {
	table := p.Schema.Named(g.Table)
	report := TableReport{Table: g.Table.Name, Missing: g.Missing, Unique: plan.Uniqueness(g.Target, table)}
	c := table.Column(g.Target.Column)
	if c == nil || c.Type != "uuid" {
		return report, nil
	}
	err := guard.Reading(p.Server, table).Read(ctx, pool, func(tx pg.Tx) error {
		version := inspect.V7
		if g.Target.Random() {
			version = inspect.V4
		}
		counted, err := inspect.Count(ctx, tx, g.Target.Name(), g.Target.Column, version)
		report.Rows, report.Nulls, report.Duplicates, report.NotV7 = counted.Rows, counted.Nulls, counted.Duplicates, counted.Other
		return err
	})
	if g.Target.Random() {
		report.countRandom(g.Target, table)
	} else {
		report.excludeKept(g.Target, table, originals)
	}
	return report, explainUnreadable(err, g.Target, p.Server.Role)
}

// excludeKept moves the values that existed before up from NotV7 to Kept. If the journal does not know their
// number, since up has never recorded the column or the journal is lost, all values of other versions count as
// kept: the application may have published them.
func (t *TableReport) excludeKept(target step.Target, table *catalog.Table, originals map[journal.Column]journal.Original) {
	column := journal.Column{Relation: table.OID, Number: int16(table.Column(target.Column).Number)}
	original, known := originals[column]
	earlier := original.OtherVersions
	if origin, as := target.Read(table); !known && origin == step.Found && !as.Unreadable {
		earlier, known = as.Other, true
	}
	if !known {
		earlier = t.NotV7
	}
	t.Kept = min(t.NotV7, earlier)
	t.NotV7 -= t.Kept
}

// countRandom sets NotV4. In a column that up created, all values of other versions than 4 are differences; in one
// that existed before, none is, since the application may have published them.
func (t *TableReport) countRandom(target step.Target, table *catalog.Table) {
	t.Random = true
	if origin, _ := target.Read(table); origin == step.Found {
		t.Kept, t.NotV7 = t.NotV7, 0
	}
	t.NotV4, t.NotV7 = t.NotV7, 0
}

// judge sets the differences of the report.
func (r Report) judge(p plan.Plan) (Report, error) {
	r.Differences = []string{}
	for i := range r.Tables {
		faults := r.Tables[i].differences()
		r.Tables[i].OK = len(faults) == 0
		r.Differences = append(r.Differences, faults...)
	}
	for i := range r.Edges {
		faults := r.Edges[i].differences()
		r.Edges[i].OK = len(faults) == 0
		r.Differences = append(r.Differences, faults...)
	}
	for i := range r.Keys {
		faults := r.Keys[i].differences()
		r.Keys[i].OK = len(faults) == 0
		r.Differences = append(r.Differences, faults...)
	}
	r.Differences = append(r.Differences, r.Integrity.differences(r.Tables)...)
	r.Differences = append(r.Differences, r.Function.differences()...)
	if r.Version < p.To {
		r.Differences = append(r.Differences, message.VersionMismatch(r.Version, p.To))
	}
	r.OK = len(r.Differences) == 0
	if r.OK {
		return r, nil
	}
	if slices.ContainsFunc(r.Edges, func(e EdgeReport) bool { return !e.OK && e.Progress != string(plan.EdgeContracted) }) {
		return r, message.EdgeDifferences(r.Differences, r.equalize())
	}
	if slices.ContainsFunc(r.Keys, func(k KeyReport) bool { return !k.OK }) || slices.ContainsFunc(r.Edges, func(e EdgeReport) bool { return !e.OK }) {
		return r, r.keyDifferences()
	}
	return r, message.Differences(r.Differences, p.VerifyOnly, p.Repair)
}
