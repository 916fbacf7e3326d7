package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// OrphansCode is the code of Orphans.
const OrphansCode = "orphans"

// Orphans returns the problem of an edge with rows whose integer refers to no row of the parent. examples are values of
// the integer column, and query selects the rows.
func Orphans(edge, column, parent string, rows int64, examples []string, query string) *problem.Problem {
	are := ":"
	if rows > int64(len(examples)) {
		are = " include"
	}
	return &problem.Problem{
		Kind: problem.Stopped, Code: OrphansCode, Table: edge,
		Message: fmt.Sprintf("%s of %s %s no row of %s", Counted(rows, "row", "rows"), edge, map[bool]string{true: "refers to", false: "refer to"}[rows == 1], parent),
		Detail: fmt.Sprintf("rekey filled all other rows. It invents no parent and deletes no row: these rows stay without a uuid, and the reference without its uuid foreign key. Values of %s%s %s.",
			column, are, strings.Join(examples, ", ")),
		Hint: "List them: " + query + "; Delete or repair these rows, " + again,
	}
}

// EdgeNotInScript returns the problem of a reference that a script cannot link, or bring back. reason is a sentence without a
// period; expand says that a script can after phase expanded.
func EdgeNotInScript(edge, reason, command, phase string, expand bool) *problem.Problem {
	hint := "Run: rekey " + command + " --to " + phase
	if expand {
		hint = "Run a script of rekey sql up --to expanded before, and write this one again. Or run: rekey up --to " + phase
	}
	return &problem.Problem{
		Kind: problem.Refused, Code: "edge_not_in_script", Table: edge,
		Message: "a script cannot change reference " + edge, Detail: reason + ".", Hint: hint,
	}
}

// EdgeRowsDifferCode is the code of EdgeRowsDiffer.
const EdgeRowsDifferCode = "edge_rows_differ"

// EdgeRowsDiffer returns the problem of an edge with rows whose two columns refer to different rows, or with a value in
// the uuid alone. byKey and byUUID correct them.
func EdgeRowsDiffer(edge, column, uuid string, rows int64, byKey, byUUID []string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: EdgeRowsDifferCode, Table: edge,
		Message: fmt.Sprintf("%s of %s %s different values in %s and %s", Counted(rows, "row", "rows"), edge, map[bool]string{true: "has", false: "have"}[rows == 1], column, uuid),
		Detail:  "They were written while the triggers did not fire. rekey filled all other rows, and does not decide which column is right.",
		Hint:    EqualizeHint(column, uuid, byKey, byUUID) + " Afterwards run the same command again.",
	}
}

// EqualizeHint returns the hint for rows whose two columns differ.
func EqualizeHint(column, uuid string, byKey, byUUID []string) string {
	return fmt.Sprintf("If %s is right: %s; If %s is right: %s;", column, strings.Join(byKey, "; "), uuid, strings.Join(byUUID, "; "))
}
