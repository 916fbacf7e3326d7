package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
)

// Report returns the differences that verify found, and what it counted.
func Report(r rekey.Report, width int) string {
	p := page{width: width}
	total := sum(r.Tables)
	p.add("Verify: " + scopeOf(r.Profile, r.Schema, r.Version) + ".")
	found := fmt.Sprintf("%s in %s, %s", plural(len(r.Differences), "difference", "differences"), plural(len(r.Tables), "table", "tables"), rows(total.Rows))
	if n := len(r.Edges); n > 0 {
		found += ", and " + plural(n, "reference", "references")
	}
	if len(r.Differences) == 0 {
		p.add("No" + strings.TrimPrefix(found, "0") + ".")
	} else {
		p.add(found + ":")
	}
	for _, line := range r.Differences {
		p.lines(wrap(line, width, "  - ", "    ")...)
	}
	p.lines("")
	p.lines(alignWithin(reportRows(r.Tables, total), width)...)
	p.edgeReports(r.Edges)
	p.keyReports(r.Keys)
	p.lines("")
	p.checks(r, total)
	p.absent(r.Absent)
	p.remarks(tablesIn(r.Tables, func(t rekey.TableReport) string { return uniqueIn(t.Unique) }))
	p.skipped(r.Skipped)
	p.list("Notes:", r.Notes)
	return p.text.String()
}

// checks adds a paragraph for each check other than the counts.
func (p *page) checks(r rekey.Report, total rekey.TableReport) {
	if !r.Function.Unneeded {
		p.add(function(r.Function))
	}
	for _, line := range append(creationOrder(r.Tables), copies(r.Tables)...) {
		p.add(line)
	}
	if total.Kept > 0 {
		p.add(plural(int(total.Kept), "value", "values") + " of another version existed before up and stay.")
	}
	if i := r.Integrity; i != nil && len(i.Broken) == 0 {
		p.add(fmt.Sprintf("Primary keys: in %s the column is a uuid, NOT NULL and without duplicates, and there is a primary key.", plural(i.Tables, "table", "tables")))
	}
}

// edgeReports adds the counts of references, and what they prove.
func (p *page) edgeReports(edges []rekey.EdgeReport) {
	if len(edges) == 0 {
		return
	}
	table := [][]string{{"REFERENCE", "STATE", ">ROWS", ">MISMATCH", ">ORPHAN", ">ONE-SIDED"}}
	proved, ended, valid := 0, 0, 0
	var orphans []string
	for _, e := range byParent(edges) {
		if e.Progress == rekey.EdgeContracted {
			ended++
			if e.OK {
				valid++
			}
			table = append(table, []string{e.Table + "." + e.UUIDColumn, string(e.Progress), noPhase, noPhase, noPhase, noPhase})
			continue
		}
		if e.OK {
			proved++
		}
		table = append(table, []string{e.Table + "." + e.Column, string(e.Progress), Count(e.Rows), Count(e.Mismatches), Count(e.Orphans), Count(e.OneSided)})
		if e.Orphans > 0 {
			orphans = append(orphans, fmt.Sprintf("%s.%s -> %s: %s", e.Table, e.Column, e.Parent, strings.Join(e.OrphanKeys, ", ")+textIf(e.Orphans > int64(len(e.OrphanKeys)), ", …")))
		}
	}
	p.lines("")
	p.lines(alignWithin(table, p.width)...)
	p.list("Orphans: their integer refers to no row of the parent.", orphans)
	p.lines("")
	if both := len(edges) - ended; both > 0 {
		p.add(fmt.Sprintf("%d of %s proved: both columns of every row refer to the same row of the parent.", proved, plural(both, "reference", "references")))
	}
	if ended > 0 {
		p.add(fmt.Sprintf("%d of %s without integers proved: the uuid foreign key is valid, where there was one.", valid, plural(ended, "reference", "references")))
	}
}

// byParent returns the references in the order of plan and status: below one another if they refer to the same table.
func byParent(edges []rekey.EdgeReport) []rekey.EdgeReport {
	first := map[string]int{}
	for i, e := range edges {
		if _, known := first[e.Parent]; !known {
			first[e.Parent] = i
		}
	}
	edges = slices.Clone(edges)
	slices.SortStableFunc(edges, func(a, b rekey.EdgeReport) int { return cmp.Compare(first[a.Parent], first[b.Parent]) })
	return edges
}

func sum(tables []rekey.TableReport) (total rekey.TableReport) {
	for _, t := range tables {
		total.Rows += t.Rows
		total.Nulls += t.Nulls
		total.Duplicates += t.Duplicates
		total.NotV7 += t.NotV7
		total.NotV4 += t.NotV4
		total.Kept += t.Kept
	}
	return total
}

func reportRows(tables []rekey.TableReport, total rekey.TableReport) [][]string {
	table := [][]string{{"TABLE", ">ROWS", ">NULL", ">DUPLICATE", ">NOT V7", ">KEPT"}}
	for _, t := range tables {
		table = append(table, counts(t.Table, t))
	}
	return append(table, counts("total", total))
}

func counts(name string, t rekey.TableReport) []string {
	return []string{name, Count(t.Rows), Count(t.Nulls), Count(t.Duplicates), Count(t.NotV7 + t.NotV4), Count(t.Kept)}
}

func function(f rekey.FunctionReport) string {
	switch {
	case !f.Exists:
		return fmt.Sprintf("Function %s does not exist.", f.Name)
	case f.Note != "" && len(f.Unprivileged) == 0:
		return fmt.Sprintf("Function %s is %s's own, and every role that inserts may call it.", f.Name, f.Library)
	case !f.MakesV7 && f.Fault != "":
		return fmt.Sprintf("Function %s does not return UUIDv7: %s.", f.Name, f.Fault)
	case !f.MakesV7:
		return fmt.Sprintf("Function %s does not return UUIDv7.", f.Name)
	case len(f.Unprivileged) > 0:
		return fmt.Sprintf("Function %s returns UUIDv7; these roles insert and lack EXECUTE on it: %s.", f.Name, strings.Join(f.Unprivileged, ", "))
	default:
		return fmt.Sprintf("Function %s returns UUIDv7, and every role that inserts may call it.", f.Name)
	}
}
