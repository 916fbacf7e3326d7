package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// Fleet is the report of a command on many schemas or targets: the JSON of `rekey up --targets FILE --report FILE.json`.
type Fleet struct {
	// Document is "rekey report".
	Document string `json:"document"`
	// FormatVersion is the version of the JSON, [event.FormatVersion].
	FormatVersion int `json:"format_version"`
	// Made is when the report was made, in UTC.
	Made time.Time `json:"made"`
	// MadeBy is the version of rekey that made the report.
	MadeBy string `json:"made_by"`
	// Call is the command with its flags, except those that may contain a secret.
	Call string `json:"call"`
	// Phase is the phase to reach, "" for the default.
	Phase string `json:"phase,omitempty"`
	// Started is when the command began, in UTC.
	Started time.Time `json:"started"`
	// Summary is the last event of the command.
	Summary event.Summary `json:"summary"`
	// Next says how to continue.
	Next string `json:"next"`
	// Members lists the schemas or targets in the order in which they begin.
	Members []Member `json:"members"`
}

// Member is a schema or a target in the report of many.
type Member struct {
	// Name is the name of the schema or of the target.
	Name string `json:"name"`
	// Group is the group of the target.
	Group string `json:"group,omitempty"`
	// Schema is the name of the schema.
	Schema string `json:"schema"`
	// Database is the host, the port and the name of the target's database.
	Database string `json:"database,omitempty"`
	// Outcome is how the command ended there.
	Outcome Outcome `json:"outcome"`
	// Text is the command's line about it.
	Text string `json:"text"`
	// Tables is the number of complete tables.
	Tables int `json:"tables"`
	// Rows is the number of rows that were filled.
	Rows int64 `json:"rows"`
	// Elapsed is the duration, with the time to connect to a target.
	Elapsed time.Duration `json:"elapsed_ns"`
	// Locks sums up the ACCESS EXCLUSIVE locks.
	Locks event.Locks `json:"access_exclusive"`
	// Verification is the verification of the tables for the report; nil if there was none.
	Verification *Verification `json:"verification,omitempty"`
	// Skipped says why tables were skipped.
	Skipped problem.List `json:"skipped,omitempty"`
	// Problems says why it failed.
	Problems problem.List `json:"problems,omitempty"`
}

// NotStarted is the outcome of a schema or target that was not begun.
const NotStarted Outcome = "not started"

// MemberOutcome returns how a command on one of many ended, and how its verification did.
func MemberOutcome(found problem.List, nothingToDo bool, v *Verification) Outcome {
	switch {
	case len(found) > 0:
		return outcomeOf(found[0].Kind)
	case v != nil && v.Report != nil && !v.OK:
		return Differs
	case nothingToDo:
		return NothingToDo
	default:
		return Done
	}
}

// Verified returns the verification of an event.
func Verified(e event.Verified, at time.Time) *Verification { return verification(e, at.UTC()) }

// one is "schema" or "target".
func (f Fleet) one() string {
	if f.Summary.Targets > 0 {
		return "target"
	}
	return "schema"
}

func (f Fleet) page() page {
	f = shown(f)
	s := f.Summary
	p := page{title: "rekey " + s.Command + " of " + message.Counted(s.Schemas, f.one(), f.one()+"s"), sections: []section{f.summary()}}
	if s.Targets == 0 {
		p.title += " " + s.Pattern
	}
	if f.Phase != "" {
		p.title += " to phase " + f.Phase
	}
	p.run = fmt.Sprintf("%s, took %s", clock(f.Started), elapsed(s.Elapsed))
	p.outcome, p.tone = f.outcome()
	if next := f.problems(); len(next.parts) > 0 {
		p.sections = append(p.sections, next)
	}
	p.sections = append(p.sections, f.list(), f.about())
	return p
}

