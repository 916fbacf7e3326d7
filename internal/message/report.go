package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// ReportName returns the problem of a report whose name does not say its format.
func ReportName(flag, path string) *problem.Problem {
	return usage("report_name", fmt.Sprintf("%s %s names no format", flag, path), "The name of a report says its format: it ends in .html, .md or .json.", "Try: "+flag+" run.html")
}

// WatchOfMany returns the problem of status --watch on many schemas.
func WatchOfMany() *problem.Problem {
	return usage("watch_of_many", "--watch is about one schema, not a pattern or --targets", "", "Watch each schema: rekey status --schema NAME --watch")
}

// ReportExists returns the problem of a report that would overwrite another file.
func ReportExists(flag, path string) *problem.Problem {
	return usage("report_exists", fmt.Sprintf("file %s exists and is not a report of rekey", path), "rekey overwrites its own reports only. Nothing was changed.", "Choose another name: "+flag+" run.html")
}

// ReportNotWritable returns the problem of a report that cannot be written to a file, before the call has begun.
func ReportNotWritable(flag, path, reason string) *problem.Problem {
	return usage("report_not_writable", fmt.Sprintf("cannot write a report to %s", path), "The system reported: "+reason+". Nothing was changed.", "Name a file in a writable directory: "+flag+" run.html")
}

// ReportNotWritten returns the problem of a report that could not be written at the end of a call.
func ReportNotWritten(path, reason string, cause error) *problem.Problem {
	return failed("report_not_written", "could not write the report to "+path, "The system reported: "+reason+". What the call did in the database is kept.",
		"Write it again: rekey report --output run.html", cause)
}

// NoRuns returns the problem of a report of a schema in which no run is recorded.
func NoRuns(schema string) *problem.Problem {
	return failed("no_runs", "no run is recorded in schema "+schema, "The journal has no run there, or the role may not read the journal.", "List the state of the tables: rekey status", nil)
}

// NoSuchRun returns the problem of a report of a run that is not recorded; known lists the runs of the schema, the newest first.
func NoSuchRun(schema string, run int64, known []string) *problem.Problem {
	return failed("no_such_run", fmt.Sprintf("no run %d is recorded in schema %s", run, schema), "The last runs there are "+strings.Join(known, ", ")+".",
		"Report the last one: rekey report", nil)
}
