package cli

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/page"
)

// job is a call of the library.
type job struct {
	profile   *rekey.Profile // nil for a schema run
	schema    rekey.Schema   // its Name is the schema's name with a profile too
	options   rekey.Options
	direction rekey.Direction
}

func (j job) scope() rekey.Scope {
	if j.profile != nil {
		return j.profile.In(j.schema.Name)
	}
	return j.schema
}

// in returns the job for one schema of many.
func (j job) in(schema string) job {
	j.schema.Name = schema
	return j
}

// requesting returns the job of a request to the run of this one.
func (j job) requesting() job {
	return job{
		profile: j.profile, schema: rekey.Schema{Name: j.schema.Name},
		options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: j.options.Permissions.TrustOwners}},
	}
}

// library contains the functions that the commands call. Tests replace them.
type library struct {
	connect func(context.Context, connection) (*pgxpool.Pool, error)
	plan    func(context.Context, *pgxpool.Pool, job) (rekey.Plan, error)
	status  func(context.Context, *pgxpool.Pool, job) (rekey.Status, error)
	verify  func(context.Context, *pgxpool.Pool, job) (rekey.Report, error)
	// progress returns a function that returns what the last run has recorded, nil for nothing. Each call reads only new events.
	progress func(*pgxpool.Pool, job) (func(context.Context) (*rekey.Progress, error), error)
	// diagnose examines what would make a run refuse or crawl.
	diagnose func(context.Context, *pgxpool.Pool, job) (rekey.Diagnosis, error)
	// recorded returns a run as the journal knows it, the last one for 0.
	recorded func(context.Context, *pgxpool.Pool, job, int64) (recorded, error)
	up       call
	down     call
	planner  func(*pgxpool.Pool, job) (planner, error)
	schemas  func(context.Context, *pgxpool.Pool, string) ([]string, error)
	// prefixes returns the schemas that match and have the profile's tables, and those that match without them.
	prefixes func(context.Context, *pgxpool.Pool, rekey.Profile, string) (found, without []string, err error)
	request  func(context.Context, *pgxpool.Pool, job, request) error
	follow   func(context.Context, *pgxpool.Pool, job, *page.Board)
	script   func(context.Context, *pgxpool.Pool, job, rekey.ScriptOptions) ([]rekey.ScriptFile, error)
}

type call func(context.Context, *pgxpool.Pool, job) (event.Result, error)

// planner plans many schemas.
type planner interface {
	Plans(context.Context, rekey.Direction, []string) ([]rekey.Plan, error)
}

func live() library {
	return library{
		connect: connect, recorded: readRun, schemas: rekey.MatchSchemas, prefixes: rekey.MatchProfile,
		planner: func(pool *pgxpool.Pool, j job) (planner, error) { return rekey.NewPlanner(pool, j.scope(), &j.options) },
		plan: func(ctx context.Context, pool *pgxpool.Pool, j job) (rekey.Plan, error) {
			return with(pool, j, func(m *rekey.Migrator) (rekey.Plan, error) { return m.Plan(ctx, j.direction) })
		},
		status: func(ctx context.Context, pool *pgxpool.Pool, j job) (rekey.Status, error) {
			return with(pool, j, func(m *rekey.Migrator) (rekey.Status, error) { return m.Status(ctx) })
		},
		progress: func(pool *pgxpool.Pool, j job) (func(context.Context) (*rekey.Progress, error), error) {
			return with(pool, j, func(m *rekey.Migrator) (func(context.Context) (*rekey.Progress, error), error) {
				return m.Progress, nil
			})
		},
		verify: func(ctx context.Context, pool *pgxpool.Pool, j job) (rekey.Report, error) {
			return with(pool, j, func(m *rekey.Migrator) (rekey.Report, error) { return m.Verify(ctx) })
		},
		diagnose: func(ctx context.Context, pool *pgxpool.Pool, j job) (rekey.Diagnosis, error) {
			return with(pool, j, func(m *rekey.Migrator) (rekey.Diagnosis, error) { return m.Diagnose(ctx, j.direction) })
		},
		up: func(ctx context.Context, pool *pgxpool.Pool, j job) (event.Result, error) {
			return with(pool, j, func(m *rekey.Migrator) (event.Result, error) { return m.Up(ctx) })
		},
		down: func(ctx context.Context, pool *pgxpool.Pool, j job) (event.Result, error) {
			return with(pool, j, func(m *rekey.Migrator) (event.Result, error) { return m.Down(ctx) })
		},
		script: func(ctx context.Context, pool *pgxpool.Pool, j job, o rekey.ScriptOptions) ([]rekey.ScriptFile, error) {
			return with(pool, j, func(m *rekey.Migrator) ([]rekey.ScriptFile, error) { return m.Script(ctx, o) })
		},
		follow: func(ctx context.Context, pool *pgxpool.Pool, j job, board *page.Board) {
			page.Follow(ctx, page.Journal{Pool: pool, Schema: j.schema.Name, Trusts: j.options.Permissions.TrustOwners}, board)
		},
		request: func(ctx context.Context, pool *pgxpool.Pool, j job, r request) error {
			_, err := with(pool, j, func(m *rekey.Migrator) (struct{}, error) { return struct{}{}, r.send(ctx, m) })
			return err
		},
	}
}

// with calls do with a Migrator of the job.
func with[T any](pool *pgxpool.Pool, j job, do func(*rekey.Migrator) (T, error)) (result T, err error) {
	m, err := rekey.New(pool, j.scope(), &j.options)
	if err != nil {
		return result, err
	}
	return do(m)
}
