package screen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
)

// Status returns the version, the active run and the state of every table. Tables that need work come first.
func Status(s rekey.Status, width int) string {
	p := page{width: width}
	p.add("Status: " + scopeOf(s.Profile, s.Schema, s.Version) + ".")
	p.add(states(s.Tables) + ".")
	if len(s.Edges) > 0 {
		p.add(edgeStates(s.Phase, s.Edges) + ".")
	} else if len(s.Keys) > 0 {
		p.add("Phase " + string(s.Phase) + ".")
	}
	if len(s.Keys) > 0 {
		p.add(keyStates(s.Keys) + ".")
	}
	if s.VerifyOnly {
		p.add(verifyOnly)
	}
	for _, note := range s.Notes {
		p.lines(wrap(note, width, "Note: ", "  ")...)
	}
	p.activeRun(s.Running)
	p.progress(s)
	rows := statusRows(s.Tables)
	if len(s.Edges)+len(s.Keys) > 0 {
		rows = phaseRows(s)
	}
	if len(rows) > 1 {
		p.lines("")
		p.lines(alignWithin(rows, width)...)
	}
	if len(s.Edges) > 0 {
		p.lines("")
		p.lines(alignWithin(edgeStatusRows(s.Edges), width)...)
		p.list("Incomplete references:", missingOfEdges(s.Edges))
		p.skippedEdges(s.Edges)
		p.refusedEdges(s.Edges)
	}
	p.list("Incomplete primary keys:", missingOfKeys(s.Keys))
	p.absent(tablesIn(s.Tables, func(t rekey.TableStatus) string { return textIf(t.State == rekey.Absent, "absent") })["absent"])
	p.listGroups("Skipped:", tablesIn(s.Tables, func(t rekey.TableStatus) string { return textIf(t.State == rekey.Skipped, t.Why) }))
	p.remarks(
		tablesIn(s.Tables, func(t rekey.TableStatus) string { return textIf(t.Found, "the column existed before up") }),
		tablesIn(s.Tables, func(t rekey.TableStatus) string { return textIf(t.Random, randomValues) }),
		tablesIn(s.Tables, func(t rekey.TableStatus) string { return uniqueIn(t.Unique) }),
	)
	if len(s.Refusals) > 0 {
		p.lines("", "A run would be refused:", "")
		p.text.WriteString(Problems(s.Refusals, width, false))
	}
	return p.text.String()
}

// scopeOf names a profile's schema with its version, or a schema.
func scopeOf(profile, schema string, version int) string {
	if profile == "" {
		return "schema " + schema
	}
	return fmt.Sprintf("%s in schema %s, version %d", profile, schema, version)
}

