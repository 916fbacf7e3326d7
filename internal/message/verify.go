package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

// Differences returns the problem of a verify that found differences. VerifyOnly reports whether up ignores them; repair is
// the library's advice for that case, which may be "".
func Differences(lines []string, verifyOnly bool, repair string) *problem.Problem {
	hint := "Incomplete tables are completed by rekey up. List its steps: rekey plan"
	if verifyOnly {
		hint = strings.TrimSpace("At this version rekey only verifies. " + repair)
	}
	const most = 5
	detail := strings.Join(lines[:min(most, len(lines))], "; ")
	if more := len(lines) - most; more > 0 {
		detail += fmt.Sprintf("; and %d more", more)
	}
	return &problem.Problem{
		Kind: problem.Differs, Code: "differences", Message: "verify found " + Counted(len(lines), "difference", "differences"), Detail: "Found: " + detail + ".",
		Hint: hint,
	}
}

// EdgeDifferences returns [Differences] with the hint for a schema with linked references. equalize is the hint for rows whose two
// columns differ, "" if there are none.
func EdgeDifferences(lines []string, equalize string) *problem.Problem {
	p := Differences(lines, false, "")
	p.Hint = "Delete or repair orphans, if there are any. Then complete tables and references: rekey up --to linked. List its steps: rekey plan --to linked"
	if equalize != "" {
		p.Hint = "rekey does not decide which of two values is right. " + equalize + " " + p.Hint
	}
	return p
}

// KeyDifferences is [Differences] for a report in which primary keys differ. pin has the statements that pin replica identities, which
// no run changes again.
func KeyDifferences(lines, pin []string) *problem.Problem {
	p := Differences(lines, false, "")
	p.Hint = "Complete the switch: rekey up --to switched. Or go back: rekey down --to linked"
	if len(pin) > 0 {
		p.Hint = "Pin the replica identity: " + strings.Join(pin, " ") + " " + p.Hint
	}
	return p
}

// EndedDifferences is [Differences] for a report in which references and primary keys without integers differ.
func EndedDifferences(lines []string) *problem.Problem {
	p := Differences(lines, false, "")
	p.Hint = "No run changes a reference or a primary key whose integers have ended. Add the foreign key, or the index, that is missing."
	return p
}

// TableUnreadable returns the refusal of a table whose rows the role may not count.
func TableUnreadable(table, quoted, role, reason string, cause error) *problem.Problem {
	p := refused("unreadable", table, fmt.Sprintf("role %s may not count the rows of %s", role, table),
		reported(reason)+" verify must be able to read all rows.",
		fmt.Sprintf("Connect as the owner of the tables. Or let a DBA run: GRANT SELECT ON %s TO %s; Where row-level security hides rows, also: ALTER ROLE %s BYPASSRLS;",
			quoted, sqltext.Ident(role), sqltext.Ident(role)))
	p.Cause = cause
	return p
}
