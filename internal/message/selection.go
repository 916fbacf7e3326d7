package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"
)

// SystemSchema is a schema that is PostgreSQL's or rekey's own.
func SystemSchema(schema string) *problem.Problem {
	return refused("system_schema", "", fmt.Sprintf("schema %q is not an application's", schema),
		"It belongs to PostgreSQL, or holds rekey's journal.", "Name the schema of the application's tables: --schema public")
}

// UnknownSchema is a name that no schema bears.
func UnknownSchema(schema string, others []string) *problem.Problem {
	detail := "There are: " + some(others) + "."
	if len(others) == 0 {
		detail = "There is no other schema either."
	}
	hint := "Is this the right database? Look at --database-url."
	if near := Nearest(schema, others); near != "" {
		hint = "Did you mean: --schema " + near
	}
	return refused("unknown_schema", "", fmt.Sprintf("there is no schema %q", schema), detail, hint)
}

// NothingMatches is a name or pattern that no table of the schema matches.
func NoMatch(schema, pattern string, tables []string) *problem.Problem {
	detail := "There are: " + some(tables) + "."
	if len(tables) == 0 {
		detail = "The schema has no tables."
	}
	hint := "Names are written as PostgreSQL keeps them, without quotes; * and ? match, and \\* is a star."
	if near := Nearest(pattern, tables); near != "" {
		hint = "Did you mean: " + near
	}
	return refused("no_match", "", fmt.Sprintf("no table of schema %q matches %s", schema, pattern), detail, hint)
}

// IndexTwice is an index name that two tables of a run would get.
func DuplicateIndexName(table, index, other string) *problem.Problem {
	return refused("duplicate_index_name", table, fmt.Sprintf("%s and %s would both get the index name %s", other, table, index), "",
		"Let the pattern tell them apart: --index-name '{table}_{column}_idx'.")
}

// some names a few.
func some(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// SchemasFailed sums up a command on many schemas that did not end well in all of them. Its kind is that
// of the first failure.
func SchemasFailed(failed, all int, first *problem.Problem, schema string, begun int) *problem.Problem {
	message := fmt.Sprintf("%d of %s failed", failed, Counted(all, "schema", "schemas"))
	if failed == 0 {
		message = fmt.Sprintf("stopped after %d of %s", begun, Counted(all, "schema", "schemas"))
	}
	detail := ""
	if first != nil && schema != "" {
		detail = fmt.Sprintf("The first was %s: %s.", schema, strings.TrimSuffix(first.Error(), "."))
	}
	kind := problem.Stopped
	if first != nil {
		kind = first.Kind
	}
	return &problem.Problem{
		Kind: kind, Code: "schemas_failed", Message: message, Detail: detail,
		Hint: "What was done stays; each schema's own line tells what to do, and the same command goes on.",
	}
}
