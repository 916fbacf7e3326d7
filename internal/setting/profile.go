package setting

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// CheckProfile returns everything that is wrong with a profile. A program may pass its own.
func CheckProfile(p profile.Profile) problem.List {
	c := profileChecker{profile: p}
	if p.Name == "" {
		c.add("has no Name", "Set it. Messages and the journal use the name.")
	}
	c.name("Name", p.Name)
	c.required("VersionTable", p.VersionTable, "Name the table whose comment is the version.")
	c.required("Column", p.Column, "Name the column that each table gets, such as uuid.")
	switch {
	case p.From < 0:
		c.add(fmt.Sprintf("has From %d, must not be negative", p.From), "From is the version before the migration.")
	case p.To <= p.From:
		c.add(fmt.Sprintf("has To %d, must be above From (%d)", p.To, p.From), "From is the version before the migration, To the version after it.")
	default:
		if p.Last < p.To {
			c.add(fmt.Sprintf("has Last %d, must not be below To (%d)", p.Last, p.To), fmt.Sprintf("Last is the highest known version, %d or more.", p.To))
		}
		if p.VerifyFrom <= p.To {
			c.add(fmt.Sprintf("has VerifyFrom %d, must be above To (%d)", p.VerifyFrom, p.To),
				fmt.Sprintf("From this version on the uuids are primary keys. If the profile has no such version, set VerifyFrom to %d.", max(p.Last, p.To)+1))
		} else if p.LinkAt != 0 && (p.LinkAt < p.To || p.LinkAt >= p.VerifyFrom) {
			c.add(fmt.Sprintf("has LinkAt %d, must be from %d to %d", p.LinkAt, p.To, p.VerifyFrom-1), "LinkAt is the version at which the foreign keys can be linked; 0 for never.")
		}
	}
	if len(p.Tables) == 0 {
		c.add("has no Tables", "Name the tables that get the column.")
	}
	seen, before := map[string]bool{}, len(c.found)
	for i, t := range p.Tables {
		c.table(i, t, seen)
	}
	if len(p.Tables) == 0 || len(c.found) > before {
		seen = nil // which parents exist is not known
	}
	for i, r := range p.References {
		c.reference(i, r, seen)
	}
	if d := p.Function.Digest; d != "" && (len(d) != digestLength || strings.Trim(d, "0123456789abcdef") != "") {
		c.add("has a Function.Digest that is no MD5 digest", "Set it to 32 hexadecimal digits in lower case.")
	}
	return c.found
}

// digestLength is the number of hexadecimal digits of an MD5 digest.
const digestLength = 32

// reference checks a reference onto one of the tables; nil tables are not checked.
func (c *profileChecker) reference(i int, r profile.Reference, tables map[string]bool) {
	at := fmt.Sprintf("References[%d]", i)
	if tables != nil && !tables[r.Parent] {
		c.add(fmt.Sprintf("has Parent %s in %s, which is not among Tables", visible.Quote(r.Parent), at), "A parent gets the column that the reference needs.")
	}
	c.required("Table in "+at, r.Table, "Name the referencing table.")
	c.required("Column in "+at, r.Column, "Name the integer column.")
	c.required("UUIDColumn in "+at, r.UUIDColumn, "Name the uuid column.")
	c.name("Constraint in "+at, r.Constraint)
	c.name("Index in "+at, r.Index)
}

type profileChecker struct {
	profile profile.Profile
	found   problem.List
}

func (c *profileChecker) add(what, hint string) {
	name := "the profile"
	if c.profile.Name != "" {
		name = "profile " + visible.Truncate(visible.Path(c.profile.Name), sqltext.MaxIdentifier)
	}
	c.found = append(c.found, &problem.Problem{Kind: problem.Usage, Code: "bad_profile", Message: name + " " + what, Hint: hint})
}

func (c *profileChecker) required(field, name, what string) {
	if name == "" {
		c.add("has no "+field, what)
		return
	}
	c.name(field, name)
}

func (c *profileChecker) name(field, name string) {
	switch {
	case name != "" && visible.Secret(name):
		c.add("has a "+field+" that looks like a connection string", "Set it to a name. The value is not repeated here, since it may contain a password.")
	case name != "" && !sqltext.FitsIdentifier(name):
		c.add(fmt.Sprintf("has a %s of %d bytes", field, len(name)), nameLimit())
	}
}

func (c *profileChecker) table(i int, t profile.Table, seen map[string]bool) {
	at := fmt.Sprintf("Tables[%d]", i)
	for _, name := range t.Names() {
		switch {
		case name == "":
			c.add("has an empty name in "+at, "Tables are named without their schema.")
		case seen[name]:
			c.add(fmt.Sprintf("has table %s more than once", visible.Quote(name)), "A name belongs to one table, including the name that a later version gives it.")
		}
		seen[name] = true
		c.name("name in "+at, name)
	}
	c.name("Time in "+at, t.Time)
	if t.Renamed != nil && t.Renamed.Version <= c.profile.To {
		c.add(fmt.Sprintf("renames %s at version %d, must be above To (%d)", visible.Quote(t.Name), t.Renamed.Version, c.profile.To),
			"Rename.Version is the later version that renames the table.")
	}
}
