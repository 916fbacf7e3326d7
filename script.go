package rekey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/script"
	"github.com/rekey-pg/rekey/internal/setting"
)

// ScriptFormat is who is to run a script.
type ScriptFormat = script.Format

// The formats of a script.
const (
	ScriptPsql    = script.Psql    // one script for psql
	ScriptMigrate = script.Migrate // one statement a file, for golang-migrate
	ScriptGoose   = script.Goose   // one file for goose
	ScriptEcto    = script.Ecto    // one migration module for Ecto
)

// ScriptFile is one file of a script.
type ScriptFile = script.File

// Script writes down what Up (or, with Version at the profile's From, or Back without a profile, Down) would
// do now as SQL, for those who may not run a binary; docs/sql.md tells how it is run. It changes nothing. No file means that there
// is nothing to do. A script fills by the clock: Values that ask for something else answer to ErrUsage.
// Refusals of the plan are the error, as Up's are.
func Script(ctx context.Context, pool *pgxpool.Pool, config Config, format ScriptFormat) ([]ScriptFile, error) {
	return ScriptFrom(ctx, pool, config, format, 1)
}

// ScriptFrom is Script with the number of the first file, for migrators that run files in the order of
// their numbers.
func ScriptFrom(ctx context.Context, pool *pgxpool.Pool, config Config, format ScriptFormat, first int) ([]ScriptFile, error) {
	return ScriptWith(ctx, pool, config, ScriptOptions{Format: format, First: first})
}

// ScriptOptions are the options of a format.
type ScriptOptions struct {
	Format ScriptFormat
	First  int    // the number of the first file. Default: 1.
	Module string // the name of Ecto's module. Default: made of the direction and the schema.
}

// ScriptWith is Script with options. A name that no Elixir module can have answers to ErrUsage.
func ScriptWith(ctx context.Context, pool *pgxpool.Pool, config Config, options ScriptOptions) (_ []ScriptFile, err error) {
	defer explain(ctx, "sql", &err)
	if options.Module != "" && !script.IsModule(options.Module) {
		return nil, message.BadModule()
	}
	format, first := options.Format, options.First
	direction := plan.Up
	if config.Back || !config.free() && config.Version == config.Profile.From {
		direction = plan.Down
	}
	if err := config.check(pool, "Script", direction); err != nil {
		return nil, err
	}
	if err := checkScript(format, first); err != nil {
		return nil, err
	}
	if !unasked(config.Values) {
		return nil, message.ScriptByClock()
	}
	speed, err := pace.ParseSpeed(config.Pace)
	if err != nil {
		return nil, message.BadPace(err)
	}
	p, err := config.survey(ctx, pool, direction)
	if err != nil {
		return nil, err
	}
	if p.Unknown != nil {
		p.Refusals = append(p.Refusals, p.Unknown)
	}
	if len(p.Refusals) > 0 {
		return nil, p.Refusals
	}
	return script.Make(p, script.Options{
		Format: options.Format, FirstNumber: options.First, Module: options.Module, PauseFactor: 1/speed.Duty() - 1,
		LockTimeout: setting.Or("max-lock", config.MaxLock), LockRetryTimeout: setting.Or("lock-patience", config.LockPatience),
		BatchTime: setting.Or("batch-time", config.BatchTime),
		Filling:   func(g plan.Group, t Target) script.Filling { return filling(p, g, t) },
	})
}

func checkScript(format ScriptFormat, first int) error {
	r := setting.Request{Style: setting.Fields, NoScope: true, Texts: map[string][]string{"format": {string(format)}}, Numbers: map[string]int64{"first": int64(first)}}
	if found := setting.Check(r); len(found) > 0 {
		return found
	}
	return nil
}

func filling(p plan.Plan, g plan.Group, t Target) script.Filling {
	choice := backfill.Explain(p.Server, *p.Table(g, t), t)
	f := script.Filling{Region: choice.Region, Batch: int64(choice.Batch), Waves: choice.Bounds(), Reason: choice.Reason}
	f.ByTuple = choice.By == backfill.ByTuple
	if choice.By == backfill.ByKey {
		rows := max(choice.RowsPerPage, 1)
		f.Key, f.Region, f.Batch = choice.Key, int64(float64(f.Region)*rows), int64(float64(f.Batch)*rows)
	}
	return f
}

// unasked reports whether nothing is said of the values that a script could not heed.
func unasked(v Values) bool {
	return (v.Source == "" || v.Source == ByClock) && len(v.Sources)+len(v.Columns)+len(v.Random) == 0 && v.Zone == ""
}
