package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// BadTimeColumn returns the refusal of a --time-column that has no creation times. Others lists the columns of the
// table that have some.
func BadTimeColumn(table, column, reason string, others []string) *problem.Problem {
	hint := "The table has no column with times."
	if len(others) > 0 {
		hint = "Columns with times: " + strings.Join(others, ", ") + "."
	}
	return refused("bad_time_column", table, fmt.Sprintf("column %s of %s has no creation times", column, table), sentence(reason),
		hint+" To use the order of the key: --time-column "+bare(table)+"=none")
}

// RandomTooLate returns the refusal of --random for a table that has values of UUIDv7.
func RandomTooLate(table, column string) *problem.Problem {
	return refused("random_too_late", table, fmt.Sprintf("column %s of %s contains UUIDv7 values", column, table),
		"Clients may know them, and rekey never changes a value.",
		"Omit --random for this table. If no client knows the values, remove the column first: rekey down")
}

// NoOrderRights returns the refusal of a large table whose order cannot be stored because the role may not create
// tables in schema rekey.
func NoOrderRights(table, role, owner string) *problem.Problem {
	return refused("no_order_rights", table, fmt.Sprintf("could not fill %s in order of creation", table),
		"For a table of this size rekey stores the order in schema rekey until the table is filled, and the role may not create tables there.",
		fmt.Sprintf("Let %s or a DBA run: GRANT CREATE ON SCHEMA rekey TO %s; Or fill this table without an order: --time-source %s=now",
			owner, role, bare(table)))
}

// UnknownZone returns the problem of a time zone that the server does not know. Near is a similar name, or "".
func UnknownZone(zone, near string) *problem.Problem {
	hint := "List the time zones: SELECT name FROM pg_timezone_names;"
	if near != "" {
		hint = "Did you mean: --time-zone " + near
	}
	return usage("unknown_time_zone", fmt.Sprintf("time zone %q of --time-zone does not exist", zone), "The server's pg_timezone_names lists the valid names.", hint)
}

func bare(table string) string {
	_, name, _ := strings.Cut(table, ".")
	return name
}

// ValuesInScript returns the problem of a script with settings of values. A script uses the time of its execution.
func ValuesInScript() *problem.Problem {
	return usage("values_in_script", "a script can only generate values from the current time", "",
		"Omit the settings of values. Or use rekey up, which fills the tables in order of creation.")
}

// BadTimePattern returns the problem of a pattern of --time-column that cannot be parsed.
func BadTimePattern(pattern, reason string) *problem.Problem {
	return usage("bad_time_column", "--time-column: invalid table pattern "+visible.Quote(pattern), sentence(reason),
		`Wildcards are * and ?, and \* matches a star. Try: --time-column '*=published_at'`)
}

// UnmatchedTimePattern returns the problem of a pattern of --time-column that matches no table with the column.
func UnmatchedTimePattern(schema, pattern, column string) *problem.Problem {
	return usage("bad_time_column", fmt.Sprintf("--time-column %s=%s matches no table with this column in schema %s", pattern, column, schema),
		"A pattern applies to each matching table that has the column.",
		"List the time columns: rekey plan --schema "+visible.Word(schema))
}

// BadModule returns the problem of a --module that is not a valid name of an Elixir module.
func BadModule() *problem.Problem {
	return usage("bad_module", "--module is not the name of an Elixir module",
		"Each part begins with a capital letter and contains letters, digits and underscores.",
		"Try: --module MyApp.Repo.Migrations.AddUuids")
}

// SourceOfOneTable returns the problem of a source that is only valid for a single table, given for all tables.
func SourceOfOneTable(source string) *problem.Problem {
	return usage("bad_time_source", "Values.Source cannot be "+source, "",
		"Use CreationTime() or MigrationTime(). Other sources are for single tables, in Options.Tables.")
}

// ScriptNotWritten returns the problem of a script whose file could not be written.
func ScriptNotWritten(path, reason string, cause error) *problem.Problem {
	return failed("script_not_written", "could not write the script to "+path, "The system reported: "+reason+".",
		"Name a writable directory: --output DIRECTORY", cause)
}
