package screen

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/history"
)

// Next holds the commands that follow a plan.
type Next struct {
	Run string // carries the plan out
	SQL string // prints its statements
}

// Plan returns a plan as one page: what would be done, where, to which tables, and what needs attention.
func Plan(doc rekey.Plan, next Next, width int) string {
	p := page{width: width}
	p.planHead(doc)
	if rows := planRows(doc); len(rows) > 1 && !edgesOnly(doc) {
		if doc.Command == rekey.Down {
			for i := range rows {
				rows[i] = rows[i][:downColumns]
			}
		}
		p.lines("")
		p.lines(alignWithin(rows, width)...)
	}
	if !edgesOnly(doc) {
		p.placements(doc)
		p.skippedRelations(doc.Relations)
	}
	p.absent(doc.Absent)
	p.edges(doc)
	p.keys(doc)
	p.candidates(doc.Candidates)
	p.unsupported(doc.Unsupported)
	p.skipped(doc.Skipped)
	p.planSteps(doc, "EACH TABLE", func(g rekey.Group) bool { return g.Edge == "" && g.Key == "" })
	p.planSteps(doc, "EACH REFERENCE", func(g rekey.Group) bool { return g.Edge != "" && g.Phase != rekey.Contracted })
	p.planSteps(doc, "EACH PRIMARY KEY", func(g rekey.Group) bool { return g.Key != "" && g.Phase != rekey.Contracted })
	p.planSteps(doc, "EACH INTEGER COLUMN", func(g rekey.Group) bool { return g.Phase == rekey.Contracted })
	p.forecast(doc.Forecast, doc.Schema)
	p.risks(doc.Risks)
	p.list("Attention:", attention(doc))
	if len(doc.Refusals) > 0 {
		p.lines("", "Refused. Nothing is changed until these are resolved:", "")
		p.text.WriteString(Problems(doc.Refusals, width, false))
	}
	p.planNext(doc, next)
	return p.text.String()
}

// downColumns is the number of columns of the table of a way down: table, state, rows and size.
const downColumns = 4

func (p *page) planHead(doc rekey.Plan) {
	scope := "schema " + doc.Schema + to(doc.To)
	if doc.Profile != "" {
		scope = fmt.Sprintf("%s in schema %s, %s", doc.Profile, doc.Schema, history.Versions(doc.Version, doc.ToVersion, doc.Command == rekey.Down)) + textIf(doc.To != "", ",") + to(doc.To)
	}
	p.add(fmt.Sprintf("Plan of %s: %s.", doc.Command, scope))
	p.add(fmt.Sprintf("Database %s, PostgreSQL %s, role %s. Nothing has been changed.", doc.Database, doc.Server, doc.Role))
	p.clusterHead(doc.Cluster)
	switch {
	case doc.VerifyOnly:
		p.add(verifyOnly)
	case doc.NothingToDo && len(doc.Refusals) == 0:
		p.add("There is nothing to do.")
	case edgesOnly(doc):
	default:
		p.add(planTotal(doc))
	}
}

// edgesOnly reports whether a plan leaves the uuid columns of the tables as they are.
func edgesOnly(doc rekey.Plan) bool {
	return doc.Command == rekey.Down && (doc.To == rekey.Expanded || doc.To == rekey.Linked)
}

// to returns the phase of a plan that names one.
func to(phase rekey.Phase) string { return textIf(phase != "", " to "+string(phase)) }

// verifyOnly describes versions in which the uuid has become the primary key.
const verifyOnly = "The uuid is the primary key at this version: there is nothing to migrate, only to verify."

// planTotal sums up the work on the tables.
func planTotal(doc rekey.Plan) string {
	tables, bytes := 0, int64(0)
	for _, g := range doc.Groups {
		if g.State != "" && g.Edge == "" && g.Key == "" && pending(g) > 0 && g.State != rekey.Refused {
			tables++
			bytes += g.Bytes
		}
	}
	if doc.Command == rekey.Down {
		return plural(tables, "table loses its uuid column.", "tables lose their uuid columns.")
	}
	if tables == 0 {
		return "No table needs work."
	}
	return fmt.Sprintf("%s: about %s to fill, %s.", plural(tables, "table gets a uuid column", "tables get a uuid column"), rows(doc.Rows), Bytes(bytes))
}

// planRows returns a row for each table that is not skipped.
func planRows(doc rekey.Plan) [][]string {
	table := [][]string{{"TABLE", "STATE", ">~ROWS", ">SIZE", "ORDERED BY", "MISSING"}}
	if doc.Profile == "" {
		return append(table, relationRows(doc)...)
	}
	for _, g := range doc.Groups {
		if g.State != "" && g.Edge == "" && g.Key == "" { // the schema's own steps have no state
			table = append(table, []string{g.Table, string(g.State), Count(g.Rows), Bytes(g.Bytes), brief(g.Order), missing(g.Missing, g.State)})
		}
	}
	return table
}

// missing returns what an incomplete table lacks. A pending table lacks everything, and the refusal of a table says more.
func missing(list []string, state rekey.State) string {
	return textIf(state == rekey.Incomplete, strings.Join(list, ", "))
}

