package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/order"
)

// Numbered returns the columns of a table whose values must be read to find in which unit they count the time
// since 1970: integers of a creation time's name, or the one that is asked for. An integer with its unit behind
// it needs no reading, nor does a table that is filled by something else, or not at all.
func (s Input) EpochCandidates(table *catalog.Table) []string {
	names, v := s.names(table.Name), s.Policy.Values
	if s.Direction == Down || v.source(names) == ByClock || v.random(names) {
		return nil
	}
	asked := v.column(names, table)
	if c := table.Column(asked); asked != "" {
		if c == nil || !order.EpochByType(*c) {
			return nil
		}
		return []string{asked}
	}
	var columns []string
	for _, c := range table.Columns {
		if order.EpochByName(c) {
			columns = append(columns, c.Name)
		}
	}
	return columns
}

// names are those by which something may be said of a table.
func (s Input) names(table string) []string {
	for _, t := range s.Profile.Tables {
		if all := t.Names(); slices.Contains(all, table) {
			return all
		}
	}
	return []string{table}
}
