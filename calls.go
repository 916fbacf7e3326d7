package rekey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

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
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/internal/verify"
)

// MakePlan tells what Up (or, with Version at the profile's From, Down) would do. It changes nothing.
// Refusals are in the plan, not in the error.
func MakePlan(ctx context.Context, pool *pgxpool.Pool, config Config) (_ Plan, err error) {
	defer explain(ctx, "plan", &err)
	direction := config.planned()
	if err := config.check(pool, "MakePlan", direction); err != nil {
		return Plan{}, err
	}
	p, err := config.survey(ctx, pool, direction)
	if err != nil {
		return Plan{}, err
	}
	if p.Pending() {
		signals, err := throttle.Check(ctx, pool, p.Server.Role, config.signals())
		if err != nil {
			return Plan{}, fault.At(err, "", "signals")
		}
		p.Refusals = append(append(p.Refusals, run.MissingRights(p)...), signals...)
	}
	return describe(ctx, pool, p)
}

// planned is the direction of a plan.
func (c Config) planned() plan.Direction {
	if c.Back || !c.free() && c.Version == c.Profile.From {
		return plan.Down
	}
	return plan.Up
}

func describe(ctx context.Context, pool *pgxpool.Pool, p plan.Plan) (Plan, error) {
	fillings, err := run.Explain(ctx, pool, p)
	if err != nil {
		return Plan{}, err
	}
	return p.Describe(fillings), nil
}

// ReadStatus tells the version, the state of every table, and the run that is at work. It changes
// nothing.
func ReadStatus(ctx context.Context, pool *pgxpool.Pool, config Config) (_ Status, err error) {
	defer explain(ctx, "status", &err)
	if err := config.check(pool, "ReadStatus"); err != nil {
		return Status{}, err
	}
	p, err := config.survey(ctx, pool, plan.Up)
	if err != nil {
		return Status{}, err
	}
	status := p.Status()
	at, err := journal.ActiveRun(ctx, pool, config.schema(), config.TrustOwners...)
	if err != nil {
		return Status{}, fault.At(err, "", "journal")
	}
	if at != nil {
		status.Running = &plan.Running{
			Command: at.Command, Program: at.Program, Host: at.Host, PID: at.PID, Since: at.Since, Silent: at.SinceHeartbeat,
			Held: at.PauseReason, HeldSince: at.PausedAt,
		}
	}
	return status, nil
}

// Request gives an order to the run that is at work in the schema: to pause before its next batch, to
// go on, to end cleanly (it ends as ErrStopped), or to change its pace, batch time or allowed lag. It
// comes back when the order is written down; the run hears it within a second. Of the Config only
// Prefix matters. An order that makes no sense answers to ErrUsage, one that nobody is there to hear to
// ErrFailed.
func Request(ctx context.Context, pool *pgxpool.Pool, config Config, order Order) (err error) {
	defer explain(ctx, string(order.Verb), &err)
	asked := Config{Schema: config.Schema, Prefix: config.Prefix, Pace: order.Pace, BatchTime: order.BatchTime, MaxLag: order.MaxLag, TrustOwners: config.TrustOwners}.request()
	asked.NoScope = true
	if err := check(pool, asked); err != nil {
		return err
	}
	return fault.At(journal.Send(ctx, pool, config.schema(), order, config.TrustOwners...), "", "journal")
}

// Verify proves what Up has done by counting. It changes nothing. The error answers to ErrDiffers
// when the report has differences; the report is whole all the same.
func Verify(ctx context.Context, pool *pgxpool.Pool, config Config) (_ Report, err error) {
	defer explain(ctx, "verify", &err)
	if err := config.check(pool, "Verify"); err != nil {
		return Report{}, err
	}
	order, err := config.order(plan.Up)
	if err != nil {
		return Report{}, err
	}
	server, err := config.server(ctx, pool)
	if err != nil {
		return Report{}, err
	}
	return verify.Run(ctx, pool, server, order)
}

