package verify

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
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

// Run counts every table of the profile and compares. The error is a problem of the kind Differs when
// something is wrong, and the report is whole then too.
func Run(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, o survey.Request) (Report, error) {
	situation, err := survey.Read(ctx, pool, server, o)
	if err != nil {
		return Report{}, fault.At(err, "", "survey")
	}
	p := plan.Build(situation)
	if p.Names == nil {
		return Report{}, p.Refusals // not even the tables are known
	}
	if refusal := refused(p); refusal != nil {
		return Report{}, refusal
	}
	kept, moments, err := known(ctx, pool, p.Schema.OIDs(), o.Policy.TrustOwners)
	if err != nil {
		return Report{}, fault.At(err, "", "journal")
	}
	report := Report{Schema: event.FormatVersion, Profile: p.Profile, Prefix: p.SchemaName, Version: p.Version, Absent: append([]string{}, p.Absent...), Skipped: p.Skipped, Tables: []TableReport{}}
	report.Function = function(p)
	report.Function.Unneeded = !p.Function() && situation.Selection != nil || p.VerifyOnly
	report.Notes = report.Function.notes(p)
	for _, g := range p.Targets() {
		table, err := count(ctx, pool, p, g, kept)
		if err != nil {
			return report, fault.At(err, g.Target.String(), "count")
		}
		if table.Order, err = prove(ctx, pool, p, g, moments); err != nil {
			return report, fault.At(err, g.Target.String(), "order")
		}
		report.Tables = append(report.Tables, table)
	}
	if report.Integrity, err = integrity(ctx, pool, p, o.Profile); err != nil {
		return report, err
	}
	return report.judge(p.To, p.VerifyOnly)
}

// refused keeps verify from what the role must not use: a journal and a function of others, and tables whose reading
// runs the code of others.
func refused(p plan.Plan) error {
	var found problem.List
	for _, one := range p.Refusals {
		f := p.Schema.Function
		foreign := one.Code == "foreign_function" && f != nil && trust.OfFunction(p.Server.Role, *f) == trust.Untrusted
		if foreign || one.Code == "journal_foreign" {
			found = append(found, one)
		}
	}
	found = append(found, p.Unreadable()...)
	if found == nil {
		return nil
	}
	return found
}

// known reads how many values of another version each column had before up first looked at it, and what is
// known of its filling; nil where there is no journal.
func known(ctx context.Context, pool *pgxpool.Pool, relations []uint32, trusts []string) (kept map[journal.Column]journal.Original, moments map[journal.Column]journal.Cutoff, err error) {
	err = pg.Read(ctx, pool, func(tx pg.Tx) error {
		present, err := journal.Readable(ctx, tx, trusts...)
		if err != nil || !present {
			return err
		}
		if kept, err = journal.LoadOriginals(ctx, tx, relations...); err != nil {
			return err
		}
		moments, err = journal.LoadCutoffs(ctx, tx, relations...)
		return err
	})
	return kept, moments, err
}

// function says what is known of the function. Only the survey calls one, where the role trusts its owner.
func function(p plan.Plan) FunctionReport {
	report := FunctionReport{Name: p.SchemaName + "." + step.FunctionName, Unprivileged: []string{}}
	f := p.Schema.Function
	if f == nil || p.VerifyOnly { // the keys of the tables come from wherever the kit wants by then
		return report
	}
	report.Exists = true
	report.Unprivileged = append(report.Unprivileged, f.Unprivileged...)
	switch {
	case trust.OfFunction(p.Server.Role, *f) == trust.Untrusted:
		report.Fault = "it belongs to " + f.Owner + ", and is not called"
	case step.FunctionFault(f) != "":
		report.Fault = step.FunctionFault(f)
	case step.FunctionUsable(f, p.Server):
		report.MakesV7 = true
		if step.FunctionOriginal(f) {
			report.Note = plan.CryptoNote(f)
		}
	case f.Proof != nil:
		report.Fault = f.Proof.Reason
	default:
		report.Fault = "its text is not known, and a function of " + f.Owner + " is not called"
	}
	return report
}

// notes are what verify reports that is no difference.
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

// count reads one table in a transaction of its own, so that no snapshot is held for longer than its
// scan.
func count(ctx context.Context, pool *pgxpool.Pool, p plan.Plan, g plan.Group, kept map[journal.Column]journal.Original) (TableReport, error) {
	table := p.Schema.Relation(g.Table)
	report := TableReport{Table: g.Table, Lacks: g.Missing, Unique: plan.Uniqueness(g.Target, table)}
	c := table.Column(g.Target.Column)
	if c == nil || c.Type != "uuid" {
		return report, nil
	}
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		version := inspect.V7
		if g.Target.Random() {
			version = inspect.V4
		}
		counted, err := inspect.Count(ctx, tx, g.Target.Name(), g.Target.Column, version)
		report.Rows, report.Nulls, report.Duplicates, report.NotV7 = counted.Rows, counted.Nulls, counted.Duplicates, counted.Other
		return err
	})
	if g.Target.Random() {
		report.keepRandom(g.Target, table)
	} else {
		report.keep(g.Target, table, kept)
	}
	return report, unreadable(err, g.Target, p.Server.Role)
}

// keep takes the values that were there before up out of the faults. What the journal cannot tell, since
// up never looked at the column or the journal is lost, counts as kept as well: it may have been handed
// out.
func (t *TableReport) keep(target step.Target, table *catalog.Table, kept map[journal.Column]journal.Original) {
	column := journal.Column{Relation: table.OID, Number: int16(table.Column(target.Column).Number)}
	was, noted := kept[column]
	before := was.OtherVersions
	if origin, as := target.Read(table); !noted && origin == step.Found && !as.Unreadable {
		before, noted = as.Other, true
	}
	if !noted {
		before = t.NotV7
	}
	t.Kept = min(t.NotV7, before)
	t.NotV7 -= t.Kept
}

// keepRandom tells which values of another version than 4 are faults: in a column that up made all of them, in
// one that was there before none, since they may have been handed out.
func (t *TableReport) keepRandom(target step.Target, table *catalog.Table) {
	t.Random = true
	if origin, _ := target.Read(table); origin == step.Found {
		t.Kept, t.NotV7 = t.NotV7, 0
	}
	t.NotV4, t.NotV7 = t.NotV7, 0
}

// judge writes down every fault.
func (r Report) judge(to int, verifyOnly bool) (Report, error) {
	r.Differences = []string{}
	for i := range r.Tables {
		faults := r.Tables[i].faults()
		r.Tables[i].OK = len(faults) == 0
		r.Differences = append(r.Differences, faults...)
	}
	r.Differences = append(r.Differences, r.Integrity.faults(r.Tables)...)
	r.Differences = append(r.Differences, r.Function.faults()...)
	if r.Version < to {
		r.Differences = append(r.Differences, message.VersionFault(r.Version, to))
	}
	r.OK = len(r.Differences) == 0
	if r.OK {
		return r, nil
	}
	return r, message.Differences(r.Differences, verifyOnly)
}
