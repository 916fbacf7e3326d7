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

// EdgesInScript returns the problem of a script that would link foreign keys, or remove what linked them.
func EdgesInScript(command, phase string) *problem.Problem {
	return usage("edges_in_script", "a script cannot go to phase "+phase, "The rows of a reference are filled from their parents while applications write, which only rekey does.",
		"Run: rekey "+command+" --to "+phase+". What it would do: rekey plan"+map[string]string{"down": " --down"}[command]+" --to "+phase)
}
