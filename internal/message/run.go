package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// NoLock is the end of patience with a lock.
func LockTimeout(table string, tries int, patience time.Duration, blockers []string, cause error) *problem.Problem {
	detail := fmt.Sprintf("%s in %s, none of which queued for longer than the budget.", Counted(tries, "try", "tries"), patience)
	if len(blockers) > 0 {
		detail += " In the way: " + strings.Join(blockers, "; ") + "."
	}
	return &problem.Problem{
		Kind: problem.Stopped, Code: "lock_timeout", Table: table, Message: "no lock on " + table + " was to be had", Detail: detail,
		Hint: "Everything done so far is kept. End what stands in the way, then run the same command again.", Cause: cause,
	}
}

// NewDuplicates is a unique index that cannot be built, since the application wrote a value twice.
func NewDuplicates(table, column string, values []string, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Failed, Code: "new_duplicates", Table: table,
		Message: fmt.Sprintf("values stand more than once in column %s of %s", column, table),
		Detail:  "The application wrote them while rekey was at work: " + strings.Join(values, ", ") + ".",
		Hint: fmt.Sprintf("Decide which row keeps the value and set the others to NULL or a new uuid (look with: SELECT * FROM %s WHERE %s = ..); "+
			"then run the same command again.", table, sqltext.Ident(column)),
		Cause: cause,
	}
}

// IndexKeepsFailing is an index whose concurrent build ended invalid time and again.
func IndexBuildFailed(table, index string, tries int, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Failed, Code: "index_invalid", Table: table, Message: fmt.Sprintf("index %s of %s could not be built in %s", index, table, Counted(tries, "try", "tries")),
		Detail: visible.Error(cause) + ".", Hint: "Nothing is lost; no invalid index is left. Run the same command again.", Cause: cause,
	}
}

// NullsKeepComing is an application that writes NULL into the column time and again.
func NullsWritten(table, column string, times int, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "nulls_written", Table: table, Message: fmt.Sprintf("NULL was written into column %s of %s again and again", column, table),
		Detail: fmt.Sprintf("%s every row was filled, and each time a row without a value was there before NOT NULL was proved.", Counted(times, "time", "times")),
		Hint:   "Find what writes NULL explicitly (an INSERT or UPDATE that names the column), stop it, then run the same command again.",
		Cause:  cause,
	}
}

// Swallowed is an update that changes nothing: a trigger or rule swallows it.
func UpdateSuppressed(table, column string, causes []string, cause error) *problem.Problem {
	detail := fmt.Sprintf("Rows that nobody held were updated and have no %s still: a trigger that returns NULL, or a rule, swallows the update.", column)
	if len(causes) > 0 {
		detail += " On UPDATE it has: " + strings.Join(causes, ", ") + "."
	}
	return &problem.Problem{
		Kind: problem.Failed, Code: "update_suppressed", Table: table, Message: "updates of " + table + " change nothing", Detail: detail,
		Hint: "Disable it for the time of the run, then run the same command again.", Cause: cause,
	}
}

// RowsHeld is rows that the application held until patience ended.
func RowsLocked(table string, rows int64, patience time.Duration, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "rows_locked", Table: table, Message: fmt.Sprintf("%s of %s stayed locked by the application", Counted(rows, "row", "rows"), table),
		Detail: fmt.Sprintf("They were skipped and come back to for %s, and never waited for.", patience),
		Hint:   "Everything done so far is kept. End the transactions that hold them, then run the same command again.", Cause: cause,
	}
}

// NotWhole is a table that is not whole when the version is about to be recorded.
func TableIncomplete(table string, lacks []string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "table_incomplete", Table: table, Message: table + " is not whole", Detail: "It lacks: " + strings.Join(lacks, ", ") + ". It was made or altered while rekey was at work.",
		Hint: "The version was not recorded. Run the same command again.",
	}
}

// LeftAtSignal is a run that was asked to end.
func Interrupted(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Interrupted, Code: "interrupted", Message: "stopped cleanly, as asked",
		Detail: "Everything done so far is committed.", Hint: "Run the same command again; it goes on from here.", Cause: cause,
	}
}

// EventTrigger is a statement that an event trigger of the database's has ended.
func EventTrigger(trigger, function, about, says string, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "event_trigger", Message: fmt.Sprintf("event trigger %s has stopped a change of %s", trigger, about),
		Detail: fmt.Sprintf("Its function %s says: %s. What was done before is kept.", function, strings.TrimSuffix(says, ".")),
		Hint: fmt.Sprintf("Let it pass what rekey does, or let a DBA run: ALTER EVENT TRIGGER %s DISABLE; for the time of the run. Then run the same command again.",
			sqltext.Ident(trigger)),
		Cause: cause,
	}
}

// AlteredCode is the code of AlteredMeanwhile.
const TableAlteredCode = "table_altered"

// AlteredMeanwhile is a table that has become one that no plan would have let through.
func TableAltered(table, why string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: TableAlteredCode, Table: table, Message: table + " was altered while rekey was at work",
		Detail: strings.TrimSuffix(why, ".") + ". It was left as it is; the other tables went on.", Hint: "Look at it with rekey plan, then run the same command again.",
	}
}

// Broken is anything else that ended a run.
func InternalError(doing string, cause error) *problem.Problem {
	p := Fault{Operation: doing, Reason: visible.Error(cause), Cause: cause}.Problem()
	p.Hint = "Everything done so far is kept. When the cause is mended, run the same command again."
	return p
}

// LeaseLost is a run whose lease another one has taken: it was suspended, or cut off, for too long.
func LeaseLost() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Running, Code: "lease_lost", Message: "another run has taken over",
		Detail: "This one was not heard of for too long; it has stopped where it was.", Hint: "Look at the other run with: rekey status",
	}
}

// LeaseFallen is a run whose lease fell since the server was not to be reached for so long.
func LeaseExpired(why string, cause error) *problem.Problem {
	p := LeaseLost()
	p.Message, p.Cause = "the lease was lost: the server could not be reached", cause
	p.Detail = "It was not renewed in time (" + why + "), so that another run may have taken over; this one has cancelled what it was doing."
	p.Hint = "Everything committed so far is kept. Look whether another run is at work (rekey status), then run the same command again."
	return p
}

// StoppedByOrder is a run that another terminal asked to end.
func StoppedByRequest() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "stopped", Message: "stopped cleanly, as another terminal asked",
		Detail: "Everything done so far is committed.", Hint: "Run the same command again; it goes on from here.",
	}
}
