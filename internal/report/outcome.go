package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// abandoned is the outcome that the journal records for a run whose process ended without recording one.
const abandoned = "abandoned"

// run returns the run and how it ended: by its result, else by its row in the journal.
func (b *Builder) run(record *Record, doc Document) Run {
	s := b.state
	run := Run{Number: s.Run, From: s.From, To: s.To, Outcome: Killed, Started: s.Started}
	if run.Started.IsZero() {
		run.Started = b.began
	}
	run.Command, run.Schema, run.Absent = s.Command, s.Schema, s.Absent
	if e := s.Environment; e != nil {
		run.Program, run.Phase = e.Program, e.Phase
	}
	if record != nil {
		run.fromRecord(*record, doc, b.last)
	}
	if s.Result != nil {
		run.fromResult(*s.Result)
		run.Ended = b.last
	} else {
		run.count(doc)
		run.Locks = s.ExclusiveLocks()
	}
	if run.Elapsed == 0 {
		run.Elapsed = run.Ended.Sub(run.Started)
	}
	return run
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// fromRecord sets what the journal's row says. last is the time of the last event.
func (r *Run) fromRecord(record Record, doc Document, last time.Time) {
	r.Number, r.Command, r.Schema, r.Rows = record.Run, record.Command, record.Schema, record.Rows
	if r.Phase == "" {
		r.Phase = record.Phase
	}
	if r.Program == "" {
		r.Program = record.Program
	}
	if r.Started.IsZero() || len(doc.Work) == 0 {
		r.Started = record.Started.UTC()
	}
	r.Ended = laterOf(last, r.Started)
	switch {
	case record.Live:
		r.Outcome = Running
	case record.Outcome != "" && record.Outcome != abandoned:
		r.Outcome = outcomeOf(problem.Kind(record.Outcome))
		r.Ended = laterOf(record.Ended.UTC(), r.Started)
	}
}

func (r *Run) fromResult(result event.Result) {
	absent := r.Absent
	r.Result = result
	if len(absent) > 0 {
		r.Absent = absent
	}
	if result.Version != 0 {
		r.To = result.Version
	}
	switch {
	case len(result.Problems) > 0:
		r.Outcome = outcomeOf(result.Problems[0].Kind)
	case result.NothingToDo:
		r.Outcome = NothingToDo
	default:
		r.Outcome = Done
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

// count sums up the events of a run that has no result.
func (r *Run) count(doc Document) {
	r.Exit, r.OK = -1, r.Outcome == Done
	var rows int64
	for _, w := range doc.Work {
		rows += w.Rows
		switch {
		case !w.Complete:
		case w.Kind == "reference":
			r.Edges++
		case w.Kind == "primary key":
			r.Keys++
		default:
			r.Tables++
		}
	}
	r.Rows = max(r.Rows, rows)
}

// notes says what the report lacks, and why.
func (b *Builder) notes(in Input, doc Document) (notes []string) {
	if r := in.Record; r != nil && !b.Ended() && r.Detail != "" {
		notes = append(notes, "The journal recorded why the run ended: "+strings.TrimSuffix(r.Detail, ".")+".")
	}
	switch {
	case b.entries == 0 && in.Record != nil:
		notes = append(notes, "The journal has no events of this run: an older rekey ran it, or could not record them. The report has only what the journal's list of runs says.")
	case doc.Run.Outcome == Running:
		notes = append(notes, "The run has not ended. The report describes it up to "+clock(doc.Run.Ended)+".")
	case doc.Run.Outcome == Killed:
		notes = append(notes, fmt.Sprintf("The run recorded no end: its process was killed, or lost the server. Its last event is of %s. The same command resumes it.", clock(b.last)))
	}
	if b.entries > 0 && doc.Environment == nil && doc.Run.Number > 0 {
		notes = append(notes, "The run did not record its options, the server's settings and the sizes of the tables.")
	}
	if dropped := b.state.Seq - b.entries; dropped > 0 {
		notes = append(notes, fmt.Sprintf("The journal keeps about 1,000 measurements of each kind: of this long run, %s older ones were dropped, evenly. The impact, the rows per second and the load are those of the rest.", number(dropped)))
	}
	return notes
}