func (f Fleet) outcome() (words, tone string) {
	s := f.Summary
	switch {
	case s.Failed > 0:
		return fmt.Sprintf("%s of %s failed", number(int64(s.Failed)), message.Counted(s.Schemas, f.one(), f.one()+"s")), "bad"
	case s.NotBegun > 0:
		return fmt.Sprintf("Stopped, %s not started", number(int64(s.NotBegun))), "warn"
	case f.count(Differs) > 0:
		return "Differences found", "bad"
	default:
		return "Done", "good"
	}
}

func (f Fleet) count(outcome Outcome) (n int) {
	for _, m := range f.Members {
		if m.Outcome == outcome {
			n++
		}
	}
	return n
}

// summary returns the figures of all together.
func (f Fleet) summary() section {
	s := section{id: "summary", title: "In short"}
	s.say(f.Next)
	words, tone := f.outcome()
	sum := f.Summary
	parts := []string{message.Counted(sum.Done, f.one(), f.one()+"s") + " done"}
	if n := f.count(NothingToDo); n > 0 {
		parts[0] += fmt.Sprintf(", %s of them with nothing to do", number(int64(n)))
	}
	if sum.Failed > 0 {
		parts = append(parts, number(int64(sum.Failed))+" failed")
	}
	if sum.NotBegun > 0 {
		parts = append(parts, number(int64(sum.NotBegun))+" not started")
	}
	facts := []fact{{"Result", words, strings.Join(parts, "; ") + ".", tone}}
	if f.changes() {
		facts = append(facts,
			fact{"Rows", number(sum.Rows), fmt.Sprintf("Filled by this command, in %s. %s complete.", elapsed(sum.Elapsed), message.Counted(sum.Tables, "table", "tables")), ""},
			f.lockFact())
	}
	if f.changes() || f.verifies() {
		facts = append(facts, f.proofFact())
	}
	s.parts = append(s.parts, part{facts: facts})
	return s
}

// changes reports whether the command changes something.
func (f Fleet) changes() bool { return f.Summary.Command == "up" || f.Summary.Command == "down" }

func (f Fleet) verifies() bool { return f.Summary.Command == "verify" }

func (f Fleet) lockFact() fact {
	var worst Member
	count := 0
	for _, m := range f.Members {
		count += m.Locks.Count
		if m.Locks.LongestHold >= worst.Locks.LongestHold && m.Locks.Count > 0 {
			worst = m
		}
	}
	if count == 0 {
		return fact{"Locks", "none", "No ACCESS EXCLUSIVE lock was taken.", ""}
	}
	text := fmt.Sprintf("Longest hold of %s, in %s.", message.Counted(count, "ACCESS EXCLUSIVE lock", "ACCESS EXCLUSIVE locks"), worst.label())
	return fact{"Locks", millis(worst.Locks.LongestHold), text, ""}
}

func (f Fleet) proofFact() fact {
	verified, equal := 0, 0
	var rows int64
	for _, m := range f.Members {
		if v := m.Verification; v != nil && v.Report != nil {
			verified++
			if v.OK {
				equal++
			}
			for _, t := range v.Report.Tables {
				rows += t.Rows
			}
		}
	}
	text := fmt.Sprintf("%s verified, %s counted.", message.Counted(verified, f.one(), f.one()+"s"), message.Counted(rows, "row", "rows"))
	switch {
	case verified == 0:
		return fact{"Proof", "not recorded", "The tables were not verified with this report.", ""}
	case equal < verified:
		return fact{"Proof", message.Counted(verified-equal, f.one(), f.one()+"s") + " with differences", text, "bad"}
	default:
		return fact{"Proof", "no differences", text, "good"}
	}
}

