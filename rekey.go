// Package rekey adds UUIDv7 columns to the tables of a live PostgreSQL database, next to their integer keys:
// online, in short transactions, without rewriting a table, and reversibly.
//
// A [Migrator] works on the tables of one [Scope]: a [Schema] or a [Profile]. [Migrator.Up] adds to each table a
// uuid column with a default, fills it, builds a unique index on it and sets it NOT NULL; [Migrator.Down] removes
// what Up made. With [Options].To [Linked], Up also adds a uuid column and foreign key next to each integer foreign key,
// kept equal by triggers. [Migrator.Plan], [Migrator.Status] and [Migrator.Verify] change nothing. Package phoenixkit has
// the profile of PhoenixKit's migration V40.
//
// Errors are of type *[problem.Problem] or [problem.List], and [problem.All] returns both as a list. Use errors.Is with
// the sentinels of package problem.
package rekey

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/internal/setting"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/verify"
)

// Direction is the way a migration goes.
type Direction string

// The directions.
const (
	Up   Direction = "up"   // add the columns
	Down Direction = "down" // remove what up added
)

// Migrator adds uuid columns to the tables of a scope, and removes them. Its methods may be called from
// several goroutines; a lease in the database lets one run at a time work on a schema.
type Migrator struct {
	pool    *pgxpool.Pool
	db      *sql.DB // in place of the pool; see NewFromDB
	scope   Scope
	options Options
	profile *Profile // nil if the scope is a Schema

	following *following // what Progress has read
}

// New returns a Migrator for the tables of the scope. The pool needs room for two connections. A nil options
// means the defaults. New validates every option, and the profile if the scope is one, and returns everything
// that is wrong at once; the error matches [problem.ErrUsage]. It does not connect.
func New(pool *pgxpool.Pool, scope Scope, options *Options) (*Migrator, error) {
	return newMigrator(Migrator{pool: pool, scope: scope}, options)
}

// NewFromDB is [New] for a *sql.DB that was opened with pgx's stdlib, by sql.Open("pgx", …), stdlib.OpenDB or
// stdlib.OpenDBFromPool. A run takes its connections from the DB, one of them for the whole run, and opens no pool
// of its own; a DB with a limit needs room for three. Another driver matches [problem.ErrUsage].
func NewFromDB(db *sql.DB, scope Scope, options *Options) (*Migrator, error) {
	if db != nil && !pg.IsStdlib(db) {
		return nil, message.OtherDriver(pg.ErrDriver)
	}
	return newMigrator(Migrator{db: db, scope: scope}, options)
}

func newMigrator(m Migrator, options *Options) (*Migrator, error) {
	if options != nil {
		m.options = *options
		m.options.Tables = maps.Clone(options.Tables)
	}
	m.following = &following{}
	if m.scope != nil {
		m.profile = profileOf(m.scope)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &m, nil
}

// open returns a Migrator that has a pool, and a context for its connections. The caller must call end.
func (m *Migrator) open(ctx context.Context) (opened *Migrator, with context.Context, end func(), err error) {
	if m.db == nil {
		return m, ctx, func() {}, nil
	}
	with, pool, end, err := pg.WithDB(ctx, m.db)
	if errors.Is(err, pg.ErrDriver) {
		err = message.OtherDriver(err)
	}
	if err != nil {
		return nil, nil, nil, fault.At(err, "", "server")
	}
	copied := *m
	copied.pool = pool
	return &copied, with, end, nil
}

// Plan returns what Up or Down would do. Refusals are in the plan, not in the error.
func (m *Migrator) Plan(ctx context.Context, direction Direction) (_ Plan, err error) {
	defer explain(ctx, "plan", &err)
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return Plan{}, err
	}
	defer end()
	if err := m.checkDirection(direction); err != nil {
		return Plan{}, err
	}
	p, err := m.survey(ctx, direction)
	if err != nil {
		return Plan{}, err
	}
	ahead, err := m.checkAhead(ctx, p)
	if err != nil {
		return Plan{}, err
	}
	p.Refusals = append(p.Refusals, ahead...)
	fillings, err := run.Explain(ctx, m.pool, p)
	if err != nil {
		return Plan{}, err
	}
	doc := describe(p, fillings)
	m.limitNodes(&doc)
	if p.Pending() {
		m.forecast(ctx, p, &doc)
	}
	return doc, nil
}

