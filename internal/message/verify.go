package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// VersionFault is a recorded version below the one that verify expects.
func VersionMismatch(version, to int) string {
	return fmt.Sprintf("version %d is recorded, not %d", version, to)
}

// Differences is what verify found; verifyOnly says that up would do nothing about it.
func Differences(lines []string, verifyOnly bool) *problem.Problem {
	hint := "rekey plan tells what up would do about it; rekey up makes whole what is half done."
	if verifyOnly {
		hint = "At this version rekey only verifies. PhoenixKit's own task mends its tables: mix phoenix_kit.repair_uuid; it deletes rows with equal values, so look at them first."
	}
	const most = 5
	detail := strings.Join(lines[:min(most, len(lines))], "; ")
	if len(lines) > most {
		detail += fmt.Sprintf("; and %d more", len(lines)-most)
	}
	return &problem.Problem{
		Kind: problem.Differs, Code: "differences", Message: "verify found " + Counted(len(lines), "difference", "differences"), Detail: detail + ".",
		Hint: hint,
	}
}

// Unreadable is a table whose rows the role may not count.
func TableUnreadable(table, quoted, role, said string, cause error) *problem.Problem {
	p := refused("unreadable", table, fmt.Sprintf("role %s may not count the rows of %s", role, table),
		fmt.Sprintf("The server says: %s. Verify counts every row or none.", said),
		fmt.Sprintf("Run verify as the owner of the tables. Or let a DBA run: GRANT SELECT ON %s TO %s;  and, where row-level security hides rows: ALTER ROLE %s BYPASSRLS;",
			quoted, sqltext.Ident(role), sqltext.Ident(role)))
	p.Cause = cause
	return p
}
