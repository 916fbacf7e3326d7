package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
)

// keyStates counts the primary keys by how far they are: "Primary keys: 2 of 8 switched, 1 doubled".
func keyStates(keys []rekey.Key) string {
	count, taken := map[rekey.KeyState]int{}, 0
	for _, k := range keys {
		if k.State != rekey.Skipped {
			taken++
			count[k.Progress]++
		}
	}
	switched := count[rekey.KeySwitched] + count[rekey.KeyContracted]
	parts := []string{fmt.Sprintf("Primary keys: %d of %d switched", switched, taken)}
	for _, state := range []rekey.KeyState{rekey.KeyContracted, rekey.KeyReady, rekey.KeyDoubled} {
		if count[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[state], state))
		}
	}
	return strings.Join(parts, ", ")
}

// The cells of the matrix of phases.
const (
	reached    = "yes"
	notReached = "no"
	noPhase    = "-" // the table has nothing of the phase
)

// phaseRows returns the matrix of phases: a row for each table that is neither absent nor skipped.
func phaseRows(s rekey.Status) [][]string {
	table := [][]string{{"TABLE", "EXPANDED", "LINKED", "SWITCHED", "CONTRACTED", ">~ROWS", "MISSING"}}
	for _, t := range statusOrder(s.Tables) {
		if t.State == rekey.Absent || t.State == rekey.Skipped {
			continue
		}
		linked, ended := linkedCell(s.Edges, t.Table)
		switched, contracted := keyCells(s.Keys, t.Table)
		if contracted == noPhase && ended {
			contracted = reached
		}
		table = append(table, []string{t.Table, expandedCell(t), linked, switched, contracted, Count(t.Rows), missing(t.Missing, t.State)})
	}
	return table
}

func expandedCell(t rekey.TableStatus) string {
	switch t.State {
	case rekey.Complete:
		return reached
	case rekey.Pending:
		return notReached
	default:
		return string(t.State)
	}
}

// linkedCell returns how many references of a table are linked, and whether all of them have ended.
func linkedCell(edges []rekey.Edge, table string) (cell string, ended bool) {
	linked, ends, all := 0, 0, 0
	for _, e := range edges {
		if e.Table != table || e.State == rekey.Skipped {
			continue
		}
		all++
		if e.State == rekey.Complete {
			linked++
		}
		if e.Progress == rekey.EdgeContracted {
			ends++
		}
	}
	switch linked {
	case all:
		cell = reached
	case 0:
		cell = notReached
	default:
		cell = fmt.Sprintf("%d of %d", linked, all)
	}
	if all == 0 {
		cell = noPhase
	}
	return cell, all > 0 && ends == all
}

func keyCells(keys []rekey.Key, table string) (switched, contracted string) {
	at := slices.IndexFunc(keys, func(k rekey.Key) bool { return k.Table == table })
	if at < 0 {
		return notReached, notReached
	}
	switch k := keys[at]; {
	case k.State == rekey.Skipped:
		return noPhase, noPhase
	case k.Progress == rekey.KeyContracted:
		return reached, reached
	case k.Progress == rekey.KeySwitched:
		return reached, notReached
	case k.Progress == rekey.KeyInteger:
		return notReached, notReached
	default:
		return string(k.Progress), notReached
	}
}

// keys adds the primary keys of a plan, what they change for the application, and the columns that end.
func (p *page) keys(doc rekey.Plan) {
	if !switches(doc) {
		return
	}
	table := [][]string{{"PRIMARY KEY", "STATE", "NOW", "THEN"}}
	for _, k := range doc.Keys {
		if k.State != rekey.Skipped && k.State != rekey.Refused {
			now, then := k.Columns, k.UUIDColumns
			if k.Progress == rekey.KeySwitched {
				now = then
			}
			if doc.Command == rekey.Down {
				then = k.Columns
			}
			table = append(table, []string{k.Table, string(k.Progress), strings.Join(now, ", "), strings.Join(then, ", ")})
		}
	}
	if len(table) > 1 {
		p.lines("")
		p.lines(alignWithin(table, p.width)...)
	}
	p.listGroups("Primary keys that stay:", keysBy(doc.Keys, rekey.Skipped))
	p.listGroups("Refused primary keys:", keysBy(doc.Keys, rekey.Refused))
	p.endings(doc.Endings)
	p.hazards(doc.Hazards)
}

// switches reports whether a plan is about primary keys.
func switches(doc rekey.Plan) bool {
	return doc.To == rekey.Switched || doc.To == rekey.Contracted || doc.Command == rekey.Down && doc.To == rekey.Linked
}

func keysBy(keys []rekey.Key, state rekey.State) map[string][]string {
	said := map[string][]string{}
	for _, k := range keys {
		if k.State == state && k.Why != "" {
			said[k.Why] = append(said[k.Why], k.Table)
		}
	}
	return said
}

func (p *page) endings(endings []rekey.Ending) {
	var items []string
	for _, e := range endings {
		item := e.Column
		if len(e.Falls) > 0 {
			item += ", with " + strings.Join(e.Falls, ", ")
		}
		items = append(items, fmt.Sprintf("%s (%s since the switch)", item, plural(int(e.Reads), "index scan", "index scans")))
	}
	p.list("Columns that end, with everything on them. There is no way back:", items)
}

func (p *page) hazards(hazards []rekey.Hazard) {
	var items []string
	for _, h := range hazards {
		item := string(h.Name) + textIf(h.Accepted, " (accepted)") + ": " + h.What + ". Concerns " + strings.Join(firstNames(h.Tables), ", ") + "."
		if len(h.Seen) > 0 {
			item += " Check " + strings.Join(firstNames(h.Seen), ", ") + "."
		}
		items = append(items, item)
	}
	p.list("Hazards for the application, to be accepted by name (--accept):", items)
}

// keyReports adds what verify found of the primary keys.
func (p *page) keyReports(keys []rekey.KeyReport) {
	if len(keys) == 0 {
		return
	}
	proved := 0
	table := [][]string{{"PRIMARY KEY", "STATE", "DIFFERENCES"}}
	for _, k := range keys {
		if k.OK {
			proved++
		}
		table = append(table, []string{k.Table, string(k.Progress), fmt.Sprint(len(k.Missing))})
	}
	p.lines("")
	p.lines(alignWithin(table, p.width)...)
	p.lines("")
	p.add(fmt.Sprintf("%d of %s proved: columns, indexes, foreign keys and replica identity are those of the state.", proved, plural(len(keys), "primary key", "primary keys")))
}
