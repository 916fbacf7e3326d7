package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// reporting collects the events of a run for the report of --report. A nil one collects nothing.
type reporting struct {
	file       *reportFile
	events     report.Builder
	incomplete bool // the journal lacks the verification
	done       bool // the report was written, or could not be
}

// reports registers the flag of the commands that can write a report.
func (f *flags) reports(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.report, "report", "", "write a report of the run: to a file .html, .md or .json; up verifies the tables for it")
}

// fleetReport registers the flag of the commands that can write a report of many schemas or targets only.
func (f *flags) fleetReport(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.report, "report", "", "with many schemas or --targets: write a report, to a file .html, .md or .json")
}

// manyReport returns the file of --report, nil without it, or the problem of a file that cannot be written.
func (f *flags) manyReport() (*reportFile, error) {
	if f.report == "" {
		return nil, nil //nolint:nilnil // no report was asked
	}
	return newReportFile("--report", f.report, "")
}

// newReporting returns nil without --report, or the problem of a file that cannot be written.
func (f *flags) newReporting() (*reporting, error) {
	if f.report == "" {
		return nil, nil //nolint:nilnil // no report was asked
	}
	file, err := newReportFile("--report", f.report, "")
	if err != nil {
		return nil, err
	}
	return &reporting{file: file}, nil
}

// add collects an event.
func (r *reporting) add(e event.Event) {
	if r != nil {
		r.events.Add(history.Entry{At: time.Now(), Event: e})
	}
}

// after returns a call that writes the report when the run has ended.
func (r *reporting) after(a *app, s stopping, say func(string), do call) call {
	if r == nil {
		return do
	}
	return func(ctx context.Context, pool *pgxpool.Pool, j job) (event.Result, error) {
		result, err := do(ctx, pool, j)
		if err == nil && j.direction == rekey.Up && s.soft.Err() == nil {
			say("verifying the tables for the report")
			r.verify(a, s, pool, j)
		}
		r.warn(r.write(a, r.document(s.hard, a, pool, j, err), say), say)
		return result, err
	}
}

// withoutRun writes the report of a call that ended before a run: it could not connect.
func (r *reporting) withoutRun(a *app, j job, err error, say func(string)) {
	if r != nil && !r.done {
		r.warn(r.write(a, r.collected(a, j, err), say), say)
	}
}

// warn reports why the report could not be written. The result of the run stays.
func (r *reporting) warn(failed *problem.Problem, say func(string)) {
	if failed != nil {
		say(failed.Error())
	}
}

// write writes the report, or returns why it cannot.
func (r *reporting) write(a *app, d report.Document, say func(string)) *problem.Problem {
	r.done = true
	d.Run.Problems, d.Run.Skipped = a.hints.complete(d.Run.Problems), a.hints.complete(d.Run.Skipped)
	failed := r.file.write(d)
	if failed == nil {
		say("report: " + visible.Path(r.file.path))
	}
	return failed
}

// document returns the report that rekey report makes later: of the events in the journal. If the journal does not have the end
// of the run, it is made of the events that were collected.
func (r *reporting) document(ctx context.Context, a *app, pool *pgxpool.Pool, j job, runErr error) report.Document {
	if run := r.events.Run(); run != 0 && !r.incomplete {
		ctx, cancel := context.WithTimeout(ctx, readTimeout)
		defer cancel()
		if found, err := a.library.recorded(ctx, pool, j, run); err == nil && found.events.Ended() {
			return found.document()
		}
	}
	return r.collected(a, j, runErr)
}

// readTimeout is the time within which the journal is read for a report.
const readTimeout = 10 * time.Second

// collected returns the report of the collected events.
func (r *reporting) collected(a *app, j job, runErr error) report.Document {
	if !r.events.Ended() { // it ended before its first event
		r.add(event.Result{Command: string(j.direction), Schema: j.schema.Name, Problems: problem.All(runErr)})
	}
	d := r.events.Build(report.Input{Made: time.Now(), MadeBy: build().Version})
	d.Run.Exit = a.exit(a.interrupted(runErr))
	return d
}

// reportFile returns the file of --report, or nil.
func (r *reporting) reportFile() *reportFile {
	if r == nil {
		return nil
	}
	return r.file
}

// verify verifies the tables and collects what it found.
func (r *reporting) verify(a *app, s stopping, pool *pgxpool.Pool, j job) {
	e, ok := a.verified(s.soft, pool, j)
	if !ok {
		return
	}
	r.add(e)
	if run := r.events.Run(); run != 0 {
		r.incomplete = journal.AppendEvent(s.soft, pool, run, e) != nil
	}
}

// verified verifies the tables. It returns false if a signal ended the verification.
func (a *app) verified(ctx context.Context, pool *pgxpool.Pool, j job) (event.Verified, bool) {
	begun := time.Now()
	found, err := a.library.verify(ctx, pool, j)
	e := event.Verified{OK: err == nil, Elapsed: time.Since(begun)}
	if err != nil && !errors.Is(err, problem.ErrDiffers) {
		if ctx.Err() != nil {
			return e, false
		}
		e.Problem = visible.Error(err)
		return e, true
	}
	document, err := json.Marshal(found)
	if err != nil {
		e.OK, e.Problem = false, visible.Error(err)
		return e, true
	}
	e.Report = document
	return e, true
}
