package verify

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// EdgeReport holds the counts of the rows of one edge.
type EdgeReport struct {
	Table      string // the child, without its schema
	Column     string // its integer column
	Parent     string // with its schema, if that is another one
	UUIDColumn string
	Progress   string
	OK         bool
	Rows       int64
	Mismatches int64    // rows whose two columns refer to different rows of the parent
	Orphans    int64    // rows whose integer refers to no row of the parent
	OrphanKeys []string // some of these integers
	OneSided   int64    // rows with a value in only one of the columns, orphans excluded
	Missing    []string // what the edge lacks, as sentences without a period

	UUIDOnly      int64    // of OneSided, the rows with a uuid
	ByKey, ByUUID []string // statements that make the columns equal
}

// Edges counts the rows of every edge of a plan.
func Edges(ctx context.Context, pool *pgxpool.Pool, p plan.Plan) ([]EdgeReport, error) {
	return countEdges(ctx, pool, p)
}

// Faults returns what the rows of an edge, or its objects, lack, as sentences; "" if it is proved.
func (e EdgeReport) Faults() string {
	var faults []string
	for _, c := range []struct {
		rows int64
		what string
	}{{e.Mismatches, "refer to two different rows"}, {e.Orphans, "refer to no row of the parent"}, {e.OneSided, "have a value in one column only"}} {
		if c.rows > 0 {
			faults = append(faults, message.Counted(c.rows, "row", "rows")+": "+c.what)
		}
	}
	return strings.Join(append(faults, e.Missing...), "; ")
}

// countEdges counts the rows of every edge that has a uuid column. Whether the triggers keep both columns equal from then on is
// read from the catalogue.
func countEdges(ctx context.Context, pool *pgxpool.Pool, p plan.Plan) ([]EdgeReport, error) {
	var reports []EdgeReport
	for _, l := range p.Links {
		child := childOf(p, l.Edge)
		if why := unproved(p, l); why != "" {
			reports = append(reports, EdgeReport{
				Table: l.Edge.Child.Name, Column: l.Edge.Column, UUIDColumn: l.Edge.UUID, Parent: parentName(p, l.Edge.Parent), Progress: string(plan.EdgeNone), Missing: []string{why},
			})
			continue
		}
		if l.Edge.UUID == "" || child == nil {
			continue
		}
		if origin, _ := l.Edge.ReadMark(child); origin != step.Made {
			continue // the application's column
		}
		counted, err := countEdge(ctx, pool, p.Server, l.Edge, tablesOf(l.Edge, child), p.Schema.Find(l.Edge.Parent.Schema, l.Edge.Parent.Name))
		if err != nil {
			return nil, fault.At(explainUnreadable(err, l.Edge.Target(), p.Server.Role), l.String(), "count")
		}
		l = p.WithRows(l, child, plan.EdgeRows{Unfilled: counted.OneSided > counted.UUIDOnly, Orphans: counted.Orphans})
		counted.Table, counted.Column, counted.UUIDColumn = l.Edge.Child.Name, l.Edge.Column, l.Edge.UUID
		counted.Parent, counted.Progress, counted.Missing = parentName(p, l.Edge.Parent), string(l.Progress), l.Missing
		counted.ByKey, counted.ByUUID = l.Edge.Equalize()
		reports = append(reports, counted)
	}
	return reports, nil
}

// endedEdges returns a report for each edge whose integer has ended. No rows are counted: its foreign key alone keeps them right.
func endedEdges(p plan.Plan) []EdgeReport {
	var reports []EdgeReport
	for _, l := range p.Links {
		if l.Ended() != "" {
			reports = append(reports, EdgeReport{
				Table: l.Edge.Child.Name, Column: l.Edge.Column, UUIDColumn: l.Ended(), Parent: parentName(p, l.Edge.Parent), Progress: string(l.Progress), Missing: l.Missing,
			})
		}
	}
	return reports
}

// unproved returns why the rows of an edge that up made cannot be compared; "" if they can, or if up made none.
func unproved(p plan.Plan, l plan.Link) string {
	if why := l.Damage(); why != "" {
		return why
	}
	if l.Edge.UUID == "" || !l.Made() {
		return ""
	}
	parent := p.Schema.Find(l.Edge.Parent.Schema, l.Edge.Parent.Name)
	switch {
	case parent == nil:
		return "there is no table " + l.Edge.Parent.String()
	case parent.Column(l.Edge.ParentUUID) == nil:
		return l.Edge.Parent.String() + " has no column " + l.Edge.ParentUUID
	}
	return ""
}

// childOf returns the child of an edge, which may be below another table; nil if it does not exist.
func childOf(p plan.Plan, e step.Edge) *catalog.Table {
	for i := range p.Schema.Relations {
		for _, one := range p.Schema.Relations[i].All() {
			if one.Named() == e.Child.All() {
				return one
			}
		}
	}
	return nil
}

// parentName returns the name of a parent, with its schema if that is another one.
func parentName(p plan.Plan, parent sqltext.Table) string {
	if parent.Schema == p.SchemaName {
		return parent.Name
	}
	return parent.String()
}

// equalize returns the hint for the first edge whose columns differ, "" if there is none. A row with the integer alone is filled by
// up.
func (r Report) equalize() string {
	for _, e := range r.Edges {
		if e.Mismatches > 0 || e.UUIDOnly > 0 {
			return message.EqualizeHint(e.Table+"."+e.Column, e.UUIDColumn, e.ByKey, e.ByUUID)
		}
	}
	return ""
}

// differences returns one line for each fault of an edge.
func (e EdgeReport) differences() []string {
	name := e.Table + "." + e.Column + ": "
	var lines []string
	for _, missing := range e.Missing {
		lines = append(lines, name+missing)
	}
	if e.Mismatches > 0 {
		lines = append(lines, name+message.Counted(e.Mismatches, "row whose", "rows whose")+" "+e.Column+" and "+e.UUIDColumn+" refer to different rows of "+e.Parent)
	}
	if e.OneSided > 0 {
		lines = append(lines, name+message.Counted(e.OneSided, "row with", "rows with")+" a value in only one of "+e.Column+" and "+e.UUIDColumn)
	}
	if e.Orphans > 0 {
		text := name + message.Counted(e.Orphans, "orphan", "orphans") + ", which refer to no row of " + e.Parent + ": " + strings.Join(e.OrphanKeys, ", ")
		if e.Orphans == 1 {
			text = strings.Replace(text, "which refer to", "which refers to", 1)
		}
		if int64(len(e.OrphanKeys)) < e.Orphans {
			text += ", …"
		}
		lines = append(lines, text)
	}
	return lines
}
