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

// checkValues checks the settings for the values of existing rows. The plan checks them against the schema.
func (c *checker) checkValues() {
	for _, source := range c.Texts["time-source"] {
		c.checkSource(source, source)
	}
	for _, table := range slices.Sorted(maps.Keys(c.Sources)) {
		c.checkSource(c.Sources[table], table+"="+c.Sources[table])
	}
	for _, table := range slices.Sorted(slices.Values(c.Texts["random"])) {
		c.knownTable("random", table)
	}
	for _, table := range slices.Sorted(maps.Keys(c.Columns)) {
		if !plan.Pattern(table) { // the plan checks a pattern
			c.knownTable("time-column", table)
		}
		if c.Columns[table] == "" {
			c.add("bad_time_column", c.Style.name("time-column")+" has no column for table "+visible.Quote(table), "Name a column, or none for the order of the key.")
		}
		c.name("time-column", c.Columns[table])
	}
	for _, table := range slices.Sorted(maps.Keys(c.Sources)) {
		c.knownTable("time-source", table)
	}
	c.contradictions()
}

// checkSource refuses an unknown time source. shown is the whole setting, which may contain a secret.
func (c *checker) checkSource(source, shown string) {
	if slices.Contains([]string{"", string(plan.ByColumn), string(plan.ByClock)}, source) {
		return
	}
	c.add("bad_time_source", fmt.Sprintf("%s: unknown source %s", c.Style.name("time-source"), visible.Quote(shown)),
		"Use column for the creation time of each row, or now for the time of the migration.")
}

// knownTable refuses a table that the profile does not have. In a schema run the plan checks the table.
func (c *checker) knownTable(flag, table string) {
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
	c.addDetail("unknown_table", fmt.Sprintf("%s: profile %s has no table %s", c.Style.name(flag), visible.Line(c.text("profile")), visible.Quote(table)), "Tables are named without their schema.", hint)
}

// contradictions refuses tables for which two settings contradict each other.
func (c *checker) contradictions() {
	for _, names := range c.tables() {
		var requests []string
		for _, name := range names {
			requests = append(requests, c.requested(name)...)
		}
		if len(requests) > 1 {
			c.add("contradiction", fmt.Sprintf("contradictory settings for table %s: %s", visible.Line(names[0]), visible.Line(strings.Join(requests, " and "))), "Omit all but one of them.")
		}
	}
}

// requested returns the settings for a table's values.
func (c *checker) requested(table string) (list []string) {
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

// tables returns the names of each table that settings refer to.
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