// pending counts the steps of a group that have something to do.
func pending(g rekey.Group) int {
	n := 0
	for _, s := range g.Steps {
		if !s.Done {
			n++
		}
	}
	return n
}

// planSteps lists the steps of one of the chosen groups with their locks.
func (p *page) planSteps(doc rekey.Plan, title string, chosen func(rekey.Group) bool) {
	var steps [][]string
	for _, g := range doc.Groups {
		if g.State == "" || !chosen(g) || pending(g) <= len(steps) {
			continue
		}
		steps = nil
		for _, s := range g.Steps {
			if !s.Done {
				steps = append(steps, []string{"  " + stepName(s, doc.Command), shortLock(s.Lock)})
			}
		}
	}
	if len(steps) > 0 {
		p.lines("")
		p.lines(alignWithin(append([][]string{{title, "LOCK"}}, steps...), p.width)...)
	}
}

// shortLock returns the lock of a step without its explanation.
func shortLock(lock string) string {
	lock, _, _ = strings.Cut(lock, ";")
	lock, _, _ = strings.Cut(lock, ", which")
	return lock
}

// stepName returns what a step does, without the names of a single table.
func stepName(s rekey.Step, direction rekey.Direction) string {
	names := map[string][2]string{
		"add-column":    {"add the column", "drop the column"},
		"fill-column":   {"fill the rows, in batches", "keep the values"},
		"build-index":   {"build the unique index", "drop the index"},
		"require-value": {"set NOT NULL", "drop NOT NULL"},
		"settle":        {"remove the mark", "mark the column"},

		"wire":           {"add column and triggers", "drop triggers and column"},
		"fill":           {"fill rows, in batches", "keep values"},
		"parent-index":   {"build unique index of parent", "drop unique index of parent"},
		"mirror-indexes": {"build index twins", "drop index twins"},
		"link":           {"add and validate foreign key", "drop foreign key"},
		"require-uuid":   {"set NOT NULL", "drop NOT NULL"},
		"finish":         {"mark column as finished", "mark column as not finished"},

		"unique-key":       {"build unique index of integers", "drop unique index of integers"},
		"move-references":  {"move foreign keys to it", "move foreign keys back"},
		"primary-index":    {"build index of new key", "drop index of new key"},
		"swap-primary-key": {"swap primary key", "swap primary key back"},
		"drop-integer":     {"drop triggers, key and column", ""},
		"rename-keys":      {"rename the uuid columns", ""},
		"drop-key":         {"drop the integer key", ""},
	}
	_, kind, _ := strings.Cut(s.ID, "/")
	if name, ok := names[kind]; ok {
		return name[map[rekey.Direction]int{rekey.Up: 0, rekey.Down: 1}[direction]]
	}
	if direction == rekey.Down {
		return s.Undo
	}
	return s.What
}

// attention lists what a reader should know before the run.
func attention(doc rekey.Plan) []string {
	items := append([]string{}, doc.Notes...)
	for _, g := range doc.Groups {
		if g.Order != nil && g.Order.TimeCounts != nil {
			if counts := unusableTimes(*g.Order.TimeCounts, len(g.Order.Key) > 0); counts != "" {
				items = append(items, g.Table+": "+counts)
			}
		}
		if g.Kept > 0 {
			items = append(items, g.Table+": "+plural(int(g.Kept), "value of another version stays", "values of another version stay"))
		}
	}
	for _, c := range doc.Code {
		items = append(items, codeUse(c))
	}
	if doc.Command == rekey.Up {
		items = append(items, edgeNotes(doc.Edges)...)
	}
	return items
}

// mostCallers is how many callers of a function are named.
const mostCallers = 3

// codeUse says which code runs, and as which role.
func codeUse(c rekey.Code) string {
	callers := strings.Join(c.Callers[:min(len(c.Callers), mostCallers)], ", ")
	if more := len(c.Callers) - mostCallers; more > 0 {
		callers += fmt.Sprintf(" and %d more", more)
	}
	switch c.Use {
	case rekey.CodeDefault:
		return fmt.Sprintf("%s of %s becomes the default; it runs as the inserting role", c.Runs, c.Owner)
	case rekey.CodeProof:
		return fmt.Sprintf("plan and up call %s of %s, read-only; it runs as %s (%s)", c.Runs, c.Owner, c.As, c.Why)
	case rekey.CodeEventTrigger, rekey.CodeCalled:
	}
	verb := "calls"
	if len(c.Callers) > 1 {
		verb = "call"
	}
	return fmt.Sprintf("%s %s %s of %s; it runs as %s (%s)", callers, verb, c.Runs, c.Owner, c.As, c.Why)
}

func (p *page) planNext(doc rekey.Plan, next Next) {
	if doc.NothingToDo || next == (Next{}) {
		return
	}
	p.lines("")
	if len(doc.Refusals) == 0 {
		p.lines("Run it:      " + clean(next.Run))
	}
	p.lines("Statements:  " + clean(next.SQL))
}
