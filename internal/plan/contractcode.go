package plan

import "github.com/rekey-pg/rekey/internal/sqltext"

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