// Up brings every selected table that exists to its goal and, with a profile, records the version. A second
// call has nothing to do. A call that was stopped, or whose process was killed, is resumed by the same call.
// If the recorded version says that the uuids are the primary keys already, Up only verifies.
//
// The error matches [problem.ErrRefused] if a check failed before the first change, [problem.ErrRunning] if
// another run holds the lease, [problem.ErrStopped] if the run gave up or Stop was called,
// [problem.ErrInterrupted] if Options.Stop was closed or the context ended, [problem.ErrDiffers] if Up only
// verifies and found differences, [problem.ErrUsage] if a name or a time zone does not exist, and
// [problem.ErrFailed] otherwise.
func (m *Migrator) Up(ctx context.Context) (event.Result, error) { return m.run(ctx, plan.Up) }

// Down removes in reverse order what Up made; it returns the same errors as Up. Columns that Up found and completed
// keep their values and get back their default, nullability and index.
func (m *Migrator) Down(ctx context.Context) (event.Result, error) { return m.run(ctx, plan.Down) }

func (m *Migrator) run(ctx context.Context, direction plan.Direction) (event.Result, error) {
	if err := m.checkDirection(Direction(direction)); err != nil {
		return event.Result{}, err
	}
	request, err := m.request(direction)
	if err != nil {
		return event.Result{}, err
	}
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return event.Result{}, fault.Explain("rekey "+string(direction), err)
	}
	defer end()
	speed, err := pace.ParseSpeed(string(m.options.Backfill.Pace))
	if err != nil {
		return event.Result{}, err
	}
	direct := m.direct()
	request.Nodes = m.nodes()
	defer request.Nodes.Close()
	locks := m.options.Locks
	return run.Execute(ctx, run.Job{
		Pool: m.pool, Direct: direct, Request: request, Program: Version(), Options: m.asked(),
		Limits: run.Limits{
			LockTimeout: setting.Or("lock-timeout", locks.Timeout), LockRetryTimeout: setting.Or("lock-retry-timeout", locks.RetryTimeout),
			Speed: speed, BatchTime: m.options.Backfill.BatchTime, MaxImpact: m.options.Backfill.MaxImpact, Signals: m.signals(),
		},
		Emit: m.options.OnEvent, Stop: m.options.Stop, Confirm: m.options.Confirm,
		Forecast: m.options.Forecast.request(),
	})
}

// Status returns the recorded version, the state of every table, and the run that holds the lease, if any.
func (m *Migrator) Status(ctx context.Context) (_ Status, err error) {
	defer explain(ctx, "status", &err)
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return Status{}, err
	}
	defer end()
	p, err := m.anyPhase().survey(ctx, Up)
	if err != nil {
		return Status{}, err
	}
	status := statusOf(p)
	at, err := journal.ActiveRun(ctx, m.pool, m.scope.schemaName(), m.options.Permissions.TrustOwners...)
	if err != nil {
		return Status{}, fault.At(err, "", "journal")
	}
	if at != nil {
		status.Running = &ActiveRun{
			Command: at.Command, Program: at.Program, Host: at.Host, PID: at.PID, Since: at.Since, Silent: at.SinceHeartbeat,
			PausedBy: at.PauseReason, PausedSince: at.PausedAt,
		}
	}
	last, err := m.progress(ctx)
	if err != nil {
		return Status{}, err
	}
	if last != nil && last.Result == nil {
		status.Progress = last
	}
	return status, nil
}

// Verify proves what Up has done by counting every row. If it finds differences, the error matches
// [problem.ErrDiffers] and the report is complete.
func (m *Migrator) Verify(ctx context.Context) (_ Report, err error) {
	defer explain(ctx, "verify", &err)
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return Report{}, err
	}
	defer end()
	request, err := m.anyPhase().request(plan.Up)
	if err != nil {
		return Report{}, err
	}
	server, err := m.server(ctx)
	if err != nil {
		return Report{}, err
	}
	request.Nodes = m.nodes()
	defer request.Nodes.Close()
	report, err := verify.Run(ctx, m.pool, server, request)
	return reportOf(report), err
}

