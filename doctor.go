package rekey

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/doctor"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/forecast"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/problem"
)

// Diagnosis is everything that would make a run refuse or crawl: the JSON of `rekey doctor --json`.
type Diagnosis struct {
	// FormatVersion is the version of the JSON, [event.FormatVersion].
	FormatVersion int `json:"format_version"`
	// Command is the direction that was examined.
	Command Direction `json:"command"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// To is the phase that the run would end in, "" if the call does not name one.
	To Phase `json:"to,omitempty"`
	// Server is the version of PostgreSQL, such as "15.18".
	Server string `json:"server"`
	// Database is the name of the database.
	Database string `json:"database"`
	// Role is the role that rekey connects as.
	Role string `json:"role"`
	// Ready is true if a run would begin.
	Ready bool `json:"ready"`
	// NothingToDo is true if a run would change nothing.
	NothingToDo bool `json:"nothing_to_do"`
	// Findings has what would make the run refuse first, then what would slow it, what the role cannot see, and the rest.
	Findings []Finding `json:"findings"`
}

// Finding is one thing that a diagnosis is about.
type Finding struct {
	// Level says what it does to a run.
	Level FindingLevel `json:"level"`
	// Name is the code of a refusal, the name of a risk, or another name such as "pg_monitor".
	Name string `json:"name"`
	// Count is how many of its kind there are, 0 for a fine one.
	Count int `json:"count,omitempty"`
	// Text is the finding, in sentences.
	Text string `json:"text"`
	// Hint is the next command or statement, or "".
	Hint string `json:"hint,omitempty"`
}

// FindingLevel says what a finding does to a run.
type FindingLevel string

// The levels, the gravest first.
const (
	FindingRefuses FindingLevel = "refuses" // the run would not begin
	FindingSlows   FindingLevel = "slows"   // the run would wait, pause or take longer
	FindingHidden  FindingLevel = "hidden"  // the role may not see it
	FindingFine    FindingLevel = "fine"
)

// Diagnose examines what would make Up or Down refuse or crawl now: the refusals of the plan, the lease, pooler, rights, locks,
// long transactions, replication, settings and connections. It reads only and needs no superuser; what the role cannot see is a
// finding of level [FindingHidden]. A diagnosis that is not Ready is no error.
func (m *Migrator) Diagnose(ctx context.Context, direction Direction) (_ Diagnosis, err error) {
	defer explain(ctx, "doctor", &err)
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return Diagnosis{}, err
	}
	defer end()
	if err := m.checkDirection(direction); err != nil {
		return Diagnosis{}, err
	}
	facts, p, err := m.facts(ctx, direction)
	if err != nil {
		return Diagnosis{}, err
	}
	doc := Diagnosis{
		FormatVersion: event.FormatVersion, Command: direction, Schema: m.scope.schemaName(), To: m.options.To, Server: facts.Server.VersionText,
		Database: facts.Server.Database, Role: facts.Server.Role.Name, NothingToDo: !p.Pending() && len(p.Refusals) == 0,
	}
	found := doctor.Examine(facts)
	doc.Ready = doctor.Ready(found)
	for _, f := range found {
		doc.Findings = append(doc.Findings, Finding{Level: FindingLevel(f.Level), Name: f.Name, Count: f.Count, Text: f.Text, Hint: f.Hint})
	}
	return doc, nil
}

// facts reads what a diagnosis is made from. A server on which no run works has no plan.
func (m *Migrator) facts(ctx context.Context, direction Direction) (facts doctor.Facts, p plan.Plan, err error) {
	facts = doctor.Facts{
		Schema: m.scope.schemaName(), Standby: len(m.options.Standbys),
	}
	if facts.Server, err = m.server(ctx); err != nil {
		return facts, p, err
	}
	if refusal := plan.CheckServer(facts.Server, false); refusal != nil {
		facts.Refusals = append(facts.Refusals, refusal)
	}
	if facts.Pooled, err = m.pooled(ctx, facts.Server); err != nil {
		return facts, p, err
	}
	p, err = m.survey(ctx, direction)
	var refused problem.List
	var one *problem.Problem
	switch {
	case errors.As(err, &refused) && problem.ExitCode(err) == 4:
		facts.Refusals = append(facts.Refusals, refused...)
	case errors.As(err, &one) && one.Kind == problem.Refused:
		facts.Refusals = append(facts.Refusals, one)
	case err != nil:
		return facts, p, err
	default:
		facts.Server = p.Server
		if err := m.refusals(ctx, p, &facts); err != nil {
			return facts, p, err
		}
	}
	return facts, p, m.readServer(ctx, p, &facts)
}

// pooled reports whether the connection on which indexes are built goes through a pooler.
func (m *Migrator) pooled(ctx context.Context, server catalog.Server) (bool, error) {
	if m.options.Direct == nil || m.options.Direct == m.pool {
		return server.Pooled, nil
	}
	direct, err := inspect.Server(ctx, m.options.Direct)
	return direct.Pooled, fault.At(err, "", "server")
}

// refusals adds what would refuse the run: what the plan refuses, missing rights, and signals that cannot be read.
func (m *Migrator) refusals(ctx context.Context, p plan.Plan, facts *doctor.Facts) error {
	for _, one := range p.Refusals {
		same := func(other *problem.Problem) bool { return one.Table == "" && other.Code == one.Code }
		if !slices.ContainsFunc(facts.Refusals, same) { // the server refuses it already
			facts.Refusals = append(facts.Refusals, one)
		}
	}
	if p.Unknown != nil {
		facts.Refusals = append(facts.Refusals, p.Unknown)
	}
	if facts.Pending = p.Pending(); !facts.Pending {
		return nil
	}
	ahead, err := m.checkAhead(ctx, p)
	if facts.Refusals = append(facts.Refusals, ahead...); len(facts.Refusals) == 0 {
		facts.Events = p.Server.EventTriggers
	}
	return err
}

// readServer reads what happens on the server, in one short transaction, and the journal.
func (m *Migrator) readServer(ctx context.Context, p plan.Plan, facts *doctor.Facts) error {
	var tables []uint32
	for _, g := range p.Groups {
		if table := p.Schema.Named(g.Table); table != nil {
			for _, one := range table.All() {
				tables = append(tables, one.OID)
			}
		}
	}
	if facts.Server.Standby {
		facts.Here = time.Now()
		return nil // it has no WAL to write, and a run is refused anyway
	}
	err := pg.Read(ctx, m.pool, func(tx pg.Tx) (err error) {
		facts.Health, err = inspect.Health(ctx, tx, tables)
		facts.Here = time.Now()
		return err
	})
	if err != nil {
		return fault.At(err, "", "server")
	}
	if facts.Pending {
		m.readRisks(ctx, p, facts)
	}
	return m.readJournal(ctx, facts)
}

// readRisks adds the risks of the forecast. A forecast that fails is left out.
func (m *Migrator) readRisks(ctx context.Context, p plan.Plan, facts *doctor.Facts) {
	request := m.options.Forecast.request()
	request.Signals, request.Speed = m.signals(), cmp.Or(pace.Speed(m.options.Backfill.Pace), pace.Normal)
	found, err := run.Forecast(ctx, m.pool, p, request)
	if err != nil || found.Forecast.All.Before() == 0 {
		return
	}
	facts.Forecast, facts.Sort = true, found.Forecast.All.Sort
	for _, r := range found.Risks {
		facts.Risks = append(facts.Risks, doctor.Risk{Name: string(r.Name), Text: r.Message, Hint: r.Hint})
	}
	for _, name := range forecast.Names() {
		if !slices.ContainsFunc(found.Risks, func(r forecast.Risk) bool { return r.Name == name }) {
			facts.Without = append(facts.Without, string(name))
		}
	}
}

// readJournal reads the lease and the last run. A fault of the journal refuses a run.
func (m *Migrator) readJournal(ctx context.Context, facts *doctor.Facts) error {
	schema := m.scope.schemaName()
	err := pg.Read(ctx, m.pool, func(tx pg.Tx) error {
		readable, err := journal.Readable(ctx, tx, m.options.Permissions.TrustOwners...)
		if err != nil || !readable {
			return err
		}
		lease, err := journal.LoadLease(ctx, tx, schema)
		if err != nil {
			return err
		}
		if lease != nil {
			facts.Lease = &doctor.Lease{
				Command: lease.Command, Host: lease.Host, PID: lease.PID, Since: lease.Since, Silent: lease.SinceHeartbeat, Live: lease.Live, Paused: lease.PauseReason,
			}
		}
		last, err := journal.Last(ctx, tx, schema)
		if last != nil {
			facts.LastRun = &doctor.LastRun{Command: last.Command, Outcome: last.Outcome, Started: last.Started, Ended: !last.Ended.IsZero()}
		}
		return err
	})
	if one, ok := errors.AsType[*problem.Problem](err); ok {
		if !slices.ContainsFunc(facts.Refusals, func(p *problem.Problem) bool { return p.Code == one.Code }) {
			facts.Refusals = append(facts.Refusals, one)
		}
		return nil
	}
	return fault.At(err, "", "journal")
}
