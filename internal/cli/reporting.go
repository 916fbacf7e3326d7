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
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/report"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// reporting collects the events of a run for the report of --report. A nil one collects nothing.
type reporting struct {
	file    *reportFile
	run     int64 // 0 until the run has a number
	entries []report.Entry
	done    bool // the report was written, or could not be
}

// reports registers the flag of the commands that can write a report.
func (f *flags) reports(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.report, "report", "", "write a report of the run: to a file .html, .md or .json; up verifies the tables for it")
}

// newReporting returns nil without --report, or the problem of a file that cannot be written.
func (f *flags) newReporting() (*reporting, error) {
	if f.report == "" {
		return nil, nil //nolint:nilnil // no report was asked
	}
	if f.many() {
		return nil, message.ReportOfMany()
	}
	file, err := newReportFile("--report", f.report, "")
	if err != nil {
		return nil, err
	}
	return &reporting{file: file}, nil
}

// maxCollected is the number of events after which the frequent ones are thinned.
const maxCollected = 50_000

// add collects an event.
func (r *reporting) add(e event.Event) {
	if r == nil {
		return
	}
	if started, ok := e.(event.RunStarted); ok {
		r.run = started.Run
	}
	r.entries = append(r.entries, report.Entry{At: time.Now(), Event: e})
	if len(r.entries) > maxCollected {
		r.thin()
	}
}

// thin drops every second measurement.
func (r *reporting) thin() {
	kept := r.entries[:0]
	for i, entry := range r.entries {
		switch entry.Event.(type) {
		case event.Progress, event.IndexProgress, event.Impact, event.Load:
			if i%2 == 1 {
				continue
			}
		}
		kept = append(kept, entry)
	}
	r.entries = kept
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
		r.write(a, j, err, say)
		return result, err
	}
}

// withoutRun writes the report of a call that ended before a run: it could not connect.
func (r *reporting) withoutRun(a *app, j job, err error, say func(string)) {
	if r != nil && !r.done {
		r.write(a, j, err, say)
	}
}

// write writes the report. It does not change the result of the run: a report that cannot be written is a warning.
func (r *reporting) write(a *app, j job, runErr error, say func(string)) {
	r.done = true
	if !r.hasResult() { // it ended before its first event
		r.add(event.Result{Command: string(j.direction), Schema: j.schema.Name, Problems: problem.All(runErr), Exit: a.exit(runErr)})
	}
	d := report.Build(report.Input{Made: time.Now(), MadeBy: build().Version, Entries: r.entries})
	d.Problems, d.Skipped = a.hints.complete(d.Problems), a.hints.complete(d.Skipped)
	d.Run.Exit = a.exit(a.interrupted(runErr))
	if failed := r.file.write(d); failed != nil {
		say(failed.Error())
		return
	}
	say("report: " + visible.Path(r.file.path))
}

func (r *reporting) hasResult() bool {
	for _, entry := range r.entries {
		if _, ok := entry.Event.(event.Result); ok {
			return true
		}
	}
	return false
}

// verify verifies the tables and collects what it found.
func (r *reporting) verify(a *app, s stopping, pool *pgxpool.Pool, j job) {
	e, ok := a.verified(s.soft, pool, j)
	if !ok {
		return
	}
	r.add(e)
	if r.run != 0 { // a later report shows it too; this one has it already
		_ = journal.AppendEvent(s.soft, pool, r.run, e)
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
