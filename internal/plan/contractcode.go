package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ColumnKey identifies a column.
type ColumnKey struct {
	Table  sqltext.Table
	Column string
}

// checkCode adds the hazard of functions that name a column that ends, and refuses a proof that would run untrusted code.
func (c *contraction) checkCode() {
	c.refuseCode()
	var columns, functions []string
	for _, e := range c.plan.Endings {
		users := c.input.ColumnUsers[ColumnKey{e.Table, e.Column}]
		if len(users) > 0 {
			columns = append(columns, e.String())
		}
		for _, name := range users {
			if !slices.Contains(functions, name) {
				functions = append(functions, name)
			}
		}
	}
	if columns != nil {
		c.plan.Hazards = append(c.plan.Hazards, Hazard{
			Name: HazardFunctionText, Tables: columns, Seen: functions, Accepted: slices.Contains(c.input.Policy.Accept, HazardFunctionText),
			What: "functions name these columns, and PostgreSQL records no dependency for the text of a function: they fail with 42703 after contract, and a trigger's function fails each write that fires it",
		})
	}
}

// refuseCode refuses to end the integers if the proof, which reads both tables of every reference, would run code that the role must not
// run. The tables are complete by now, so that no earlier phase has checked what was added to them since.
func (c *contraction) refuseCode() {
	if len(c.plan.Endings) == 0 {
		return
	}
	read := *c.plan
	read.Server, read.Schema = c.input.Server, c.input.Schema
	c.found = append(c.found, read.Unreadable()...)
}

// renamePublished adds the hazard of renaming columns of published tables: a subscriber finds the columns by their names.
func (c *contraction) renamePublished(tables []sqltext.Table) {
	var published []string
	for _, table := range tables {
		if len(c.input.Schema.Named(table).Publications) > 0 {
			published = append(published, table.String())
		}
	}
	c.plan.addHazard(c.input, HazardReplicaIdentity, published, "these tables are published: a subscriber finds the columns of the replica identity, and all others, by name, and stops until its columns have the new names")
}
