package run

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/recorder"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/internal/verify"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// Job describes one run.
type Job struct {
	Pool         *pgxpool.Pool
	Direct       *pgxpool.Pool // connects directly to the server; equal to Pool if there is no pooler
	Request      survey.Request
	Limits       Limits
	Program      string // rekey's version, for the journal
	Emit         event.Sink
	Stop         <-chan struct{}
	Options      []event.Option                   // the options that were given, for the record of the run
	Confirm      string                           // the name of the schema whose integers may be dropped
	BeforeAction func(step.ID, step.Action) error // see [Executor]
	Forecast     ForecastRequest
}

// Execute plans, acquires the lease, plans again under the lease, and executes the plan. The last event of every
// run, even of a refused one, is [event.Result], which Execute also returns. The error is a [problem.Problem] or a
// [problem.List].
func Execute(ctx context.Context, job Job) (event.Result, error) {
	start := time.Now()
	recorded := recorder.New(ctx, job.Pool, job.Request.Schema)
	job.Emit = serialize(both(recorded.Event, job.Emit))
	result := event.Result{Command: string(job.Request.Direction), Schema: job.Request.Schema}
	var lease *journal.Lease
	defer func() { release(ctx, lease) }()
	err := job.executeOnServer(ctx, &result, &lease, recorded)
	if err != nil {
		err = explain(ctx, result.Command, err)
		result.Problems = problem.All(err)
		result.Exit = problem.ExitCode(err)
	}
	result.OK = err == nil
	result.Elapsed = time.Since(start)
	lost := recorded.Finish(ctx, result)
	release(ctx, lease) // later: without a lease and a result the run would look killed
	lease = nil
	if lost > 0 {
		job.Emit.Emit(recorder.LostNotice(lost))
	}
	job.Emit.Emit(result)
	return result, err
}

// release releases the lease of a run, if it has one, however the run ended; otherwise the next run would have to wait until it expires.
func release(ctx context.Context, lease *journal.Lease) {
	switch {
	case lease == nil:
	case ctx.Err() != nil || isLost(lease):
		_ = lease.ReleaseWithin(ctx, shortTimeout)
	default:
		_ = lease.Release(ctx)
	}
}

// executeOnServer executes the job. A run that was refused, or had nothing to do, reports its environment too.
func (j Job) executeOnServer(ctx context.Context, result *event.Result, held **journal.Lease, recorded *recorder.Recorder) error {
	server, err := j.inspectServers(ctx)
	if err != nil {
		return fault.At(err, "", "server")
	}
	j.Request.Nodes = j.nodes()
	defer j.Request.Nodes.Close()
	err = j.execute(ctx, server, result, held)
	if !recorded.Begun() {
		j.Emit.Emit(j.environment(ctx, server, plan.Plan{}))
	}
	return err
}

// execute sets held to the lease once it has it. The caller releases it.
func (j Job) execute(ctx context.Context, server catalog.Server, result *event.Result, held **journal.Lease) error {
	p, err := j.plan(ctx, server, result)
	if err != nil {
		return err
	}
	for _, name := range p.Absent {
		j.Emit.Emit(event.TableAbsent{Table: j.Request.Schema + "." + name})
	}
	if p.VerifyOnly {
		if err := checkVerifyOnly(p); err != nil {
			return err
		}
	}
	if p.VerifyOnly {
		result.NothingToDo, result.Tables = true, len(p.Targets())
		_, err := verify.Run(ctx, j.Pool, server, j.Request)
		return err
	}
	if !p.Pending() {
		j.reportSkipped(p)
		result.NothingToDo = true
		result.Tables = len(p.Targets())
		return nil
	}
	if err := j.checkConfirmed(p); err != nil {
		return err
	}
	if err := journal.Ensure(ctx, j.Pool, j.Request.Policy.TrustOwners...); err != nil {
		return fault.At(explainEventTrigger(server, "the journal in schema rekey", err), "", "journal")
	}
	lease, err := journal.Acquire(ctx, j.Pool, j.Request.Schema, journal.Here(j.Program, result.Command))
	if err != nil {
		return fault.At(err, "", "lease")
	}
	*held = lease
	return j.runUnderLease(ctx, server, lease, result)
}

