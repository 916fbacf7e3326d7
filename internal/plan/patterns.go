package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/problem"
)

const timeColumn = "--time-column"

// Pattern reports whether a table of --time-column is a pattern of names.
func Pattern(table string) bool {
	p, err := discover.ParsePattern(table)
	if err != nil {
		return true // refused as one
	}
	_, exact := p.Exact()
	return !exact
}

// patterned returns the column of the longest pattern that matches a name of the table and whose column the
// table has; of two of one length that of the first by the alphabet, so that the choice is always the same.
func columnByPattern(columns map[string]string, names []string, table *catalog.Table) string {
	for _, text := range bySpecificity(columns) {
		p, err := discover.ParsePattern(text)
		if err != nil || !slices.ContainsFunc(names, p.Matches) {
			continue
		}
		if column := columns[text]; column == order.None || order.HasColumn(*table, column) {
			return column
		}
	}
	return ""
}

func bySpecificity(columns map[string]string) []string {
	var patterns []string
	for text := range maps.Keys(columns) {
		if Pattern(text) {
			patterns = append(patterns, text)
		}
	}
	slices.SortFunc(patterns, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b)) })
	return patterns
}

// idle refuses the patterns of --time-column that no chosen table fits: a typing error, most likely.
func (v Values) refuseUnusedPatterns(schema catalog.Schema, chosen []string) (found problem.List) {
	for _, text := range bySpecificity(v.Columns) {
		p, err := discover.ParsePattern(text)
		if err != nil {
			found = append(found, message.BadTimePattern(text, err.Error()))
			continue
		}
		column := v.Columns[text]
		fits := func(name string) bool {
			table := schema.Relation(name)
			return p.Matches(name) && table != nil && (column == order.None || order.HasColumn(*table, column))
		}
		if !slices.ContainsFunc(chosen, fits) {
			found = append(found, message.IdleTimePattern(schema.Name, text, column))
		}
	}
	return found
}
