package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/problem"
)

// NotSwitched refuses to end the integers of a schema that is not switched as a whole.
func NotSwitched(schema string, behind []string) *problem.Problem {
	return refused("not_switched", "", fmt.Sprintf("schema %s is not switched: %s", schema, Counted(len(behind), "object is behind", "objects are behind")),
		fmt.Sprintf("The integers end only when every reference is linked and every primary key is switched. Behind: %s.", list(behind)),
		"Switch first: rekey up --to switched")
}

// SoakNotOver refuses to end the integers too soon after the switch.
func SoakNotOver(table string, since, soak time.Duration, over time.Time) *problem.Problem {
	return refused("soak_not_over", "", fmt.Sprintf("%s was switched %s ago, and the soak time is %s", table, Duration(since.Round(time.Second)), Duration(soak)),
		fmt.Sprintf("It ends at %s. Until then the way back stays open.", over.UTC().Format("2006-01-02 15:04:05 MST")),
		"Run the same command then, or set another soak time, such as --soak "+Duration(since.Truncate(time.Second))+".")
}

// ContractDependent refuses to drop a column that another object uses.
func ContractDependent(column, object string) *problem.Problem {
	return refused("contract_dependent", "", fmt.Sprintf("%s uses %s", object, column),
		"PostgreSQL would drop it only with CASCADE, which rekey never uses.", "Drop it, or change it to use the uuid, "+again)
}

// NotConfirmed refuses to end the integers without the schema's name. given is the name that was given, "" for none.
func NotConfirmed(schema, given string) *problem.Problem {
	what := "contract was not confirmed"
	if given != "" {
		what = "contract was confirmed for another schema"
	}
	return refused("not_confirmed", "", what+": this run is about schema "+schema,
		"It drops the integer columns, and there is no way back but a backup.",
		fmt.Sprintf("Read the plan, then confirm it with the name of the schema: rekey up --to contracted --confirm %s", shell(schema)))
}

// Contracted refuses every way down of a schema that has lost its integers.
func Contracted(schema string, tables []string) *problem.Problem {
	return refused("contracted", "", fmt.Sprintf("schema %s is contracted: the integers of %s are gone", schema, Counted(len(tables), "table", "tables")),
		fmt.Sprintf("Tables: %s. rekey cannot make the numbers again. A restore needs a backup from before the contract, and every row that was written since needs a new number.", strings.Join(tables, ", ")),
		"Restore the backup into another database, and carry the rows over that were written since.")
}

// ProofFailed refuses to end the integer column of an edge whose columns differ.
func ProofFailed(edge, detail, hint string) *problem.Problem {
	return refused("proof_failed", edge, "the proof of "+edge+" failed", sentence(detail), hint)
}
