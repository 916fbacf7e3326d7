package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// Plan writes a plan for a DBA who reads every statement before it runs: the verdict on each table,
// what stands in the way, and the statements in the order in which they would run, with all that is said
// about them as SQL comments.
func Plan(doc rekey.Plan, width int) string {
	p := page{width: width}
	p.planHead(doc)
	p.lines("")
	p.lines(align(verdicts(doc))...)
	p.alone(doc.Relations)
	if len(doc.Absent) > 0 {
		p.lines("")
		p.add("Absent, which is no error: " + strings.Join(doc.Absent, ", ") + ".")
	}
	p.skipped(doc.Skipped)
	for _, note := range doc.Notes {
		p.lines("")
		p.lines(wrap(note, width, "Note: ", "  ")...)
	}
	p.code(doc.Code)
	if len(doc.Refusals) > 0 {
		p.lines("", "What stands in the way; nothing is changed before all of it is mended:", "")
		p.text.WriteString(Problems(doc.Refusals, width, false))
	}
	if !doc.NothingToDo {
		p.statements(doc)
	}
	return p.text.String()
}

// mostPlaces is how many callers of a function are named.
const mostPlaces = 3

// code says whose code runs as whom.
func (p *page) code(list []rekey.Code) {
	if len(list) > 0 {
		p.lines("")
	}
	for _, c := range list {
		text := strings.Join(c.Callers[:min(len(c.Callers), mostPlaces)], ", ")
		if more := len(c.Callers) - mostPlaces; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		switch c.Use {
		case rekey.CodeDefault:
			text = fmt.Sprintf("%s of %s becomes the default; it runs as the role that inserts", c.Runs, c.Owner)
		case rekey.CodeProof:
			text = fmt.Sprintf("plan and up call %s of %s, read-only; it runs as %s (%s)", c.Runs, c.Owner, c.As, c.Why)
		case rekey.CodeEventTrigger, rekey.CodeCalled:
			verb := "calls"
			if len(c.Callers) > 1 {
				verb = "call"
			}
			text = fmt.Sprintf("%s %s %s of %s; it runs as %s (%s)", text, verb, c.Runs, c.Owner, c.As, c.Why)
		}
		p.lines(wrap(text, p.width, "Code: ", "  ")...)
	}
}

func (p *page) planHead(doc rekey.Plan) {
	if doc.Profile == "" {
		p.add(fmt.Sprintf("Plan of %s in schema %s, without a profile.", doc.Command, doc.Schema))
	} else {
		p.add(fmt.Sprintf("Plan of %s in schema %s, %s.", doc.Command, doc.Schema, versions(doc.Version, doc.ToVersion, doc.Command == rekey.Down)))
	}
	p.add(fmt.Sprintf("Database %s, PostgreSQL %s, role %s. Nothing has been changed.", doc.Database, doc.Server, doc.Role))
	switch {
	case doc.VerifyOnly:
		p.add(verifyOnly)
	case doc.NothingToDo && len(doc.Refusals) == 0:
		p.add("There is nothing to do.")
	case doc.Rows > 0:
		p.add("About " + plural(int(doc.Rows), "row is", "rows are") + " to be filled.")
	}
}

// verifyOnly is said of the versions that have gone beyond the migration.
const verifyOnly = "The uuid is the primary key at this version: there is nothing to migrate, only to verify."

func verdicts(doc rekey.Plan) [][]string {
	if doc.Profile == "" {
		return judged(doc)
	}
	rows := [][]string{{"TABLE", "STATE", ">ROWS", ">SIZE", ">STEPS", "LACKS"}}
	for _, g := range doc.Groups {
		if g.State == "" {
			continue // the schema's own steps, and the version's
		}
		rows = append(rows, []string{g.Table, string(g.State), Count(g.Rows), Bytes(g.Bytes), fmt.Sprint(pending(g)), lacks(g.Missing, string(g.State))})
	}
	return rows
}

// lacks says nothing where the state says it all: a missing column lacks everything.
func lacks(list []string, state string) string {
	if state == string(rekey.Pending) {
		return ""
	}
	return strings.Join(list, ", ")
}

func pending(g rekey.Group) int {
	n := 0
	for _, s := range g.Steps {
		if !s.Done {
			n++
		}
	}
	return n
}

// page collects lines.
type page struct {
	text  strings.Builder
	width int
}

func (p *page) add(text string) { p.lines(wrap(text, p.width, "", "")...) }

func (p *page) lines(lines ...string) {
	for _, line := range lines {
		p.text.WriteString(line + "\n")
	}
}

func (p *page) comment(text string) {
	p.lines(wrap(text, p.width, "-- ", "--   ")...)
}

func (p *page) statements(doc rekey.Plan) {
	p.lines("")
	p.comment("The statements, in the order in which they run. Each step is a short transaction of its own under a short " +
		"lock_timeout, tried again when the lock is not to be had; indexes are built outside of one.")
	for _, g := range doc.Groups {
		if pending(g) == 0 {
			continue
		}
		p.lines("")
		p.comment("==== " + groupHead(g, doc.Schema))
		if g.Order != nil {
			p.comment("values: " + values(*g.Order))
		}
		for _, s := range g.Steps {
			if !s.Done {
				p.step(s, doc.Command)
			}
		}
	}
}

func groupHead(g rekey.Group, schema string) string {
	switch {
	case g.State == "" && g.Table == "":
		return "schema " + schema
	case g.State == "":
		return "the version, on " + g.Table + " in schema " + schema
	}
	head := fmt.Sprintf("%s: %s, about %s, %s", g.Table, g.State, rows(g.Rows), Bytes(g.Bytes))
	if g.Kept > 0 {
		head += fmt.Sprintf("; %s of another version stay", plural(int(g.Kept), "value", "values"))
	}
	return head
}

// step writes one step.
func (p *page) step(s rekey.Step, way rekey.Direction) {
	p.lines("")
	if way == rekey.Down {
		p.comment(s.Undo)
		p.comment("lock: " + s.Lock)
	} else {
		p.comment(s.What + ": " + s.Why)
		p.comment(fmt.Sprintf("lock: %s; reads: %s; taken back: %s", s.Lock, s.Scans, s.UndoneBy))
	}
	if s.Choice != "" {
		p.comment("how: " + s.Choice)
	}
	for _, statement := range s.SQL {
		statement = strings.TrimRight(visible.Text(sqltext.MapQuoted(statement, visible.Line)), "; \n")
		p.lines(statement + ";")
	}
}

// Refused sums up the refusals of a document that names them, for the error channel.
func Refused(what string, list problem.List) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Refused, Code: "plan_refused",
		Message: fmt.Sprintf("%s: %s in the way, nothing was changed", what, plural(len(list), "problem stands", "problems stand")),
		Hint:    "They are named above, each with what to do about it.",
	}
}
