package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/problem"
)

// FailureLine returns why one schema or target of many failed.
func FailureLine(list problem.List) string {
	text := fmt.Sprintf("%s: %s", list[0].Kind, list[0].Message)
	if list[0].Kind == problem.Failed && list[0].Detail != "" {
		text += ": " + list[0].Detail
	}
	if len(list) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(list)-1)
	}
	return clean(strings.Join(strings.Fields(text), " "))
}

// ResultLine returns the result of a run in one schema of many.
func ResultLine(r event.Result) string {
	text := fmt.Sprintf("%s, %s filled, %s", history.Work(r.Tables, r.Edges, r.Keys), rows(r.Rows), FormatDuration(r.Elapsed))
	if r.Command == "down" {
		text = fmt.Sprintf("%s, %s", history.Work(r.Tables, r.Edges, r.Keys), FormatDuration(r.Elapsed))
	}
	if r.NothingToDo {
		text = "nothing to do"
	}
	if len(r.Skipped) > 0 {
		text += "; skipped: " + clean(strings.Join(tablesOf(r.Skipped), ", "))
	}
	return text
}

// PlanLine returns the plan of one schema of many, and its number of tables.
func PlanLine(doc rekey.Plan) (text string, tables int) {
	count := map[rekey.State]int{}
	for _, v := range doc.Relations {
		count[v.State]++
	}
	for _, g := range doc.Groups {
		if doc.Profile != "" && g.State != "" && g.Edge == "" {
			count[stateOf(g)]++
		}
	}
	for _, number := range count {
		tables += number
	}
	text = countedStates(count)
	if text == "" {
		return "no tables", 0
	}
	if len(doc.Edges) > 0 {
		clear(count)
		for _, e := range doc.Edges {
			count[e.State]++
		}
		text += "; references: " + countedStates(count)
	}
	return text, tables
}

// countedStates returns the number of each state: "2 pending, 5 complete".
func countedStates(count map[rekey.State]int) string {
	var parts []string
	for _, state := range []rekey.State{rekey.Pending, rekey.Incomplete, rekey.Complete, rekey.Skipped, rekey.Refused} {
		if count[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

// stateOf returns the state that a schema run would report for a profile's table.
func stateOf(g rekey.Group) rekey.State {
	work := pending(g) > 0
	switch {
	case g.State == rekey.Refused:
		return rekey.Refused
	case g.State == rekey.Skipped:
		return rekey.Skipped
	case work && g.State == rekey.Incomplete:
		return rekey.Incomplete
	case work:
		return rekey.Pending
	default:
		return rekey.Complete
	}
}

// ReportLine returns what verify counted in one schema of many without differences.
func ReportLine(r rekey.Report) string {
	return fmt.Sprintf("%s, %s, no differences", history.Work(len(r.Tables), len(r.Edges), len(r.Keys)), rows(sum(r.Tables).Rows))
}

// StatusLine returns the status of one schema of many.
func StatusLine(s rekey.Status) string {
	text := states(s.Tables)
	if len(s.Edges) > 0 {
		text += "; phase " + clean(strings.TrimPrefix(edgeStates(s.Phase, s.Edges), "Phase "))
	}
	if s.Running != nil {
		text += "; a run is active"
	}
	return text
}

// Total returns the last lines of a command on many schemas.
func Total(s event.Summary) string {
	what := plural(s.Schemas, "schema matches", "schemas match") + " " + clean(s.Pattern)
	if s.Targets > 0 {
		what = plural(s.Targets, "target", "targets")
	}
	text := fmt.Sprintf("%s: %s: %d done", clean(s.Command), what, s.Done)
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.Failed)
	}
	if s.NotBegun > 0 {
		text += fmt.Sprintf(", %d not started", s.NotBegun)
	}
	if s.Rows > 0 {
		text += fmt.Sprintf("; %s filled", rows(s.Rows))
	}
	if len(s.Skipped) > 0 {
		text += "; skipped, without the profile's tables: " + clean(strings.Join(firstNames(s.Skipped), ", "))
	}
	return text + fmt.Sprintf("; in %s.", FormatDuration(s.Elapsed)) + equalPlans(s)
}

// equalPlans says how many schemas have equal plans, or how many targets have equal tables. The most frequent kind comes first.
func equalPlans(s event.Summary) string {
	kinds, all := s.Kinds, 0
	for _, k := range kinds {
		all += k.Schemas
	}
	if len(kinds) == 0 || kinds[0].Schemas < 2 {
		return ""
	}
	first := kinds[0]
	text := fmt.Sprintf("\n%s like %s, planned once", plural(first.Schemas, "schema is", "schemas are"), clean(first.SameAs))
	if s.Targets > 0 {
		text = fmt.Sprintf("\n%s the same tables as %s", plural(first.Schemas, "target has", "targets have"), clean(first.SameAs))
	}
	if differ := all - first.Schemas; differ > 0 {
		text += fmt.Sprintf(", and %s", plural(differ, "differs", "differ"))
		var names []string
		const most = 5
		for _, k := range kinds[1:min(len(kinds), most+1)] {
			names = append(names, clean(k.SameAs))
		}
		text += ": " + strings.Join(names, ", ")
		if more := len(kinds) - 1 - most; more > 0 {
			text += fmt.Sprintf(" and %d more kinds", more)
		}
	}
	return text + "."
}
