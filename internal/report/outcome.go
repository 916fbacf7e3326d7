package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// end sets how the run ended: by its result, else by its row in the journal.
func (b *builder) end(in Input) {
	run := &b.doc.Run
	if r := in.Record; r != nil {
		b.fromRecord(*r)
	}
	switch {
	case b.result != nil:
		b.fromResult(*b.result)
	case in.Record == nil:
		run.Outcome = Killed
	case in.Record.Live:
		run.Outcome = Running
		run.Ended = laterOf(b.last, run.Started)
	case in.Record.Outcome == "" || in.Record.Outcome == abandoned:
		run.Outcome = Killed
		run.Ended = laterOf(b.last, run.Started)
	default:
		run.Outcome = outcomeOf(problem.Kind(in.Record.Outcome))
	}
	if run.Elapsed == 0 {
		run.Elapsed = run.Ended.Sub(run.Started)
	}
	if b.result == nil {
		b.countWork()
	}
	b.doc.Notes = append(b.doc.Notes, b.notes(in)...)
}

// abandoned is the outcome that the journal records for a run whose process ended without recording one.
const abandoned = "abandoned"

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (b *builder) fromRecord(r Record) {
	run := &b.doc.Run
	run.Number, run.Command, run.Schema = r.Run, r.Command, r.Schema
	if run.Phase == "" {
		run.Phase = r.Phase
	}
	if run.Program == "" {
		run.Program = r.Program
	}
	if run.Started.IsZero() || len(b.doc.Work) == 0 && b.result == nil {
		run.Started = r.Started.UTC()
	}
	run.Ended, run.Rows = laterOf(r.Ended.UTC(), run.Started), r.Rows
	if b.result == nil && r.Detail != "" {
		b.doc.Notes = append(b.doc.Notes, "The journal recorded why the run ended: "+strings.TrimSuffix(r.Detail, ".")+".")
	}
}

func (b *builder) fromResult(e event.Result) {
	run, doc := &b.doc.Run, &b.doc
	run.Command, run.Schema, run.Exit = e.Command, e.Schema, e.Exit
	run.Rows, run.Tables, run.Edges, run.Keys, run.Locks = e.Rows, e.Tables, e.Edges, e.Keys, e.Locks
	run.Ended, run.Elapsed = b.last, e.Elapsed
	if e.Version != 0 {
		run.To = e.Version
	}
	if len(doc.Absent) == 0 {
		doc.Absent = e.Absent
	}
	doc.Skipped, doc.Problems = e.Skipped, e.Problems
	switch {
	case len(e.Problems) > 0:
		run.Outcome = outcomeOf(e.Problems[0].Kind)
	case e.NothingToDo:
		run.Outcome = NothingToDo
	default:
		run.Outcome = Done
	}
}

// outcomeOf returns the outcome of a kind of problem, or of the journal's word "done".
func outcomeOf(kind problem.Kind) Outcome {
	switch kind {
	case problem.Refused, problem.Running, problem.Usage:
		return Refused
	case problem.Differs:
		return Differs
	case problem.Stopped:
		return Stopped
	case problem.Interrupted:
		return Interrupted
	case "done":
		return Done
	default:
		return Failed
	}
}

// countWork sums up the events of a run that has no result.
func (b *builder) countWork() {
	run := &b.doc.Run
	var rows int64
	for _, w := range b.doc.Work {
		rows += w.Rows
		switch {
		case !w.Complete:
		case w.Kind == "reference":
			run.Edges++
		case w.Kind == "primary key":
			run.Keys++
		default:
			run.Tables++
		}
	}
	run.Rows = max(run.Rows, rows)
	for _, l := range b.doc.Locks {
		run.Locks.Count++
		run.Locks.Attempts += l.Attempts
		run.Locks.LongestWait, run.Locks.LongestHold = max(run.Locks.LongestWait, l.Wait), max(run.Locks.LongestHold, l.Hold)
		run.Locks.TotalHold += l.Hold
	}
}

// notes says what the report lacks, and why.
func (b *builder) notes(in Input) (notes []string) {
	doc := &b.doc
	switch {
	case len(in.Entries) == 0 && in.Record != nil:
		notes = append(notes, "The journal has no events of this run: an older rekey ran it, or could not record them. The report has only what the journal's list of runs says.")
	case doc.Run.Outcome == Running:
		notes = append(notes, "The run has not ended. The report describes it up to "+clock(doc.Run.Ended)+".")
	case doc.Run.Outcome == Killed:
		notes = append(notes, fmt.Sprintf("The run recorded no end: its process was killed, or lost the server. Its last event is of %s. The same command resumes it.", clock(b.last)))
	}
	if len(in.Entries) > 0 && doc.Environment == nil && doc.Run.Number > 0 {
		notes = append(notes, "The run did not record its options, the server's settings and the sizes of the tables.")
	}
	return notes
}
