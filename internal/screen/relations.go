package screen

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

// relationRows returns a row for each relation that is not skipped.
func relationRows(doc rekey.Plan) (table [][]string) {
	for _, r := range doc.Relations {
		if r.State == rekey.Skipped {
			continue
		}
		row := []string{r.Table, string(r.State), "", "", "", missing(r.Missing, r.State)}
		for _, g := range doc.Groups {
			if g.Table == r.Table && g.Edge == "" && g.State != "" {
				row[2], row[3], row[4] = Count(g.Rows), Bytes(g.Bytes), brief(g.Order)
			}
		}
		if r.TimeColumn == "" && len(r.TimeCandidates) > 0 {
			row[4] += " (or by " + strings.Join(r.TimeCandidates, ", ") + "?)"
		}
		table = append(table, row)
	}
	return table
}

// skippedRelations lists the skipped relations by reason.
func (p *page) skippedRelations(relations []rekey.Relation) {
	var reasons []string
	tables := map[string][]string{}
	for _, r := range relations {
		if r.State == rekey.Skipped {
			if tables[r.Why] == nil {
				reasons = append(reasons, r.Why)
			}
			tables[r.Why] = append(tables[r.Why], r.Table)
		}
	}
	items := make([]string, len(reasons))
	for i, reason := range reasons {
		items[i] = strings.Join(tables[reason], ", ") + ": " + reason
	}
	p.list("Skipped:", items)
}

// skipped lists the problems of tables that are skipped because they are refused.
func (p *page) skipped(list problem.List) {
	if len(list) == 0 {
		return
	}
	p.lines("", "Skipped, because they are refused:", "")
	p.text.WriteString(Problems(list, p.width, false))
}

// tablesOf returns the tables of problems, each once.
func tablesOf(list problem.List) []string {
	var names []string
	for _, one := range list {
		if !slices.Contains(names, one.Table) {
			names = append(names, one.Table)
		}
	}
	return names
}
