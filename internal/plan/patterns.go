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

// Pattern reports whether a table name of --time-column has wildcards.
func Pattern(table string) bool {
	p, err := discover.ParsePattern(table)
	if err != nil {
		return true // refused as a malformed pattern
	}
	_, exact := p.Exact()
	return !exact
}

// columnByPattern returns the column of the longest pattern that matches a name of the table and whose column the table
// has. Patterns of equal length are tried in alphabetical order, so that the choice is deterministic.
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

// bySpecificity returns the patterns, longest first.
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

// refuseUnusedPatterns refuses the patterns of --time-column that match no chosen table, since they are probably misspelled.
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
			found = append(found, message.UnmatchedTimePattern(schema.Name, text, column))
		}
	}
	return found
}
