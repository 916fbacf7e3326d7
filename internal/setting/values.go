package setting

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/visible"
)

// values are what the uuids of old rows say. What the database says to them is found in the plan.
func (c *checker) values() {
	for _, source := range c.Texts["time-source"] {
		c.source(source, source)
	}
	for _, table := range slices.Sorted(maps.Keys(c.Sources)) {
		c.source(c.Sources[table], table+"="+c.Sources[table])
	}
	for _, table := range slices.Sorted(slices.Values(c.Texts["random"])) {
		c.known("random", table)
	}
	for _, table := range slices.Sorted(maps.Keys(c.Columns)) {
		if !plan.Pattern(table) { // it is looked for among the tables that have the column
			c.known("time-column", table)
		}
		if c.Columns[table] == "" {
			c.add("bad_time_column", c.Style.of("time-column")+" has no column for table "+visible.Quote(table), "Name a column, or none for the order of the key.")
		}
		c.name("time-column", c.Columns[table])
	}
	for _, table := range slices.Sorted(maps.Keys(c.Sources)) {
		c.known("time-source", table)
	}
	c.contradictions()
}

// source refuses what is no source of time; it may hold a secret together with the table before it.
func (c *checker) source(source, whole string) {
	if slices.Contains([]string{"", string(plan.ByColumn), string(plan.ByClock)}, source) {
		return
	}
	c.add("bad_time_source", fmt.Sprintf("%s: unknown source %s", c.Style.of("time-source"), visible.Quote(whole)),
		"Use column for the creation time of each row, or now for the time of the migration.")
}

// known refuses a table that the profile does not have. Without a profile it is looked for in the schema.
func (c *checker) known(flag, table string) {
	c.tableName(flag, table)
	if c.Tables == nil || table == "" || visible.Secret(table) {
		return
	}
	names := slices.Concat(c.Tables...)
	if slices.Contains(names, table) {
		return
	}
	hint := "List the tables: rekey status"
	if near := message.Nearest(table, names); near != "" {
		hint = "Did you mean: " + near
	}
	c.explain("unknown_table", fmt.Sprintf("%s: profile %s has no table %s", c.Style.of(flag), visible.Line(c.word("profile")), visible.Quote(table)), "Tables are named without their schema.", hint)
}

// contradictions are tables for which two settings exclude each other.
func (c *checker) contradictions() {
	for _, names := range c.tables() {
		var asked []string
		for _, name := range names {
			asked = append(asked, c.asked(name)...)
		}
		if len(asked) > 1 {
			c.add("contradiction", fmt.Sprintf("contradictory settings for table %s: %s", visible.Line(names[0]), visible.Line(strings.Join(asked, " and "))), "Omit all but one of them.")
		}
	}
}

// asked is what is asked for a table.
func (c *checker) asked(table string) (list []string) {
	if slices.Contains(c.Texts["random"], table) {
		list = append(list, c.Style.with("random", table))
	}
	if column, ok := c.Columns[table]; ok {
		list = append(list, c.Style.with("time-column", table+"="+column))
	}
	if c.Sources[table] == string(plan.ByClock) {
		list = append(list, c.Style.with("time-source", table+"="+string(plan.ByClock)))
	}
	return list
}

// tables are the names of each table about which something may be said.
func (c *checker) tables() (all [][]string) {
	if c.Tables != nil {
		return c.Tables
	}
	named := slices.Concat(slices.Collect(maps.Keys(c.Columns)), slices.Collect(maps.Keys(c.Sources)), c.Texts["random"])
	slices.Sort(named)
	for _, name := range slices.Compact(named) {
		all = append(all, []string{name})
	}
	return all
}
