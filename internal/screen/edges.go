package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
)

// mostDetails is the number of edges up to which the page lists the details of each.
const mostDetails = 12

// edges adds the references of a plan as a graph, parents first, and what each of them gets.
func (p *page) edges(doc rekey.Plan) {
	if len(doc.Edges) == 0 {
		return
	}
	p.lines("")
	p.add(edgeTotal(doc))
	p.lines("")
	p.lines(alignTree(edgeRows(doc.Edges, doc.Command), p.width)...)
	p.list("Cycles, whose tables refer to each other:", cyclesOf(doc.Edges))
	p.skippedEdges(doc.Edges)
	if doc.Command == rekey.Up {
		p.edgeDetails(doc.Edges)
	}
}

// edgeTotal sums up the work on the references.
func edgeTotal(doc rekey.Plan) string {
	count := map[rekey.State]int{}
	for _, e := range doc.Edges {
		count[e.State]++
	}
	parts := edgeWork(doc.Command, count)
	for _, state := range []rekey.State{rekey.Complete, rekey.Refused, rekey.Skipped} {
		if n := count[state]; n > 0 {
			word := string(state)
			if state == rekey.Complete {
				word = map[rekey.Direction]string{rekey.Up: "linked already", rekey.Down: "without one"}[doc.Command]
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	text := strings.Join(parts, ", ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// edgeWork returns what a run does to references.
func edgeWork(direction rekey.Direction, count map[rekey.State]int) (parts []string) {
	if direction == rekey.Down {
		return []string{plural(count[rekey.Pending]+count[rekey.Incomplete], "reference loses its uuid column", "references lose their uuid columns")}
	}
	if n := count[rekey.Pending]; n > 0 {
		parts = append(parts, plural(n, "reference gets", "references get")+" a uuid column next to the integer one")
	}
	if n := count[rekey.Incomplete]; n > 0 {
		parts = append(parts, plural(n, "incomplete reference is", "incomplete references are")+" completed")
	}
	if parts == nil {
		parts = []string{"no reference needs work"}
	}
	return parts
}

// edgeRows returns the references below the tables that they refer to, with what they get and what they cost. Skipped ones are listed
// elsewhere.
func edgeRows(edges []rekey.Edge, direction rekey.Direction) [][]string {
	table := [][]string{{"REFERENCES, BY PARENT", "STATE", "UUID COLUMN", "TRIGGERS", ">INSERT"}}
	return append(table, tree(edges, func(e rekey.Edge) []string {
		return []string{edgeState(e, direction), e.UUIDColumn, triggerLetters(e), costOf(e, direction)}
	})...)
}

// tree returns a row for each parent and, below it, a row for each reference to it: its name, and the cells that row returns. It
// leaves out skipped references.
func tree(edges []rekey.Edge, row func(rekey.Edge) []string) (table [][]string) {
	below := map[string][]rekey.Edge{}
	for _, e := range edges {
		if e.State != rekey.Skipped {
			below[e.Parent] = append(below[e.Parent], e)
		}
	}
	for _, parent := range parentsOf(edges) {
		for i, e := range below[parent] {
			cells := row(e)
			if i == 0 {
				head := parent + textIf(inCycle(edges, parent), " (in a cycle)")
				table = append(table, append([]string{head}, make([]string, len(cells))...))
			}
			table = append(table, append([]string{"  " + edgeLabel(e)}, cells...))
		}
	}
	return table
}

// alignTree aligns the rows of a tree. If they are too wide, it leaves out the column of the uuid columns, whose names follow from the
// integer columns.
func alignTree(rows [][]string, width int) []string {
	const uuidColumn = 2
	for _, line := range align(cloneRows(rows)) {
		if columns(line) > width {
			for i := range rows {
				rows[i] = slices.Delete(rows[i], uuidColumn, uuidColumn+1)
			}
			break
		}
	}
	return alignWithin(rows, width)
}

// edgeLabel returns the name of a reference with its exceptions.
func edgeLabel(e rekey.Edge) string {
	var marks []string
	if e.Parent == e.Table {
		marks = append(marks, "itself")
	}
	if e.Constraint == "" && e.State != rekey.Refused {
		marks = append(marks, "no foreign key")
	}
	return e.Name() + textIf(marks != nil, " ("+strings.Join(marks, ", ")+")")
}

// edgeState returns the state of a reference: what exists of it, unless nothing does.
func edgeState(e rekey.Edge, direction rekey.Direction) string {
	switch {
	case e.State == rekey.Refused, e.State == rekey.Skipped:
		return string(e.State)
	case direction == rekey.Up && e.Progress == rekey.EdgeNone:
		return string(e.State)
	}
	return string(e.Progress)
}

// triggerLetters returns which triggers an edge has, by the last letters of their names: "i u l".
func triggerLetters(e rekey.Edge) string {
	letters := []string{"i", "u", "l"}
	if e.State == rekey.Refused {
		return ""
	}
	return strings.Join(letters[:min(len(e.Triggers), len(letters))], " ")
}

// costOf returns what an INSERT costs on the way up, as a multiple.
func costOf(e rekey.Edge, direction rekey.Direction) string {
	if direction == rekey.Down || e.InsertCost == 0 || e.State == rekey.Refused {
		return ""
	}
	return fmt.Sprintf("%.1fx", e.InsertCost)
}

func (p *page) skippedEdges(edges []rekey.Edge) {
	said := map[string][]string{}
	for _, e := range edges {
		if e.State == rekey.Skipped {
			said[e.Why] = append(said[e.Why], e.Name())
		}
	}
	p.listGroups("Skipped references:", said)
}

// refusedEdges lists why references are refused.
func (p *page) refusedEdges(edges []rekey.Edge) {
	said := map[string][]string{}
	for _, e := range edges {
		if e.State == rekey.Refused && e.Why != "" {
			said[e.Why] = append(said[e.Why], e.Name())
		}
	}
	p.listGroups("Refused references:", said)
}

// edgeDetails lists what references get and what they cost. It sums up the twins of many.
func (p *page) edgeDetails(edges []rekey.Edge) {
	var twins, details []string
	var late, cost bool
	number := 0
	for _, e := range edges {
		if !getsWork(e) {
			continue
		}
		late, cost = late || e.ChildFirst, cost || e.InsertCost > 0
		number += len(e.Twins)
		for _, twin := range e.Twins {
			twins = append(twins, twin.Of+" -> "+twin.Name+textIf(twin.Unique && !twin.Moves, ", unique")+textIf(twin.Moves, ", unique in its place")+textIf(twin.OfUnique && !twin.Unique, ", not unique"))
		}
	}
	if !slices.ContainsFunc(edges, getsWork) {
		return
	}
	triggers := "TRIGGERS: their names begin with ~rekey; i fires before INSERT, u before UPDATE"
	if late {
		triggers += ", and l after both where a row may be written before its parent"
	}
	details = append(details, triggers+".")
	if cost {
		details = append(details, insertCost)
	}
	if len(edges) <= mostDetails {
		p.list("Index twins, with the uuid column:", twins)
	} else if number > 0 {
		details = append(details, plural(number, "index that holds an integer column gets a twin.", "indexes that hold integer columns get twins."))
	}
	details = append(details, "Names of all objects, also of the foreign keys: rekey plan TABLE, or --json.")
	p.list("Each reference:", details)
}

// getsWork reports whether a run does something to an edge.
func getsWork(e rekey.Edge) bool { return e.State == rekey.Pending || e.State == rekey.Incomplete }

// edgeNotes returns each note about edges that get work once, after their names.
func edgeNotes(edges []rekey.Edge) (items []string) {
	about := map[string][]string{}
	var notes []string
	for _, e := range edges {
		if !getsWork(e) {
			continue
		}
		for _, note := range e.Notes {
			if about[note] == nil {
				notes = append(notes, note)
			}
			about[note] = append(about[note], e.Name())
		}
	}
	for _, note := range notes {
		items = append(items, strings.Join(firstNames(about[note]), ", ")+": "+note)
	}
	return items
}

// insertCost explains the column INSERT.
const insertCost = "INSERT: the time in the server, as a multiple of the time with the integer foreign key alone. " +
	"Each reference of a table adds to it. An UPDATE of other columns takes about 1.5 times as long."

// candidates lists columns that may refer to a table without a foreign key.
func (p *page) candidates(list []rekey.Candidate) {
	var items []string
	for _, c := range list {
		items = append(items, fmt.Sprintf("%s.%s -> %s: %s", c.Table, c.Column, c.Parent, c.Why))
	}
	if len(items) > mostDetails {
		items = append(items[:mostDetails], fmt.Sprintf("and %d more, in the JSON", len(list)-mostDetails))
	}
	p.list("Columns without a foreign key, not taken (--reference takes one):", items)
}

// unsupported lists columns that refer to other tables and that no run takes.
func (p *page) unsupported(list []rekey.UnsupportedReference) {
	kinds := map[rekey.UnsupportedKind]string{rekey.Polymorphic: "polymorphic", rekey.IDArray: "array of ids", rekey.IDDocument: "JSON with ids"}
	var items []string
	for _, u := range list {
		items = append(items, fmt.Sprintf("%s.%s%s, %s: %s", u.Table, u.Column, textIf(u.Parent != "", " -> "+u.Parent), kinds[u.Kind], u.Why))
	}
	if len(items) > mostDetails {
		items = append(items[:mostDetails], fmt.Sprintf("and %d more, in the JSON", len(list)-mostDetails))
	}
	p.list("References that rekey never takes, and that keep their integers:", items)
}
