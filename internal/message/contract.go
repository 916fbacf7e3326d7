package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// NotSwitched refuses to end the integers of a schema that is not switched as a whole.
func NotSwitched(schema string, behind []string) *problem.Problem {
	return refused("not_switched", "", fmt.Sprintf("schema %s is not switched: %s", schema, Counted(len(behind), "object is behind", "objects are behind")),
		fmt.Sprintf("The integers end only when every reference is linked and every primary key is switched. Behind: %s.", list(behind)),
		"Switch first: rekey up --to switched")
}

// contracted is the last phase, which a run reaches only if it is confirmed.
const contracted = "contracted"

// Run returns the command that goes up or down to a phase.
func Run(up bool, phase, schema string) string {
	if !up {
		return "rekey down --to " + phase
	}
	return upTo(phase, schema)
}

// LeaveOut returns the command that leaves a table out.
func LeaveOut(run, table string) string { return run + " --exclude " + visible.Word(table) }

// upTo returns the command that goes to a phase, with what the last one requires.
func upTo(phase, schema string) string {
	if phase != contracted {
		return "rekey up --to " + phase
	}
	return "rekey up --to " + contracted + " --confirm " + visible.Word(schema)
}

// SoakNotOver refuses to end the integers too soon after the switch. accept has all hazards of the run.
func SoakNotOver(schema, table string, since, soak time.Duration, over time.Time, accept string) *problem.Problem {
	sooner := upTo(contracted, schema) + " --soak " + Duration(since.Truncate(time.Second))
	if accept != "" {
		sooner += " --accept " + accept
	}
	return refused("soak_not_over", "", fmt.Sprintf("%s was switched %s ago, and the soak time is %s", table, Duration(since.Round(time.Second)), Duration(soak)),
		fmt.Sprintf("It ends at %s. Until then the way back stays open.", over.UTC().Format("2006-01-02 15:04:05 MST")),
		"Run the same command then, or end the soak now: "+sooner)
}

// ContractDependent refuses to drop a column that another object uses.
func ContractDependent(column, object string) *problem.Problem {
	return refused("contract_dependent", "", fmt.Sprintf("%s uses %s", object, column),
		"PostgreSQL would drop it only with CASCADE, which rekey never uses.", "Drop it, or change it to use the uuid, "+again)
}

// ContractReferenced refuses to drop a column to which a foreign key refers that the run does not end.
func ContractReferenced(column, key, child, childSchema, schema string) *problem.Problem {
	hint := "Link its column, " + again
	if childSchema != schema {
		hint = fmt.Sprintf("End the integers of schema %s first: rekey up --schema %s --to contracted --confirm %s.", childSchema, visible.Word(childSchema), visible.Word(childSchema))
	}
	return refused("contract_dependent", "", fmt.Sprintf("foreign key %s of %s refers to %s", key, child, column),
		"The run does not end that reference. PostgreSQL would drop it only with CASCADE, which rekey never uses.", hint+" Or keep the column: "+upTo(contracted, schema)+" --keep-id")
}

// ContractMixed refuses to end a composite reference of whose other columns only one of a pair ends. reference is the value of the
// flag that helps; "" if none does.
func ContractMixed(edge, constraint, child, parent string, parentEnds bool, reference string) *problem.Problem {
	ends, stays := child, parent
	if parentEnds {
		ends, stays = parent, child
	}
	hint := "Change the foreign key, " + again
	if reference != "" {
		hint = "Give that column a uuid too: rekey up --to switched --reference " + visible.Word(reference)
	}
	return refused("contract_dependent", edge, fmt.Sprintf("foreign key %s needs %s, which ends, and %s, which stays", constraint, ends, stays),
		"A foreign key on uuids alone takes its place, and "+stays+" has no uuid column.", hint)
}

// ContractUnsupported refuses to end integers that a run cannot drop one after the other: those of tables that inherit, or of references
// in a circle of columns. table is to be left out.
func ContractUnsupported(name, schema, table string, inherits bool) *problem.Problem {
	why, hint := "references onto the columns of each other's references form a circle", "Drop one of these foreign keys, "+again
	if inherits {
		why, hint = "its table belongs to an inheritance tree", "Leave the table out: "+upTo(contracted, schema)+" --exclude "+visible.Word(table)
	}
	return refused("contract_dependent", "", name+" cannot end: "+why, "rekey does not drop such columns.", hint)
}

// RenameTooEarly refuses to rename columns in the run that ends the integers.
func RenameTooEarly(schema string) *problem.Problem {
	return refused("rename_too_early", "", "schema "+schema+" still has integers, whose names the uuids are to get",
		"A run that drops integers ends by checking the columns under their names. The next run renames them.",
		"End the integers first: "+upTo(contracted, schema))
}

// RenameTwice refuses to rename columns of a table if two would have one name.
func RenameTwice(table, uuid, integer string) *problem.Problem {
	return refused("rename_twice", table, fmt.Sprintf("could not rename column %s of %s to %s", uuid, table, integer),
		"Another column of the table gets the same name, or has it.", "Rename the columns by hand: ALTER TABLE .. RENAME COLUMN.")
}

// NotConfirmed refuses to end the integers, or with renames to rename the uuid columns, without the schema's name. given is the name that
// was given, "" for none.
func NotConfirmed(schema, given string, renames bool) *problem.Problem {
	what, detail, next := "contract was not confirmed", "It drops the integer columns, and there is no way back but a backup.", upTo(contracted, schema)
	if renames {
		detail, next = "It renames the uuid columns, and statements that name them fail from then on.", next+" --rename-keys"
	}
	if given != "" {
		what = "contract was confirmed for another schema"
	}
	return refused("not_confirmed", "", what+": this run is about schema "+schema,
		detail, "Read the plan, then confirm it with the name of the schema: "+next)
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
