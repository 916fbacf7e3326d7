package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

// Failed says on one line why a schema of many failed.
func Failed(list problem.List) string {
	text := fmt.Sprintf("%s: %s", list[0].Kind, list[0].Error())
	if len(list) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(list)-1)
	}
	return clean(strings.Join(strings.Fields(text), " "))
}

// Ended says on one line how a run in one schema of many ended.
func Ended(r event.Result) string {
	text := fmt.Sprintf("%s, %s filled, %s", plural(r.Tables, "table", "tables"), rows(r.Rows), Span(r.Elapsed))
	if r.NothingToDo {
		text = "nothing to do"
	}
	if len(r.Skipped) > 0 {
		text += "; skipped: " + clean(strings.Join(tablesOf(r.Skipped), ", "))
	}
	return text
}

// Planned says on one line what a plan says of one schema of many, and of how many tables.
func Planned(doc rekey.Plan) (text string, tables int) {
	count := map[rekey.State]int{}
	for _, v := range doc.Relations {
		count[v.State]++
	}
	for _, g := range doc.Groups {
		if doc.Profile != "" && g.State != "" {
			count[verdictOf(g)]++
		}
	}
	for _, number := range count {
		tables += number
	}
	var parts []string
	for _, verdict := range []rekey.State{rekey.Pending, rekey.Incomplete, rekey.Complete, rekey.Skipped, rekey.Refused} {
		if count[verdict] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[verdict], verdict))
		}
	}
	if len(parts) == 0 {
		return "no tables", 0
	}
	return strings.Join(parts, ", "), tables
}

// verdictOf is the verdict on a profile's table, as a schema without a profile would have it.
func verdictOf(g rekey.Group) rekey.State {
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

// Counted says on one line what verify counted in one schema of many.
func Counted(r rekey.Report) string {
	var rows int64
	for _, t := range r.Tables {
		rows += t.Rows
	}
	return fmt.Sprintf("%s, %s, no difference", plural(len(r.Tables), "table", "tables"), plural(int(rows), "row", "rows"))
}

// Standing says on one line how one schema of many stands.
func Standing(s rekey.Status) string {
	whole, wanted := 0, 0
	for _, t := range s.Tables {
		if t.State == rekey.Complete {
			whole++
		}
		if t.State != rekey.Skipped && t.State != rekey.Absent {
			wanted++
		}
	}
	text := fmt.Sprintf("%d of %s whole", whole, plural(wanted, "table", "tables"))
	if s.Running != nil {
		text += "; a run is at work"
	}
	return text
}

// SumUp is the last line of a command on many schemas.
func SumUp(s event.Summary) string {
	text := fmt.Sprintf("%s: %s match %s: %d done", clean(s.Command), plural(s.Schemas, "schema", "schemas"), clean(s.Pattern), s.Done)
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.Failed)
	}
	if s.NotBegun > 0 {
		text += fmt.Sprintf(", %d not begun", s.NotBegun)
	}
	if s.Rows > 0 {
		text += fmt.Sprintf("; %s filled", rows(s.Rows))
	}
	if len(s.Skipped) > 0 {
		const most = 5
		names := strings.Join(s.Skipped[:min(most, len(s.Skipped))], ", ")
		if more := len(s.Skipped) - most; more > 0 {
			names += fmt.Sprintf(" and %d more", more)
		}
		text += fmt.Sprintf("; without the profile's tables and left alone: %s", clean(names))
	}
	return text + fmt.Sprintf("; %s in all.", Span(s.Elapsed)) + alike(s.Kinds)
}

// alike says how many plans were made for how many schemas; the most frequent kind comes first.
func alike(kinds []event.Kind) string {
	all := 0
	for _, k := range kinds {
		all += k.Schemas
	}
	if len(kinds) == 0 || all < 2 {
		return ""
	}
	first := kinds[0]
	text := fmt.Sprintf("\n%s like %s, planned once", plural(first.Schemas, "schema is", "schemas are"), clean(first.SameAs))
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
