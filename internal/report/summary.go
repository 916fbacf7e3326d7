package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
)

func (d Document) page() page {
	statements := slices.Clone(d.Statements)
	for i := range statements {
		statements[i].SQL = short(statements[i].SQL)
	}
	d.Statements = statements
	d = shown(d)
	words, tone := outcomeWords(d)
	return page{title: title(d), run: runLine(d), outcome: words, tone: tone, sections: sections(d)}
}

// title returns the title of a report.
func title(d Document) string {
	text := "rekey " + d.Run.Command + " of schema " + d.Run.Schema
	if d.Run.Phase != "" {
		text += " to phase " + d.Run.Phase
	}
	return text
}

// outcomeWords returns how the run ended, in words, and its tone.
func outcomeWords(d Document) (words, tone string) {
	switch d.Run.Outcome {
	case Done:
		return "Done", "good"
	case NothingToDo:
		return "Nothing to do", "good"
	case Refused:
		return "Refused before the first change", "bad"
	case Stopped:
		return "Stopped at a clean point", "warn"
	case Interrupted:
		return "Interrupted at a clean point", "warn"
	case Differs:
		return "Differences found", "bad"
	case Running:
		return "Still running", "warn"
	case Killed:
		return "Ended without a result", "warn"
	case Failed, NotStarted:
		return "Failed", "bad"
	}
	return "Failed", "bad"
}

// summary returns the facts that matter most.
func summary(d Document) section {
	s := section{id: "summary", title: "In short"}
	words, tone := outcomeWords(d)
	s.say(paragraph(d))
	facts := []fact{{"Result", words, resultText(d), tone}}
	if d.began() {
		facts = append(facts, impactFact(d), lockFact(d), pauseFact(d), costFact(d), proofFact(d))
	}
	s.parts = append(s.parts, part{facts: facts})
	return s
}

// paragraph returns the outcome in a few sentences, with its figures.
func paragraph(d Document) string {
	words, _ := outcomeWords(d)
	text := words + ": " + lowerFirst(resultText(d))
	if !d.began() {
		return text
	}
	if l := d.Run.Locks; l.Count > 0 {
		text += fmt.Sprintf(" It took %s: the longest wait was %s, the longest hold %s.", message.Counted(l.Count, "ACCESS EXCLUSIVE lock", "ACCESS EXCLUSIVE locks"), millis(l.LongestWait), millis(l.LongestHold))
	}
	if i := d.Impact; i != nil {
		text += fmt.Sprintf(" In 95 of 100 measured seconds, the probe's commits and reads took at most %s as long as at rest: in the median, commits %s (%s at rest)", times(i.P95), millis(i.Commit), millis(i.CommitIdle))
		if i.Read > 0 {
			text += fmt.Sprintf(" and reads %s (%s)", millis(i.Read), millis(i.ReadIdle))
		}
		text += "."
	}
	if c := d.total(); c.Actual != nil {
		text += fmt.Sprintf(" The tables with their indexes went from %s to %s, and the server wrote %s of WAL.", size(c.Actual.Before), size(c.Actual.After), size(c.Actual.WAL))
	}
	if still, _ := pausedFor(d); still > 0 {
		text += fmt.Sprintf(" The run paused for %s.", elapsed(still))
	}
	switch v := d.Verification; {
	case v == nil || v.Report == nil:
	case v.OK:
		text += " rekey verify counted every row and found no differences."
	default:
		text += fmt.Sprintf(" rekey verify found %s.", message.Counted(len(v.Report.Differences), "difference", "differences"))
	}
	return text
}

func lowerFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToLower(text[:1]) + text[1:]
}

// total returns forecast and actual of all tables.
func (d Document) total() Cost {
	if len(d.Costs) == 0 || d.Costs[0].Table != "" {
		return Cost{}
	}
	return d.Costs[0]
}

