package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// SystemSchema returns the refusal of a schema of PostgreSQL, or of the schema rekey.
func SystemSchema(schema string) *problem.Problem {
	return refused("system_schema", "", fmt.Sprintf("schema %q is a system schema", schema),
		"It belongs to PostgreSQL or contains rekey's journal.", "Name the schema of the application's tables: --schema public")
}

// UnknownSchema returns the refusal of a schema that does not exist.
func UnknownSchema(schema string, others []string) *problem.Problem {
	detail := "The schemas are: " + list(others) + "."
	if len(others) == 0 {
		detail = "The database has no other schema."
	}
	hint := checkDatabase
	if near := Nearest(schema, others); near != "" {
		hint = "Did you mean: --schema " + near
	}
	return refused("unknown_schema", "", fmt.Sprintf("schema %q does not exist", schema), detail, hint)
}

const checkDatabase = "Check that --database-url names the right database."

// NoMatch returns the refusal of a name or pattern that no table of the schema matches.
func NoMatch(schema, pattern string, tables []string) *problem.Problem {
	detail := "The tables are: " + list(tables) + "."
	if len(tables) == 0 {
		detail = "The schema has no tables."
	}
	hint := `Write names exactly as PostgreSQL stores them, without quotes. Wildcards are * and ?, and \* matches a star.`
	if near := Nearest(pattern, tables); near != "" {
		hint = "Did you mean: " + near
	}
	return refused("no_match", "", fmt.Sprintf("no table in schema %q matches %s", schema, pattern), detail, hint)
}

// DuplicateIndexName returns the refusal of a table that would get the same index name as another one.
func DuplicateIndexName(table, index, other string) *problem.Problem {
	return refused("duplicate_index_name", table, fmt.Sprintf("%s and %s would both get index %s", other, table, index), "",
		"Add the table's name to the pattern: --index-name '{table}_{column}_idx'")
}

// NoSuchTable returns the problem of a table of a setting that does not exist or gets no column. Near is a similar
// name, or "".
func NoSuchTable(flag, table, schema, near string) *problem.Problem {
	hint := "List the tables: rekey plan --schema " + schema
	if near != "" {
		hint = "Did you mean: " + near
	}
	return usage("unknown_table", fmt.Sprintf("%s: no table %q in schema %s gets a column", flag, table, schema), "Tables are named without their schema.", hint)
}

// SchemasFailed sums up a command on many schemas or targets that failed in some of them. one is "schema" or "target". Its kind is
// the kind of the first failure.
func SchemasFailed(one string, failures, all int, first *problem.Problem, name string, begun int) *problem.Problem {
	message := fmt.Sprintf("%d of %s failed", failures, Counted(all, one, one+"s"))
	if failures == 0 {
		message = fmt.Sprintf("stopped after %d of %s", begun, Counted(all, one, one+"s"))
	}
	detail := ""
	if first != nil && name != "" {
		detail = fmt.Sprintf("The first failure was in %s: %s.", name, strings.TrimSuffix(first.Error(), "."))
	}
	kind := problem.Stopped
	if first != nil {
		kind = first.Kind
	}
	return &problem.Problem{
		Kind: kind, Code: one + "s_failed", Message: message, Detail: detail,
		Hint: "Resolve the problem of each failed " + one + ", then run the same command again. Completed " + one + "s are kept.",
	}
}
