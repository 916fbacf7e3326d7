package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Forecast compares what a run was expected to cost with what it has cost.
type Forecast struct {
	Name     string     `json:"name"`
	Pace     string     `json:"pace"`
	Expected event.Cost `json:"expected"`
	Actual   event.Cost `json:"actual"`
	Speed    float64    `json:"processor"` // as calibrated: times as long as on the machine of the constants
	Steps    []Step     `json:"steps"`
	Error    string     `json:"error,omitempty"`
}

const forecastName = "forecast"

// carelessRows is the number of rows of a table at most where the figures do not count.
const carelessRows = 20_000

// forecasts compares them for each table of the zoo, in a new database each.
func (l *lab) forecasts(ctx context.Context) error {
	l.rows = l.options.rows // how much WAL is written before
	if err := l.round(ctx); err != nil {
		return err
	}
	var failed error
	for _, a := range zoo() {
		if ctx.Err() != nil {
			return errors.Join(failed, context.Cause(ctx))
		}
		if !l.options.wants(forecastName + "-" + a.name) {
			continue
		}
		f, err := l.forecast(ctx, a, l.options.pace)
		if err != nil {
			f.Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("%s: %w", a.name, err))
		}
		l.server.Forecasts = append(l.server.Forecasts, f)
		l.say(fmt.Sprint(f.cells()))
	}
	return errors.Join(failed, l.drop(context.WithoutCancel(ctx), working))
}

// forecast makes one table, plans and runs.
func (l *lab) forecast(ctx context.Context, a animal, speed string) (Forecast, error) {
	f := Forecast{Name: a.name, Pace: speed}
	if err := l.create(ctx, a); err != nil {
		return f, err
	}
	if err := execute(ctx, l.admin, "CHECKPOINT"); err != nil {
		return f, err
	}
	config, err := pgxpool.ParseConfig(l.cluster.URL(working))
	if err != nil {
		return f, err
	}
	config.MaxConns = 6
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return f, err
	}
	defer pool.Close()
	asked := a.setup(speed, nil)
	asked.Options.Forecast.Calibrate = true
	plan, err := rekeytest.Plan(ctx, pool, asked)
	if err != nil {
		return f, err
	}
	f.Speed = plan.Forecast.Processor
	_, err = rekeytest.Up(ctx, pool, a.setup(speed, func(e event.Event) {
		switch e := e.(type) {
		case event.StepDone:
			f.Steps = append(f.Steps, Step{Step: e.Step, Elapsed: e.Elapsed})
		case event.Forecast:
			if e.Table == "" {
				f.Expected = e.Cost
			}
		case event.Measured:
			if e.Table == "" {
				f.Actual = e.Cost
			}
		}
	}))
	return f, err
}

func (a animal) setup(speed string, heed func(event.Event)) rekeytest.Setup {
	source := rekey.MigrationTime()
	if a.ordered {
		source = rekey.CreationTime()
	}
	to := rekey.Expanded
	if a.linked {
		to = rekey.Linked
	}
	return rekeytest.Setup{Scope: rekey.Schema{Name: "public"}, Options: rekey.Options{
		To: to, Backfill: rekey.BackfillOptions{Pace: rekey.Pace(speed)}, Values: rekey.ValueOptions{Source: source}, OnEvent: heed,
	}}
}

// create creates a database with the table.
func (l *lab) create(ctx context.Context, a animal) error {
	if err := l.drop(ctx, working); err != nil {
		return err
	}
	if err := execute(ctx, l.admin, sqltext.Format("CREATE DATABASE {}", sqltext.Name(working))); err != nil {
		return err
	}
	session, err := pgx.Connect(ctx, l.cluster.URL(working))
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if l.options.careless {
		a.rows = min(a.rows, carelessRows)
	}
	a.sql = strings.ReplaceAll(a.sql, "{rows}", strconv.FormatInt(a.rows, 10))
	return execute(ctx, session, append(a.statements(), "VACUUM ANALYZE")...)
}

func (f Forecast) cells() []string {
	if f.Error != "" {
		return []string{f.Name, "failed: " + strings.ReplaceAll(f.Error, "\n", "; ")}
	}
	return []string{
		f.Name, fmt.Sprint(f.Actual.Rows), f.Pace, fmt.Sprintf("%.2f", f.Speed),
		seconds(f.Expected.Elapsed), seconds(f.Actual.Elapsed), ratio(f.Expected.Elapsed, f.Actual.Elapsed),
		megabytes(f.Expected.WAL), megabytes(f.Actual.WAL), ratio(f.Expected.WAL, f.Actual.WAL),
		megabytes(f.Expected.Before), megabytes(f.Expected.After), megabytes(f.Actual.After), ratio(f.Expected.After, f.Actual.After),
		fmt.Sprintf("%.0f %%", 100*f.Expected.HeapOnly), fmt.Sprintf("%.0f %%", 100*f.Actual.HeapOnly),
	}
}

func ratio[T int64 | time.Duration](expected, actual T) string {
	if actual == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", float64(expected)/float64(actual))
}
