package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

// heading is the first line of what is said of a profile's schema, or of one without.
func heading(profile, schema, otherwise string) string {
	if profile == "" {
		return fmt.Sprintf("Schema %s, without a profile.", schema)
	}
	return otherwise
}

// judged is the table of verdicts, but for the relations that are left alone.
func judged(doc rekey.Plan) [][]string {
	rows := [][]string{{"TABLE", "VERDICT", ">ROWS", ">SIZE", ">STEPS", "TIME", "LACKS"}}
	for _, v := range doc.Relations {
		if v.State == rekey.Skipped {
			continue
		}
		row := []string{v.Table, string(v.State), "", "", "", timed(v), unique(strings.Join(v.Missing, ", "), v.Unique)}
		for _, g := range doc.Groups {
			if g.Table == v.Table && g.State != "" {
				row[2], row[3], row[4] = Count(g.Rows), Bytes(g.Bytes), fmt.Sprint(pending(g))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// timed is the creation-time column, or in brackets those that may be one and were not chosen.
func timed(v rekey.Relation) string {
	if v.TimeColumn == "" && len(v.TimeCandidates) > 0 {
		return "none (" + strings.Join(v.TimeCandidates, ", ") + "?)"
	}
	return v.TimeColumn
}

// unique adds among which rows of a tree of tables the values are unique.
func unique(said, where string) string {
	if where == "" {
		return said
	}
	return strings.TrimSpace(said + " (unique " + where + ")")
}

// alone names the relations that are left alone, each with the reason.
func (p *page) alone(verdicts []rekey.Relation) {
	rows := [][]string{{"LEFT ALONE", "WHY"}}
	for _, v := range verdicts {
		if v.State == rekey.Skipped {
			rows = append(rows, []string{v.Table, v.Why})
		}
	}
	if len(rows) > 1 {
		p.lines("")
		p.lines(align(rows)...)
	}
}

// skipped names what is passed over.
func (p *page) skipped(list problem.List) {
	if len(list) == 0 {
		return
	}
	p.lines("", "Passed over, since they are refused:", "")
	p.text.WriteString(Problems(list, p.width, false))
}

func passed(list problem.List) []string {
	var names []string
	for _, one := range list {
		if !slices.Contains(names, one.Table) {
			names = append(names, one.Table)
		}
	}
	return names
}
