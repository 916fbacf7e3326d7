package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/problem"
)

// migrate runs up or down.
func (a *app) migrate(cmd *cobra.Command, f *flags, do call, next, version string) error {
	j, err := f.job(cmd, version)
	if err != nil {
		return err
	}
	written, err := f.newReporting()
	if err != nil {
		return err
	}
	if f.many() {
		return a.migrateMany(cmd, f, j, do, written.reportFile())
	}
	show := a.writer(f)
	stopping := a.watch(cmd.Context(), true, show.Say)
	do, board, endPage, err := a.withPage(stopping.soft, f, do, show.Say)
	if err != nil {
		stopping.end()
		show.Close()
		return err
	}
	defer endPage()
	var measured costs
	j.options.OnEvent = func(e event.Event) {
		measured.add(e)
		written.add(e)
		if board != nil {
			board.Event(e, time.Now())
		}
		if _, last := e.(event.Result); !last { // conclude writes it with the exit code
			show.Event(e)
		}
	}
	result, err := a.change(stopping, f, j, written.after(a, stopping, show.Say, do))
	written.withoutRun(a, j, err, show.Say)
	stopping.end()
	show.Close()
	err = a.interrupted(err)
	result.Command, result.Schema = cmd.Name(), j.schema.Name
	return a.conclude(result, err, f, screen.Costs(measured.expected, measured.actual, a.width(a.err)), fmt.Sprintf("rekey %s %s", next, f.where()))
}

// migrateMany runs up or down on many schemas or targets.
func (a *app) migrateMany(cmd *cobra.Command, f *flags, j job, do call, file *reportFile) error {
	return a.overMany(cmd, f, j, manyCommand{clean: true, report: file, do: func(ctx context.Context, pool *pgxpool.Pool, m member, j job) (line, error) {
		var run int64
		j.options.OnEvent = func(e event.Event) {
			if started, is := e.(event.RunStarted); is {
				run = started.Run
			}
		}
		result, err := do(ctx, pool, j)
		result.Command, result.Schema, result.OK, result.Exit = cmd.Name(), j.schema.Name, err == nil, a.exit(err)
		if err != nil {
			result.Problems = a.hintsFor(f, m).complete(problem.All(err))
		}
		shown := line{text: screen.ResultLine(result), value: result, tables: result.Tables, rows: result.Rows}
		if file != nil && err == nil && j.direction == rekey.Up {
			shown.verified = a.verifyRun(ctx, pool, j, run)
		}
		return shown, err
	}})
}

// verifyRun verifies the tables for the report and records the result with the run. It returns nil if a signal ended it.
func (a *app) verifyRun(ctx context.Context, pool *pgxpool.Pool, j job, run int64) *event.Verified {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-j.options.Stop:
		return nil
	default:
	}
	go func() {
		select {
		case <-j.options.Stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	e, ok := a.verified(ctx, pool, j)
	if !ok {
		return nil
	}
	if run != 0 { // the report has it in any case
		_ = journal.AppendEvent(ctx, pool, run, e)
	}
	return &e
}

// change connects and calls the library. Until the call has begun, a signal cancels.
func (a *app) change(s stopping, f *flags, j job, do call) (event.Result, error) {
	pools, err := a.connect(s.soft, f)
	if err != nil {
		return event.Result{}, err
	}
	defer pools.close()
	j.options.Direct, j.options.Standbys, j.options.Stop = pools.direct, pools.standbys, s.soft.Done()
	j.options.Cluster.Nodes = pools.nodes
	return do(s.hard, pools.main, j)
}

// conclude prints the result of a run.
func (a *app) conclude(result event.Result, err error, f *flags, costs, next string) error {
	result.OK = err == nil
	result.Exit = a.exit(err)
	result.Problems = nil
	if err != nil {
		result.Problems = a.problems(err)
	}
	switch {
	case f.json:
		a.result(result)
		if err != nil {
			return reportedError{err}
		}
	case !f.quiet:
		if errors.Is(err, problem.ErrRefused) || errors.Is(err, problem.ErrUsage) {
			break // nothing was changed
		}
		fmt.Fprint(a.Stderr, screen.Summary(result, costs, next, a.width(a.err)))
	}
	return err
}