func resultText(d Document) string {
	switch d.Run.Outcome { //nolint:exhaustive // the others have a result
	case Refused:
		return "A check failed. Nothing was changed."
	case NothingToDo:
		return "Everything was done before."
	}
	return fmt.Sprintf("%s complete, %s filled in %s.", workOf(d.Run), message.Counted(d.Run.Rows, "row", "rows"), elapsed(d.Run.Elapsed))
}

func workOf(r Run) string {
	parts := []string{message.Counted(r.Tables, "table", "tables")}
	if r.Edges > 0 {
		parts = append(parts, message.Counted(r.Edges, "reference", "references"))
	}
	if r.Keys > 0 {
		parts = append(parts, message.Counted(r.Keys, "primary key", "primary keys"))
	}
	return strings.Join(parts, ", ")
}

func impactFact(d Document) fact {
	i := d.Impact
	if i == nil {
		return fact{"Impact", "not measured", "How long the application's statements took during the run is not known.", ""}
	}
	f := fact{label: "Impact", value: times(i.P95), text: fmt.Sprintf("In 95 of 100 measured seconds, the probe's commits and reads took at most %s as long as at rest; highest %s.", times(i.P95), times(i.Highest))}
	if i.Limit > 0 {
		f.text += " The limit was " + times(i.Limit) + "."
		f.tone = "good"
		if i.P95 > i.Limit {
			f.tone = "warn"
		}
	}
	return f
}

func lockFact(d Document) fact {
	l := d.Run.Locks
	if l.Count == 0 {
		return fact{"Locks", "none", "No ACCESS EXCLUSIVE lock was taken.", ""}
	}
	text := fmt.Sprintf("Longest hold of %s; the longest wait was %s.", message.Counted(l.Count, "ACCESS EXCLUSIVE lock", "ACCESS EXCLUSIVE locks"), millis(l.LongestWait))
	if n := len(d.Refused); n > 0 {
		text += " " + message.Counted(n, "attempt", "attempts") + " reached the lock timeout."
	}
	return fact{"Locks", millis(l.LongestHold), text, ""}
}

func pauseFact(d Document) fact {
	still, _ := pausedFor(d)
	n := 0
	for _, p := range d.Pauses {
		if p.Paused {
			n++
		}
	}
	if n == 0 {
		return fact{"Pauses", "never", "No signal and no request paused the run.", ""}
	}
	return fact{"Pauses", elapsed(still), fmt.Sprintf("In %s; the reasons are below.", message.Counted(n, "pause", "pauses")), ""}
}

func costFact(d Document) fact {
	actual := d.total().Actual
	if actual == nil {
		return fact{"Size", "not measured", "The size after the run and its WAL are not recorded.", ""}
	}
	text := fmt.Sprintf("With indexes, %s before. The server wrote %s of WAL.", size(actual.Before), size(actual.WAL))
	return fact{"Size", size(actual.After), text, ""}
}

func proofFact(d Document) fact {
	v := d.Verification
	switch {
	case v == nil:
		return fact{"Proof", "not recorded", "The tables were not verified with this report.", ""}
	case v.Report == nil:
		return fact{"Proof", "not possible", "The tables could not be verified.", "warn"}
	case !v.OK:
		return fact{"Proof", message.Counted(len(v.Report.Differences), "difference", "differences"), "rekey verify found differences; they are below.", "bad"}
	}
	var rows, judged, pairs int64
	for _, t := range v.Report.Tables {
		rows += t.Rows
		if t.Order != nil {
			judged, pairs = judged+t.Order.Judged, pairs+t.Order.PairsOutOfOrder
		}
	}
	text := fmt.Sprintf("%s counted in %s.", message.Counted(rows, "row", "rows"), message.Counted(len(v.Report.Tables), "table", "tables"))
	if judged > 0 {
		text += fmt.Sprintf(" %s judged by creation, %s out of order.", number(judged), message.Counted(pairs, "pair", "pairs"))
	}
	return fact{"Proof", "no differences", text, "good"}
}