// states counts the tables by state: "28 of 33 tables complete, 5 pending".
func states(tables []rekey.TableStatus) string {
	count, selected := map[rekey.State]int{}, 0
	for _, t := range tables {
		count[t.State]++
		if t.State != rekey.Skipped && t.State != rekey.Absent {
			selected++
		}
	}
	parts := []string{fmt.Sprintf("%d of %s complete", count[rekey.Complete], plural(selected, "table", "tables"))}
	for _, state := range []rekey.State{rekey.Incomplete, rekey.Pending, rekey.Refused} {
		if count[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

func (p *page) activeRun(r *rekey.ActiveRun) {
	if r == nil {
		return
	}
	p.add(fmt.Sprintf("Active run: rekey %s (%s) on host %s, pid %d, since %s; last heartbeat %.0f s ago.",
		r.Command, r.Program, r.Host, r.PID, r.Since.UTC().Format(time.RFC3339), r.Silent.Seconds()))
	if r.PausedBy != "" && r.PausedSince != nil {
		p.add(fmt.Sprintf("Paused since %s: %s.", r.PausedSince.UTC().Format(time.RFC3339), r.PausedBy))
	}
}

// progress shows what the last run has recorded, if it has not ended.
func (p *page) progress(s rekey.Status) {
	if s.Progress == nil {
		return
	}
	if !s.Progress.Active {
		p.lines(wrap(fmt.Sprintf("The last run, rekey %s since %s, ended without recording its end: its process was killed, or lost the server. The next run continues from here. What it recorded last, at %s:",
			clean(s.Progress.Command), s.Progress.Started.UTC().Format(time.RFC3339), s.Progress.Recorded.UTC().Format(time.RFC3339)), p.width, "", "  ")...)
	}
	for _, line := range Progress(*s.Progress, s.Schema, p.width-2) {
		p.lines("  " + line)
	}
}

// edgeStates counts the references by what exists of them: "Phase expanded: 3 of 5 references linked, 1 wired".
func edgeStates(phase rekey.Phase, edges []rekey.Edge) string {
	count := map[string]int{}
	linked, taken := 0, 0
	for _, e := range edges {
		state := edgeState(e, rekey.Down)
		count[state]++
		if e.State != rekey.Skipped {
			taken++
		}
		if e.State == rekey.Complete {
			linked++
			count[state]--
		}
	}
	parts := []string{fmt.Sprintf("Phase %s: %d of %s linked", phase, linked, plural(taken, "reference", "references"))}
	for _, state := range []string{string(rekey.EdgeLinked), string(rekey.EdgeMirrored), string(rekey.EdgeFilled), string(rekey.EdgeWired), string(rekey.EdgeNone), string(rekey.Refused)} {
		if count[state] > 0 && state == string(rekey.EdgeNone) {
			parts = append(parts, fmt.Sprintf("%d without a uuid column", count[state]))
		} else if count[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

// edgeStatusRows returns a row for each reference that is not skipped, by parent.
func edgeStatusRows(edges []rekey.Edge) [][]string {
	return append([][]string{{"REFERENCES, BY PARENT", "STATE", ">~ROWS"}}, tree(edges, func(e rekey.Edge) []string {
		return []string{edgeState(e, rekey.Down), Count(e.Rows)}
	})...)
}

// missingOfEdges says what incomplete references lack.
func missingOfEdges(edges []rekey.Edge) (items []string) {
	for _, e := range edges {
		if text := missing(e.Missing, e.State); text != "" {
			items = append(items, e.Name()+": "+text)
		}
	}
	return items
}

// missingOfKeys says what incomplete primary keys lack.
func missingOfKeys(keys []rekey.Key) (items []string) {
	for _, k := range keys {
		if text := missing(k.Missing, k.State); text != "" {
			items = append(items, k.Table+": "+text)
		}
	}
	return items
}

// statusOrder returns the tables that need work first.
func statusOrder(tables []rekey.TableStatus) []rekey.TableStatus {
	first := []rekey.State{rekey.Refused, rekey.Incomplete, rekey.Pending, rekey.Complete}
	tables = slices.Clone(tables)
	slices.SortStableFunc(tables, func(a, b rekey.TableStatus) int {
		return cmp.Compare(slices.Index(first, a.State), slices.Index(first, b.State))
	})
	return tables
}

// statusRows returns a row for each table that is neither absent nor skipped, of a schema whose tables are expanded at most.
func statusRows(tables []rekey.TableStatus) [][]string {
	table := [][]string{{"TABLE", "STATE", ">~ROWS", "MISSING"}}
	for _, t := range statusOrder(tables) {
		if t.State != rekey.Absent && t.State != rekey.Skipped {
			table = append(table, []string{t.Table, string(t.State), Count(t.Rows), missing(t.Missing, t.State)})
		}
	}
	return table
}

// textIf returns the text if the condition holds.
func textIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

// tablesIn returns the names of the tables by the text that say returns for them. It leaves out tables without one.
func tablesIn[T rekey.TableStatus | rekey.TableReport](tables []T, say func(T) string) map[string][]string {
	said := map[string][]string{}
	for _, t := range tables {
		if text := say(t); text != "" {
			said[text] = append(said[text], nameOf(t))
		}
	}
	return said
}

func nameOf(table any) string {
	switch t := table.(type) {
	case rekey.TableStatus:
		return t.Table
	case rekey.TableReport:
		return t.Table
	}
	return ""
}

const randomValues = "random values, version 4"

func uniqueIn(where string) string { return textIf(where != "", "values are unique "+where) }

// remarks lists texts with the tables that they are about.
func (p *page) remarks(said ...map[string][]string) {
	all := map[string][]string{}
	for _, one := range said {
		maps.Copy(all, one)
	}
	maps.DeleteFunc(all, func(_ string, tables []string) bool { return len(tables) == 0 })
	for text, tables := range all {
		all[text] = firstNames(tables)
	}
	p.listGroups("Remarks:", all)
}

// firstNames returns the first names and the number of the others.
func firstNames(names []string) []string {
	const most = 5
	if len(names) <= most {
		return names
	}
	return []string{fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)}
}

// listGroups lists each text once, after the tables that it is about.
func (p *page) listGroups(title string, said map[string][]string) {
	var items []string
	for text, tables := range said {
		items = append(items, strings.Join(tables, ", ")+": "+text)
	}
	slices.Sort(items)
	p.list(title, items)
}

// absent names the tables of a profile that do not exist.
func (p *page) absent(tables []string) {
	if len(tables) > 0 {
		p.lines("")
		p.add("Absent, which is not an error: " + strings.Join(tables, ", ") + ".")
	}
}