// Pause asks the run that holds the lease of the schema, in any process, to pause before its next batch. It
// returns when the request is recorded; the run reads it within a second. If no run holds the lease, the
// error matches [problem.ErrFailed].
func (m *Migrator) Pause(ctx context.Context) error {
	return m.send(ctx, journal.Request{Verb: journal.Pause})
}

// Resume asks a paused run to continue; see [Migrator.Pause].
func (m *Migrator) Resume(ctx context.Context) error {
	return m.send(ctx, journal.Request{Verb: journal.Resume})
}

// Stop asks the run to end cleanly after its current batch; its call returns an error that matches
// [problem.ErrStopped]. See [Migrator.Pause].
func (m *Migrator) Stop(ctx context.Context) error {
	return m.send(ctx, journal.Request{Verb: journal.Stop})
}

// Tune changes settings of the run; see [Migrator.Pause]. The error matches [problem.ErrUsage] if a value of
// tuning is out of range.
func (m *Migrator) Tune(ctx context.Context, tuning Tuning) error {
	options := Options{Backfill: BackfillOptions{Pace: tuning.Pace, BatchTime: tuning.BatchTime, MaxImpact: tuning.MaxImpact}, Throttle: ThrottleOptions{MaxLag: tuning.MaxLag}}
	if found := setting.Check(settings(nil, nil, options)); len(found) > 0 {
		return found
	}
	return m.send(ctx, journal.Request{
		Verb: journal.Tune, Pace: string(tuning.Pace), BatchTime: tuning.BatchTime, MaxLag: tuning.MaxLag, MaxImpact: tuning.MaxImpact,
	})
}

// Tuning is what [Migrator.Tune] changes. A zero field leaves the setting as it is.
type Tuning struct {
	// Pace is the new pace of the backfill.
	Pace Pace
	// BatchTime is the time that one transaction of the backfill aims at, between 1ms and 10s.
	BatchTime time.Duration
	// MaxLag is how far a standby may lag before the run pauses.
	MaxLag time.Duration
	// MaxImpact is how many times as long as at rest the application's commits and reads may take, between 1.05 and
	// 100, or [NoMaxImpact].
	MaxImpact float64
}

func (m *Migrator) send(ctx context.Context, order journal.Request) (err error) {
	defer explain(ctx, string(order.Verb), &err)
	m, ctx, end, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer end()
	return fault.At(journal.Send(ctx, m.pool, m.scope.schemaName(), order, m.options.Permissions.TrustOwners...), "", "journal")
}

// anyPhase returns the Migrator for calls that read the phase from the catalogue.
func (m *Migrator) anyPhase() *Migrator {
	copied := *m
	copied.options.To = ""
	return &copied
}

// survey reads the database and makes the plan.
func (m *Migrator) survey(ctx context.Context, direction Direction) (plan.Plan, error) {
	request, err := m.request(plan.Direction(direction))
	if err != nil {
		return plan.Plan{}, err
	}
	server, err := m.server(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	request.Nodes = m.nodes() // only their addresses are checked
	input, err := survey.Read(ctx, m.pool, server, request)
	if err != nil {
		return plan.Plan{}, fault.At(err, "", "survey")
	}
	return plan.Build(input), nil
}

func (m *Migrator) server(ctx context.Context) (catalog.Server, error) {
	server, err := inspect.Server(ctx, m.pool)
	if err != nil {
		return server, fault.At(err, "", "server")
	}
	if refusal := plan.CheckServer(server, true); refusal != nil {
		return server, refusal
	}
	return server, nil
}

// explain makes a problem of an error of the server or of the network. If the context has ended, the error
// stays as it is.
func explain(ctx context.Context, command string, err *error) {
	if *err != nil && ctx.Err() == nil {
		*err = fault.Explain("rekey "+command, *err)
	}
}
