package plan

import (
	"github.com/rekey-pg/rekey/internal/order"
)

// EpochCandidates returns the integer columns of a table whose values must be read to find the unit in which they count
// the time since 1970: those named like a creation time, or the one that --time-column names. It returns none if
// --time-column gives the unit, or if the rows are not ordered by time.
func (s Input) EpochCandidates(goal TableGoal) []string {
	names, table, v := goal.Names, goal.Table, s.Policy.Values
	if s.Direction == Down || v.source(names) == ByClock || v.random(names) {
		return nil
	}
	requested := v.column(names, table)
	if c := table.Column(requested); requested != "" {
		if c == nil || !order.EpochByType(*c) {
			return nil
		}
		return []string{requested}
	}
	var columns []string
	for _, c := range table.Columns {
		if order.EpochByName(c) {
			columns = append(columns, c.Name)
		}
	}
	return columns
}
