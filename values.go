package rekey

import (
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/problem"
)

// Values says what the uuids of the rows that are there already tell. Its zero value is the order of
// creation: each table's creation-time column, as far as one is known.
type Values = plan.Values

// Source says whose time the uuids tell.
type Source = plan.Source

// The sources of Values.
const (
	ByColumn = plan.ByColumn // the time at which a row was created
	ByClock  = plan.ByClock  // the time of the filling
)

// checkValues finds what is wrong with the words of Values; what the database says to them is found in
// the plan.
func (c Config) checkValues() error {
	v := c.Values
	var found problem.List
	sources := []Source{v.Source}
	for _, table := range slices.Sorted(maps.Keys(v.Sources)) {
		sources = append(sources, v.Sources[table])
	}
	for _, source := range sources {
		if !slices.Contains([]Source{"", ByColumn, ByClock}, source) {
			found = append(found, problem.BadTimeSource(string(source)))
		}
	}
	var names []string
	for _, t := range c.Profile.Tables {
		names = append(names, t.Names()...)
	}
	named := map[string][]string{
		"--time-source": slices.Collect(maps.Keys(v.Sources)), "--time-column": slices.Collect(maps.Keys(v.Columns)), "--random": v.Random,
	}
	if c.free() {
		named = nil // looked for in the schema
	}
	for _, flag := range slices.Sorted(maps.Keys(named)) {
		slices.Sort(named[flag])
		for _, table := range named[flag] {
			if flag == "--time-column" && plan.Pattern(table) {
				continue
			}
			if !slices.Contains(names, table) {
				found = append(found, problem.UnknownTable(flag, table, c.Profile.Name, problem.Nearest(table, names)))
			}
		}
	}
	found = append(found, c.contradictions()...)
	if len(found) > 0 {
		return found
	}
	return nil
}

// contradictions are tables of which two things are asked that exclude each other.
func (c Config) contradictions() (found problem.List) {
	for _, names := range c.named() {
		var asked []string
		for _, name := range names {
			asked = append(asked, c.Values.Asked(name)...)
		}
		if len(asked) > 1 {
			found = append(found, problem.Contradiction(names[0], strings.Join(asked, " and ")))
		}
	}
	return found
}

// named gives the names of each table of which something may be said.
func (c Config) named() (tables [][]string) {
	for _, t := range c.Profile.Tables {
		tables = append(tables, t.Names())
	}
	if c.free() {
		all := slices.Concat(slices.Collect(maps.Keys(c.Values.Columns)), slices.Collect(maps.Keys(c.Values.Sources)), c.Values.Random)
		slices.Sort(all)
		for _, name := range slices.Compact(all) {
			tables = append(tables, []string{name})
		}
	}
	return tables
}