// problems lists the failures, each with the next step, and the ones that were not started.
func (f Fleet) problems() section {
	s := section{id: "next", title: "What to do next"}
	failed := table{caption: "Failed", columns: []column{text(f.heading()), text("Problem"), text("Next")}}
	var waiting []string
	for _, m := range f.Members {
		for i, p := range m.Problems {
			name := m.label()
			if i > 0 {
				name = ""
			}
			failed.rows = append(failed.rows, []string{name, problemText(*p), p.Hint})
		}
		if m.Outcome == NotStarted {
			waiting = append(waiting, m.label())
		}
	}
	if len(failed.rows) > 0 {
		s.add(failed)
	}
	if len(waiting) > 0 {
		s.say("Not started: " + strings.Join(waiting, ", ") + ".")
	}
	return s
}

func problemText(p problem.Problem) string {
	if p.Detail == "" {
		return p.Message + "."
	}
	return p.Message + ". " + p.Detail
}

// list is the table of all.
func (f Fleet) list() section {
	s := section{id: "list", title: "All " + f.one() + "s"}
	t := table{caption: "Each " + f.one() + ", in the order of the command"}
	cells := f.cells()
	for _, c := range cells {
		t.columns = append(t.columns, c.column)
	}
	for _, m := range f.Members {
		row := make([]string, 0, len(cells))
		for _, c := range cells {
			row = append(row, c.of(m))
		}
		t.rows = append(t.rows, row)
	}
	s.add(t)
	return s
}

// cell is a column of the table of all, with its text.
type cell struct {
	column
	of func(Member) string
}

// cells returns the columns that the command has something for.
func (f Fleet) cells() []cell {
	begun := func(of func(Member) string) func(Member) string {
		return func(m Member) string {
			if m.Outcome == NotStarted {
				return ""
			}
			return of(m)
		}
	}
	all := []cell{{text(f.heading()), Member.label}}
	if f.Summary.Targets > 0 {
		all = append(all, cell{text("Database"), func(m Member) string { return m.Database }}, cell{text("Schema"), func(m Member) string { return m.Schema }})
	}
	all = append(all, cell{text("Result"), func(m Member) string { return string(m.Outcome) }}, cell{numeric("Tables"), begun(func(m Member) string { return number(int64(m.Tables)) })})
	if f.changes() {
		all = append(all, cell{numeric("Rows"), begun(func(m Member) string { return number(m.Rows) })})
	}
	all = append(all, cell{numeric("Time"), begun(func(m Member) string { return elapsed(m.Elapsed) })})
	if f.changes() {
		all = append(all, cell{numeric("Longest lock"), Member.hold}, cell{text("Proof"), Member.proof})
	}
	return append(all, cell{text("Details"), f.details})
}

func (f Fleet) heading() string {
	if f.Summary.Targets > 0 {
		return "Target"
	}
	return "Schema"
}

func (m Member) label() string {
	if m.Group != "" {
		return m.Group + "/" + m.Name
	}
	return m.Name
}

func (m Member) hold() string {
	if m.Locks.Count == 0 {
		return ""
	}
	return millis(m.Locks.LongestHold)
}

// details returns why it failed, the line of a command that only reads, or the tables that were skipped.
func (f Fleet) details(m Member) string {
	if len(m.Problems) > 0 {
		return m.Problems[0].Message
	}
	if !f.changes() {
		return m.Text
	}
	var tables []string
	for _, p := range m.Skipped {
		tables = append(tables, p.Table)
	}
	if len(tables) == 0 {
		return ""
	}
	return "skipped: " + strings.Join(tables, ", ")
}

func (m Member) proof() string {
	switch v := m.Verification; {
	case v == nil:
		return ""
	case v.Report == nil:
		return "not possible"
	case v.OK:
		return "no differences"
	default:
		return message.Counted(len(v.Report.Differences), "difference", "differences")
	}
}

// about returns the command and how the report was made.
func (f Fleet) about() section {
	s := section{id: "about", title: "About this report"}
	s.say("The command: " + f.Call)
	s.say("Connection strings, passwords and the texts of queries are not recorded. A report of the run in one schema: rekey report --schema NAME.")
	s.say(fmt.Sprintf("Made by rekey %s at %s.", f.MadeBy, clock(f.Made)))
	return s
}
