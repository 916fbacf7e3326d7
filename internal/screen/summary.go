package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/event"
)

// Summary is what a person reads when a run has ended; next is the command that comes after it. A run
// that failed has its problems told elsewhere, but what it did all the same stands here.
func Summary(r event.Result, next string, width int) string {
	var lines []string
	add := func(text string) { lines = append(lines, wrap(text, width, "", "  ")...) }
	more := func(text string) { lines = append(lines, wrap(text, width, "  ", "    ")...) }
	switch {
	case r.NothingToDo && r.OK && r.Version == 0:
		add(fmt.Sprintf("%s: nothing to do in schema %s.", r.Command, r.Schema))
	case r.OK && r.Version == 0:
		add(fmt.Sprintf("%s: done in schema %s.", r.Command, r.Schema))
	case r.NothingToDo && r.OK:
		add(fmt.Sprintf("%s: nothing to do, version %d stands in schema %s.", r.Command, r.Version, r.Schema))
	case r.OK:
		add(fmt.Sprintf("%s: done, version %d is recorded in schema %s.", r.Command, r.Version, r.Schema))
	case r.Tables == 0 && r.Rows == 0 && r.Locks.Count == 0:
		return ""
	default:
		add(fmt.Sprintf("%s: not finished in schema %s; what was done stays and is not done again.", r.Command, r.Schema))
	}
	if !r.NothingToDo {
		more(fmt.Sprintf("%s, %s filled, %s in all.", plural(r.Tables, "table", "tables"), rows(r.Rows), Span(r.Elapsed)))
		more(locks(r.Locks))
	}
	if len(r.Absent) > 0 {
		more(fmt.Sprintf("Absent, which is no error: %s.", strings.Join(r.Absent, ", ")))
	}
	if len(r.Skipped) > 0 {
		more(fmt.Sprintf("Skipped, because they are refused: %s.", strings.Join(tablesOf(r.Skipped), ", ")))
	}
	if r.OK && next != "" {
		add("Next: " + next)
	}
	return strings.Join(lines, "\n") + "\n"
}

func locks(l event.Locks) string {
	if l.Count == 0 {
		return "No table was locked exclusively."
	}
	return fmt.Sprintf("%s, the longest waited for %s and held %s.",
		plural(l.Count, "ACCESS EXCLUSIVE lock", "ACCESS EXCLUSIVE locks"), Span(l.LongestWait), Span(l.LongestHold))
}
