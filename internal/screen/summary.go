package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// Summary returns how a run ended; costs is the text of [Costs], and next the command to run after it. The summary of a failed run
// describes its work, or is "" if it did none. The caller prints the problems.
func Summary(r event.Result, costs, next string, width int) string {
	p := page{width: width}
	more := func(text string) { p.lines(wrap(text, width, "  ", "    ")...) }
	scope := "schema " + r.Schema
	if r.Version != 0 {
		scope += fmt.Sprintf(", version %d", r.Version)
	}
	switch {
	case r.NothingToDo && r.OK:
		p.add(fmt.Sprintf("%s: nothing to do in %s.", r.Command, scope))
	case r.OK:
		p.add(fmt.Sprintf("%s: done in %s, in %s.", r.Command, scope, FormatDuration(r.Elapsed)))
	case r.Tables == 0 && r.Edges == 0 && r.Keys == 0 && r.Rows == 0 && r.Locks.Count == 0:
		return ""
	default:
		p.add(fmt.Sprintf("%s: not finished in schema %s, after %s. The next run continues from here.", r.Command, r.Schema, FormatDuration(r.Elapsed)))
	}
	if !r.NothingToDo {
		work := history.Work(r.Tables, r.Edges, r.Keys) + " done"
		if r.Command == "up" {
			work += ", " + rows(r.Rows) + " filled"
		}
		more(work + ".")
		more(locks(r.Locks))
	}
	if len(r.Absent) > 0 {
		more("Absent, which is not an error: " + strings.Join(r.Absent, ", ") + ".")
	}
	if len(r.Skipped) > 0 {
		more("Skipped, because they are refused: " + strings.Join(tablesOf(r.Skipped), ", ") + ".")
	}
	p.text.WriteString(costs)
	if r.OK && next != "" {
		p.add("Next: " + next)
	}
	return p.text.String()
}

func locks(l event.Locks) string {
	if l.Count == 0 {
		return "No ACCESS EXCLUSIVE locks."
	}
	return fmt.Sprintf("%s: waited at most %s, held at most %s.",
		plural(l.Count, "ACCESS EXCLUSIVE lock", "ACCESS EXCLUSIVE locks"), FormatDuration(l.LongestWait), FormatDuration(l.LongestHold))
}
