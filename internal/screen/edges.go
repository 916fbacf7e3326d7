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
	p.lines(alignWithin(edgeRows(doc.Edges, doc.Command), p.width)...)
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
	work := count[rekey.Pending] + count[rekey.Incomplete]
	text := plural(work, "reference gets", "references get") + " a uuid column next to the integer one"
	if doc.Command == rekey.Down {
		text = plural(work, "reference loses its uuid column", "references lose their uuid columns")
	} else if work == 0 {
		text = "no reference needs work"
	}
	parts := []string{text}
	for _, state := range []rekey.State{rekey.Complete, rekey.Refused, rekey.Skipped} {
		if n := count[state]; n > 0 {
			word := string(state)
			if state == rekey.Complete {
				word = map[rekey.Direction]string{rekey.Up: "linked already", rekey.Down: "without one"}[doc.Command]
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	text = strings.Join(parts, ", ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// edgeRows returns the references below the tables that they refer to. Skipped ones are listed elsewhere.
func edgeRows(edges []rekey.Edge, direction rekey.Direction) [][]string {
	table := [][]string{{"REFERENCES, BY PARENT", "STATE", "UUID COLUMN", "UUID FOREIGN KEY"}}
	for _, parent := range parentsOf(edges) {
		rows := [][]string{{parent + textIf(inCycle(edges, parent), " (in a cycle)"), "", "", ""}}
		for _, e := range edges {
			if e.Parent == parent && e.State != rekey.Skipped {
				rows = append(rows, []string{"  " + e.Name() + textIf(e.Parent == e.Table, " (itself)"), edgeState(e, direction), e.UUIDColumn, edgeConstraint(e)})
			}
		}
		if len(rows) > 1 {
			table = append(table, rows...)
		}
	}
	return table
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

func edgeConstraint(e rekey.Edge) string {
	if e.Constraint == "" && e.State != rekey.Refused {
		return "none (no constraint)"
	}
	return e.UUIDConstraint
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
		if e.State == rekey.Refused || e.State == rekey.Skipped {
			continue
		}
		late, cost = late || e.ChildFirst, cost || e.InsertCost > 0
		number += len(e.Twins)
		for _, twin := range e.Twins {
			twins = append(twins, twin.Of+" -> "+twin.Name+textIf(twin.Unique, ", unique")+textIf(twin.OfUnique && !twin.Unique, ", not unique: the first one is"))
		}
	}
	triggers := "Triggers: ~rekey_<column>_i before INSERT and ~rekey_<column>_u before UPDATE"
	if late {
		triggers += "; where a row may be written before its parent, ~rekey_<column>_l after both"
	}
	details = append(details, triggers+".")
	if cost {
		details = append(details, insertCost(edges))
	}
	if len(edges) <= mostDetails {
		p.list("Index twins, with the uuid column:", twins)
	} else if number > 0 {
		details = append(details, plural(number, "index that holds an integer column gets a twin.", "indexes that hold integer columns get twins.")+" One table's: rekey plan TABLE")
	}
	p.list("Each reference:", details)
}

// edgeNotes returns each note once, after the edges that it is about.
func edgeNotes(edges []rekey.Edge) (items []string) {
	about := map[string][]string{}
	var notes []string
	for _, e := range edges {
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

// insertCost says what INSERT costs. Edges have one cost, which the benchmark measured.
func insertCost(edges []rekey.Edge) string {
	at := slices.IndexFunc(edges, func(e rekey.Edge) bool { return e.InsertCost > 0 })
	return fmt.Sprintf("An INSERT takes about %.1f times as long as with the integer foreign key alone; an UPDATE of other columns about 1.5 times.", edges[at].InsertCost)
}

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
