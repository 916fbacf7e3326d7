package setting

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Reference is a column that refers to a table without a foreign key.
type Reference struct{ Table, Column, Parent string }

// checkPhase refuses a phase that the direction does not lead to, and one that the profile does not offer.
func (c *checker) checkPhase() {
	to := plan.Phase(c.text("to"))
	switch {
	case to == plan.Integers && c.Direction == string(plan.Up):
		c.addDetail("wrong_phase", "up cannot go to phase integers", "It is the state before up.", "Remove what up made: "+c.other("down", to))
	case to == plan.Contracted && c.Direction == string(plan.Down):
		c.addDetail("wrong_phase", "down cannot go to phase contracted", "It is the last phase.", "End the integers: "+c.other("up", to))
	case to == plan.Switched && c.Direction == string(plan.Down):
		c.addDetail("wrong_phase", "down cannot go to phase switched", "It comes after phase linked.", "Switch the primary keys: "+c.other("up", to))
	case to.AtLeast(plan.Switched) && c.given("profile") && !c.given("schema") && c.Tables != nil:
		c.addDetail("phase_not_offered", fmt.Sprintf("profile %s does not offer phase %s", visible.Line(c.text("profile")), to),
			"The library switches its primary keys itself.", "Link the foreign keys: "+c.other("up", plan.Linked))
	case to == plan.Linked && c.given("profile") && !c.given("schema") && c.Tables != nil && c.LinkAt == 0:
		c.addDetail("phase_not_offered", fmt.Sprintf("profile %s does not offer phase linked", visible.Line(c.text("profile"))),
			"The profile names no version at which its foreign keys can be linked.", "Add the columns only: "+c.other("up", plan.Expanded))
	}
}

func (c *checker) phase(to plan.Phase) string { return c.Style.with("to", string(to)) }

// other returns the call in the other direction that goes to a phase.
func (c *checker) other(command string, to plan.Phase) string {
	if c.Style == Flags {
		return "rekey " + command + " " + c.phase(to)
	}
	return "call " + strings.ToUpper(command[:1]) + command[1:] + " with " + c.phase(to)
}

// checkReferences checks names. The plan looks for the tables and columns.
func (c *checker) checkReferences() {
	for _, schema := range c.Texts["parents"] {
		if schema == "" {
			c.add("bad_parents", c.Style.name("parents")+" is empty", "Name a schema: "+c.Style.with("parents", "auth"))
		}
		c.name("parents", schema)
	}
	seen := map[Reference]bool{}
	for _, r := range c.References {
		text := r.Table + "." + r.Column + "=" + r.Parent
		switch one := (Reference{Table: r.Table, Column: r.Column}); {
		case visible.Secret(text):
			c.secret("reference")
			continue
		case r.Table == "" || r.Column == "" || r.Parent == "":
			c.add("bad_reference", c.Style.name("reference")+" cannot be "+visible.Quote(text), "Write TABLE.COLUMN=PARENT, such as "+c.Style.with("reference", "orders.user_id=users")+".")
			continue
		case seen[one]:
			c.add("bad_reference", fmt.Sprintf("%s names column %s more than once", c.Style.name("reference"), visible.Quote(r.Table+"."+r.Column)), "A column refers to one table.")
			continue
		default:
			seen[one] = true
		}
		for _, name := range []string{r.Table, r.Column} {
			c.name("reference", name)
		}
		_, parent, qualified := strings.Cut(r.Parent, ".")
		if !qualified {
			parent = r.Parent
		}
		c.name("reference", parent)
	}
}