// runUnderLease plans and runs under the lease, and cancels the current statement when the lease is lost, since
// another run may then be active.
func (j Job) runUnderLease(ctx context.Context, server catalog.Server, lease *journal.Lease, result *event.Result) error {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-lease.Lost():
			cancel(journal.ErrLost)
		case <-working.Done():
		}
	}()
	err := j.planAndRun(working, server, lease, result)
	if err == nil || ctx.Err() != nil || !isLost(lease) {
		return err
	}
	if why := lease.LostReason(); !errors.Is(why, journal.ErrLost) {
		return message.LeaseExpired(fault.Reason(why), err)
	}
	return message.LeaseLost()
}

func isLost(lease *journal.Lease) bool {
	select {
	case <-lease.Lost():
		return true
	default:
		return false
	}
}

// checkVerifyOnly returns the differences from the goal, for a version at which the uuids are the primary keys
// already.
func checkVerifyOnly(p plan.Plan) error {
	var lines []string
	for _, g := range p.Targets() {
		for _, part := range g.Missing {
			lines = append(lines, g.String()+": no "+part)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return message.Differences(lines, true, p.Repair)
}

// planAndRun plans again, since another run may have been active until the lease was acquired, and executes the
// plan.
func (j Job) planAndRun(ctx context.Context, server catalog.Server, lease *journal.Lease, result *event.Result) error {
	p, err := j.plan(ctx, server, result)
	if err != nil {
		return err
	}
	if err := j.prove(ctx, p); err != nil {
		return err
	}
	id, err := j.beginRun(ctx, p)
	if err != nil {
		return fault.At(err, "", "journal")
	}
	tables, rows := p.PendingTables()
	edges, edgeRows := p.PendingEdges()
	j.Emit.Emit(event.RunStarted{
		Run: id, Command: result.Command, Schema: p.SchemaName, From: p.Version, To: p.End(), Tables: tables, Edges: edges, Keys: p.PendingKeys(), Rows: rows + edgeRows,
	})
	j.Emit.Emit(j.environment(ctx, server, p))
	j.reportSkipped(p)
	measuring := j.forecast(ctx, p)
	bgCtx, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	speed := pace.New(j.Limits.Speed, j.Limits.BatchTime)
	speed.SetMaxImpact(j.Limits.MaxImpact)
	j.Limits.Signals.Standbys = j.Request.Standbys
	watch := throttle.Start(bgCtx, j.Pool, speed, j.Limits.Signals, j.Emit)
	requests := listenForRequests(bgCtx, lease, controls{speed, watch}, j.Stop)
	pausesRecorded := recordPauses(bgCtx, speed, lease)
	executor := Executor{
		Nodes: j.Request.Nodes, Holder: journal.Here(j.Program, result.Command),
		Pool: j.Pool, Direct: j.Direct, Plan: p, Limits: j.Limits, Pace: speed, Watch: watch, Lease: lease, Emit: j.Emit,
		Stop: requests.stop, StopReason: requests.stopReason, BeforeAction: j.BeforeAction, Standbys: j.Request.Standbys,
		Meter: measuring,
	}
	outcome, err := executor.Run(ctx)
	stopBackground()
	watch.Wait()
	<-pausesRecorded
	measuring.report(ctx)
	result.Tables, result.Edges, result.Keys, result.Rows, result.Locks = outcome.Tables, outcome.Edges, outcome.Keys, outcome.Rows, outcome.Locks
	if err == nil {
		result.Version = max(p.End(), p.Version)
		if p.Direction == plan.Down {
			result.Version = min(p.End(), p.Version)
		}
	}
	endErr := j.endRun(ctx, id, err, outcome)
	if err != nil {
		return err // the run's own error matters more: the next run records this one as abandoned
	}
	return fault.At(endErr, "", "journal")
}

// nodes returns how to connect to the nodes of a cluster. Default: as pg_dist_node names them, with the settings of Direct.
func (j Job) nodes() *cluster.Nodes {
	if j.Request.Nodes != nil {
		return j.Request.Nodes
	}
	return &cluster.Nodes{Coordinator: j.Direct}
}

// reportSkipped reports the references that the run skips, each with the reason, and the primary keys that stay because references
// connect them with refused ones.
func (j Job) reportSkipped(p plan.Plan) {
	for _, l := range p.Links {
		if l.State == plan.Skipped && p.Direction == plan.Up && p.Goal.AtLeast(plan.Linked) {
			j.Emit.Emit(event.Notice{Table: l.String(), Text: "skipped: " + l.Why})
		}
	}
	if skipped, refused := p.WithoutRefused(); len(skipped) > 0 && p.Direction == plan.Up {
		var names []string
		for _, k := range refused {
			names = append(names, k.Key.Table.Name)
		}
		j.Emit.Emit(event.Notice{Text: fmt.Sprintf("skipped: %s, which references connect with refused ones. To switch them without these: --exclude %s",
			message.Counted(len(skipped), "primary key", "primary keys"), visible.Word(strings.Join(names, ",")))})
	}
}

func (j Job) inspectServers(ctx context.Context) (catalog.Server, error) {
	if timeout := j.Pool.Config().MaxConns; timeout < 2 {
		return catalog.Server{}, message.PoolTooSmall(timeout)
	}
	server, err := inspect.Server(ctx, j.Pool)
	if err != nil {
		return server, err
	}
	if refusal := plan.CheckServer(server, false); refusal != nil {
		return server, refusal
	}
	direct := server
	if j.Direct != j.Pool {
		if direct, err = inspect.Server(ctx, j.Direct); err != nil {
			return server, err
		}
	}
	if direct.Pooled {
		return server, message.PoolerDetected()
	}
	return server, j.checkSameDatabase(ctx)
}

//go:embed queries/database.sql
var databaseSQL string

// checkSameDatabase returns a problem if the direct connection leads to another database than the pool.
func (j Job) checkSameDatabase(ctx context.Context) error {
	if j.Direct == j.Pool {
		return nil
	}
	var databases [2]string
	for i, pool := range []*pgxpool.Pool{j.Pool, j.Direct} {
		err := pg.Read(ctx, pool, func(tx pg.Tx) error { return tx.QueryRow(ctx, databaseSQL).Scan(&databases[i]) })
		if err != nil {
			return err
		}
	}
	if databases[0] != databases[1] {
		return message.DirectURLMismatch()
	}
	return nil
}

func (j Job) plan(ctx context.Context, server catalog.Server, result *event.Result) (plan.Plan, error) {
	request := j.Request
	if pg.KeepsSessions(ctx) { // one of many schemas: the session keeps the plans of the catalogue queries
		request.Session = pg.AcquireSession(ctx, j.Direct)
		defer request.Session.Release(ctx)
	}
	input, err := survey.Read(ctx, j.Pool, server, request)
	if err != nil {
		return plan.Plan{}, fault.At(err, "", "survey")
	}
	p := plan.Build(input)
	ahead, err := CheckAhead(ctx, j.Pool, j.Request.Nodes, p, j.Limits.Signals)
	if err != nil {
		return p, err
	}
	p.Refusals = append(p.Refusals, ahead...)
	result.Absent, result.Version, result.Skipped = p.Absent, p.Version, p.Skipped
	if p.Unknown != nil {
		p.Refusals = append(p.Refusals, p.Unknown)
	}
	if len(p.Refusals) > 0 {
		return p, p.Refusals
	}
	return p, nil
}

// beginRun records the run, and for each column that up has not recorded before how many values of other versions
// it has: verify counts those as kept.
func (j Job) beginRun(ctx context.Context, p plan.Plan) (int64, error) {
	id, err := journal.Begin(ctx, j.Pool, journal.Run{
		Holder: journal.Here(j.Program, string(p.Direction)), Schema: p.SchemaName, Target: p.End(),
		Phase: string(p.Direction.Goal(j.Request.Goal)),
	})
	if err != nil || p.Direction == plan.Down {
		return id, err
	}
	return id, saveOriginals(ctx, j.Pool, p)
}

// endTimeout bounds the last write to the journal, so that a silent server does not block the caller. A run whose
// context ended or whose lease is lost waits at most shortTimeout for that write, and as long for the release of
// the lease.
const (
	endTimeout   = 20 * time.Second
	shortTimeout = 2 * time.Second
)

func (j Job) endRun(ctx context.Context, id int64, err error, outcome Outcome) error {
	word, detail := "done", ""
	if err != nil {
		first := problem.All(explain(ctx, string(j.Request.Direction), err))[0]
		word, detail = string(first.Kind), first.Error()
	}
	timeout := endTimeout
	if ctx.Err() != nil {
		timeout = shortTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	return journal.End(ctx, j.Pool, id, word, detail, outcome.Rows)
}

// serialize returns a sink that passes on one event at a time, since the progress and the end of an index build
// come from two goroutines.
func serialize(sink event.Sink) event.Sink {
	var mu sync.Mutex
	return func(e event.Event) {
		mu.Lock()
		defer mu.Unlock()
		sink.Emit(e)
	}
}

// both returns a sink that passes each event to two sinks.
func both(first, second event.Sink) event.Sink {
	return func(e event.Event) {
		first.Emit(e)
		second.Emit(e)
	}
}

// explain returns a problem for any error.
func explain(ctx context.Context, doing string, err error) error {
	var one *problem.Problem
	switch {
	case errors.As(err, &one):
		return err
	case errors.Is(err, journal.ErrLost), errors.Is(err, pg.ErrFenced), errors.Is(context.Cause(ctx), journal.ErrLost):
		return message.LeaseLost()
	case ctx.Err() != nil:
		return message.Interrupted(err)
	case journalGone(err):
		return message.LeaseGone(fault.Reason(err), err)
	default:
		return fault.Explain("rekey "+doing, err)
	}
}

// writeJournal writes to the journal, and retries if the connection was lost. Writing the same twice must be
// harmless.
func writeJournal(ctx context.Context, pool *pgxpool.Pool, work func(pg.Tx) error) error {
	return pg.Retry(ctx, func() error { return pg.Run(ctx, pool, pg.Settings{}, work) })
}

// saveOriginals records what each existing column is like, unless that is recorded.
func saveOriginals(ctx context.Context, pool *pgxpool.Pool, p plan.Plan) error {
	return writeJournal(ctx, pool, func(tx pg.Tx) error {
		known, err := journal.LoadOriginals(ctx, tx, p.Schema.OIDs()...)
		if err != nil {
			return err
		}
		for _, g := range p.Targets() {
			if err := saveOriginal(ctx, tx, p, g, known); err != nil {
				return err
			}
		}
		return nil
	})
}

func saveOriginal(ctx context.Context, tx pg.Tx, p plan.Plan, g plan.Group, known map[journal.Column]journal.Original) error {
	table := p.Schema.Named(g.Table)
	c := table.Column(g.Target.Column)
	if c == nil {
		return nil // recorded when the column is created
	}
	column := journal.Column{Relation: table.OID, Number: int16(c.Number)}
	origin, _ := g.Target.Read(table)
	original, recorded := known[column]
	original.Adopted = origin == step.Untouched || origin == step.Found
	if !recorded {
		others, err := countOtherVersions(ctx, tx, p, g)
		if err != nil {
			return err
		}
		original.OtherVersions = others
	}
	return journal.SaveOriginal(ctx, tx, column, original)
}

// countOtherVersions returns how many values of other versions the column has.
func countOtherVersions(ctx context.Context, tx pg.Tx, p plan.Plan, g plan.Group) (int64, error) {
	if data, counted := p.Data[g.Table]; counted {
		return data.Other, nil
	}
	if err := guard.DuringRun(p.Server, g.Target, p.Schema.Named(g.Table), false).CheckBatch(ctx, tx); err != nil {
		return 0, err
	}
	data, err := inspect.CountExisting(ctx, tx, g.Target.Name(), nil, g.Target.Column, true)
	return data.Other, err
}