// Up brings every table that exists to its goal and records the version. Run twice it has nothing to
// do; stopped anywhere and run again it ends the same. Where the version says that the uuids are the
// primary keys already, it only verifies.
func Up(ctx context.Context, pool *pgxpool.Pool, config Config) (Result, error) {
	return config.carry(ctx, pool, plan.Up)
}

// Down takes away, in reverse order, what Up made.
func Down(ctx context.Context, pool *pgxpool.Pool, config Config) (Result, error) {
	return config.carry(ctx, pool, plan.Down)
}

func (c Config) carry(ctx context.Context, pool *pgxpool.Pool, direction plan.Direction) (Result, error) {
	if err := c.check(pool, calls()[direction], direction); err != nil {
		return Result{}, err
	}
	speed, err := pace.ParseSpeed(c.Pace)
	if err != nil {
		return Result{}, message.BadPace(err)
	}
	order, err := c.order(direction)
	if err != nil {
		return Result{}, err
	}
	direct := c.Direct
	if direct == nil {
		direct = pool
	}
	return run.Execute(ctx, run.Job{
		Pool: pool, Direct: direct, Request: order, Program: Version(),
		Limits: run.Limits{
			LockTimeout: setting.Or("max-lock", c.MaxLock), LockRetryTimeout: setting.Or("lock-patience", c.LockPatience),
			Speed: speed, BatchTime: c.BatchTime, Signals: c.signals(),
		},
		Emit: c.OnEvent, Stop: c.Stop,
	})
}

// calls are the names of the calls that change something.
func calls() map[plan.Direction]string {
	return map[plan.Direction]string{plan.Up: "Up", plan.Down: "Down"}
}

func (c Config) signals() throttle.Limits {
	return throttle.Limits{
		MaxLag: c.MaxLag, MaxRetainedWAL: c.MaxRetainedWAL, MaxSnapshotAge: c.MaxSnapshotAge,
		Query: c.ThrottleQuery, File: c.ThrottleFile, Without: c.WithoutSignals,
	}
}

func (c Config) order(direction plan.Direction) (survey.Request, error) {
	ask, err := c.ask()
	return survey.Request{
		Profile: c.Profile, Ask: ask, Schema: c.schema(), Direction: direction, Standbys: pg.Standbys(c.Standbys),
		Policy: plan.Policy{
			SubscribersReady: c.SubscribersReady, FireTriggers: c.FireTriggers, SkipRefused: c.SkipRefused, Values: c.Values,
			TrustOwners: c.TrustOwners,
		},
	}, err
}

func (c Config) schema() string {
	if c.Schema != "" {
		return c.Schema
	}
	if c.Prefix == "" {
		return "public"
	}
	return c.Prefix
}

func (c Config) server(ctx context.Context, pool *pgxpool.Pool) (catalog.Server, error) {
	server, err := inspect.Server(ctx, pool)
	if err != nil {
		return server, fault.At(err, "", "server")
	}
	if refusal := plan.CheckServer(server, true); refusal != nil {
		return server, refusal
	}
	return server, nil
}

func (c Config) survey(ctx context.Context, pool *pgxpool.Pool, direction plan.Direction) (plan.Plan, error) {
	order, err := c.order(direction)
	if err != nil {
		return plan.Plan{}, err
	}
	server, err := c.server(ctx, pool)
	if err != nil {
		return plan.Plan{}, err
	}
	situation, err := survey.Read(ctx, pool, server, order)
	if err != nil {
		return plan.Plan{}, fault.At(err, "", "survey")
	}
	return plan.Build(situation), nil
}

// explain makes a problem of what the server or the network did to a call that changes nothing. A context that ended
// is the caller's own doing, and stays what it is.
func explain(ctx context.Context, command string, err *error) {
	if *err != nil && ctx.Err() == nil {
		*err = fault.Explain("rekey "+command, *err)
	}
}
