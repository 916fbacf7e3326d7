package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"
)

// BadTimeColumn is a creation-time column that was asked for and cannot be; others are the columns of the
// table that tell a time.
func BadTimeColumn(table, column, why string, others []string) *problem.Problem {
	hint := "None of its columns does. Leave it to the key alone: --time-column"
	if len(others) > 0 {
		hint = "These do: " + strings.Join(others, ", ") + ". Or leave it to the key alone: --time-column"
	}
	return refused("bad_time_column", table, fmt.Sprintf("%s cannot be filled in the order of column %s", table, column), why+".",
		hint+" "+bare(table)+"=none")
}

// RandomTooLate is a table that is to get random values and has others already.
func RandomTooLate(table, column string) *problem.Problem {
	return refused("random_too_late", table, fmt.Sprintf("column %s of %s has UUIDv7 already", column, table),
		"They may have been handed out, and rekey never changes a value.",
		"Leave out --random for this table; or, if nobody knows the values yet, take the column away with rekey down first.")
}

// NoOrderRights is a table too large to be put in order without a place for notes.
func NoOrderRights(table, role, owner string) *problem.Problem {
	return refused("no_order_rights", table, fmt.Sprintf("%s cannot be filled in the order of creation", table),
		"A table of this size needs tables of notes in schema rekey until it is filled, and the role may not create them.",
		fmt.Sprintf("Let %s or a DBA run: GRANT CREATE ON SCHEMA rekey TO %s;  or fill this table by the clock: --time-source %s=now",
			owner, role, bare(table)))
}

// UnknownZone is a time zone that the server does not know; near are names like it.
func UnknownZone(zone, near string) *problem.Problem {
	hint := "See them with: SELECT name FROM pg_timezone_names;"
	if near != "" {
		hint = "Did you mean: --time-zone " + near
	}
	return &problem.Problem{
		Kind: problem.Usage, Code: "unknown_time_zone", Message: fmt.Sprintf("the server knows no time zone %q", zone),
		Detail: "It is looked for in pg_timezone_names.", Hint: hint,
	}
}

func bare(table string) string {
	_, name, _ := strings.Cut(table, ".")
	return name
}

// NoSuchTable is a table that a schema without a profile does not have, or that gets no column; near is a
// name like it, or "".
func NoSuchTable(flag, table, schema, near string) *problem.Problem {
	hint := fmt.Sprintf("rekey plan --schema %s tells what becomes of each table.", schema)
	if near != "" {
		hint = "Did you mean: " + near
	}
	return &problem.Problem{
		Kind: problem.Usage, Code: "unknown_table", Message: fmt.Sprintf("%s: no table %q of schema %s gets a uuid", flag, table, schema),
		Detail: "Tables are named without their schema.", Hint: hint,
	}
}

// ScriptByClock is a script of which the order of creation or random values were asked.
func ValuesInScript() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "values_in_script", Message: "a script fills by the clock and by nothing else",
		Hint: "Leave out what is said of the values; or run rekey up, which puts them in the order of creation.",
	}
}

// BadTimePattern is a pattern of tables that cannot be read.
func BadTimePattern(pattern, why string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "bad_time_column", Message: fmt.Sprintf("--time-column: %q is not a pattern of tables", pattern),
		Detail: why + ".", Hint: "In a pattern * and ? match, and \\* is a star: --time-column '*=published_at'",
	}
}

// IdleTimePattern is a pattern that fits no table with the column that it names.
func UnmatchedTimePattern(schema, pattern, column string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "bad_time_column", Message: fmt.Sprintf("--time-column %s=%s: no table of schema %s that matches has this column", pattern, column, schema),
		Detail: "A pattern is for those of the matching tables that have the column.",
		Hint:   fmt.Sprintf("rekey plan --schema %s names the columns that each table has.", schema),
	}
}

// BadModule is a name for Ecto's module that Elixir does not take for one.
func BadModule() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "bad_module", Message: "the name of the module is no Elixir module's",
		Detail: "Each part begins with a capital letter and has letters, digits and underscores.",
		Hint:   "Try: --module MyApp.Repo.Migrations.AddUuids",
	}
}

// SourceOfOneTable refuses a source of values that belongs to a single table as the default of all tables.
func SourceOfOneTable(source string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Usage, Code: "bad_time_source", Message: "Values.Source cannot be " + source,
		Hint: "It is CreationTime() or MigrationTime(); other sources belong to single tables in Options.Tables.",
	}
}
