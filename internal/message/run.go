package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

const (
	keptHint   = "Everything done so far is kept. "
	resumeHint = "Run the same command again to resume."
	committed  = "Everything done so far is committed."
)

// LockTimeout returns the problem of a lock that was not granted within the lock retry timeout.
func LockTimeout(table string, attempts int, timeout, retryTimeout time.Duration, blockers []string, cause error) *problem.Problem {
	detail := fmt.Sprintf("rekey made %s in %s, each waiting at most %s (--lock-timeout).", Counted(attempts, "attempt", "attempts"), Duration(retryTimeout), Duration(timeout))
	if len(blockers) > 0 {
		detail += " Blocked by: " + strings.Join(blockers, "; ") + "."
	}
	return &problem.Problem{
		Kind: problem.Stopped, Code: "lock_timeout", Table: table, Message: fmt.Sprintf("could not lock %s within %s (--lock-retry-timeout)", table, Duration(retryTimeout)),
		Detail: detail, Hint: keptHint + "End the blocking transactions, " + again, Cause: cause,
	}
}

// NewDuplicates returns the problem of a unique index that cannot be built because the application wrote equal values.
func NewDuplicates(table, column string, values []string, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Failed, Code: "new_duplicates", Table: table,
		Message: fmt.Sprintf("column %s of %s contains duplicate values", column, table),
		Detail:  "The application wrote them during the run: " + strings.Join(values, ", ") + ".",
		Hint: fmt.Sprintf("Inspect the rows: SELECT * FROM %s WHERE %s = ..; Set all but one to NULL or to a new uuid, %s",
			table, sqltext.Ident(column), again),
		Cause: cause,
	}
}

// IndexBuildFailed returns the problem of an index whose concurrent build ended with an invalid index every time.
func IndexBuildFailed(table, index string, attempts int, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Failed, Code: "index_invalid", Table: table, Message: fmt.Sprintf("could not build index %s of %s in %s", index, table, Counted(attempts, "attempt", "attempts")),
		Detail: sentence(visible.Error(cause)), Hint: keptHint + "No invalid index remains. Run the same command again.", Cause: cause,
	}
}

// NullsWritten returns the problem of an application that wrote NULL into the column after every sweep.
func NullsWritten(table, column string, sweeps int, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "nulls_written", Table: table, Message: fmt.Sprintf("the application keeps writing NULL into column %s of %s", column, table),
		Detail: fmt.Sprintf("After each of %s, a row without a value prevented NOT NULL.", Counted(sweeps, "complete pass", "complete passes")),
		Hint:   "Find the INSERT or UPDATE that sets the column to NULL and stop it, " + again,
		Cause:  cause,
	}
}

// UpdateSuppressed returns the problem of a table whose updates change no row because of a trigger or rule.
func UpdateSuppressed(table, column string, causes []string, cause error) *problem.Problem {
	detail := fmt.Sprintf("Rows without a lock have no %s after an UPDATE. A trigger that returns NULL, or a rule, suppresses it.", column)
	if len(causes) > 0 {
		detail += " The table has, on UPDATE: " + strings.Join(causes, ", ") + "."
	}
	return &problem.Problem{
		Kind: problem.Failed, Code: "update_suppressed", Table: table, Message: "updates of " + table + " have no effect", Detail: detail,
		Hint: "Disable the trigger or rule until the run has ended, " + again, Cause: cause,
	}
}

// RowsLocked returns the problem of rows that the application kept locked for the lock retry timeout.
func RowsLocked(table string, rows int64, retryTimeout time.Duration, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "rows_locked", Table: table,
		Message: fmt.Sprintf("%s of %s stayed locked for %s (--lock-retry-timeout)", Counted(rows, "row", "rows"), table, Duration(retryTimeout)),
		Detail:  "rekey skips rows that the application has locked, and retries them later. It never waits for a row lock.",
		Hint:    keptHint + "End the transactions that hold the locks, " + again, Cause: cause,
	}
}

// TableIncomplete returns the problem of a table that is not complete when the version is about to be recorded.
func TableIncomplete(table string, missing []string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "table_incomplete", Table: table, Message: table + " is incomplete",
		Detail: "It lacks: " + strings.Join(missing, ", ") + ". It was created or altered during the run. The version was not recorded.",
		Hint:   "Run the same command again.",
	}
}

// Interrupted returns the problem of a run that a signal or its context stopped at a clean point.
func Interrupted(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Interrupted, Code: "interrupted", Message: "interrupted at a clean point",
		Detail: committed, Hint: resumeHint, Cause: cause,
	}
}

// Cancelled returns the problem of a command whose current statement a signal cancelled.
func Cancelled(cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Interrupted, Code: "interrupted", Message: "interrupted",
		Detail: "The current statement was cancelled. Everything committed before is kept.", Hint: resumeHint, Cause: cause,
	}
}

// StoppedByRequest returns the problem of a run that rekey stop ended.
func StoppedByRequest() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "stopped", Message: "stopped at a clean point by rekey stop",
		Detail: committed, Hint: resumeHint,
	}
}

// EventTriggerFailed returns the problem of a statement that an event trigger rejected. About is the object of the
// statement.
func EventTriggerFailed(trigger, function, about, reason string, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "event_trigger", Message: fmt.Sprintf("event trigger %s rejected a change of %s", trigger, about),
		Detail: fmt.Sprintf("Its function %s reported: %s. Everything done before is kept.", function, strings.TrimSuffix(reason, ".")),
		Hint: fmt.Sprintf("Change the function so that it accepts rekey's statements, or let a DBA run: ALTER EVENT TRIGGER %s DISABLE; Afterwards run the same command again.",
			sqltext.Ident(trigger)),
		Cause: cause,
	}
}

// TableAlteredCode is the code of TableAltered.
const TableAlteredCode = "table_altered"

// TableAltered returns the problem of a table that was altered during the run so that its plan does not apply any more.
func TableAltered(table, reason string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: TableAlteredCode, Table: table, Message: table + " was altered during the run",
		Detail: sentence(reason) + " rekey skipped it and continued with the other tables.", Hint: "Check the table (rekey plan), " + again,
	}
}

// AlteredWhileRead returns the problem of a table that was altered while plan or verify read it.
func AlteredWhileRead(table, reason string) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: TableAlteredCode, Table: table, Message: table + " was altered while rekey read it",
		Detail: sentence(reason), Hint: "Check the table, then call the same command again.",
	}
}

// InternalError returns the problem of an error that has no other class.
func InternalError(operation string, cause error) *problem.Problem {
	p := Fault{Operation: operation, Reason: visible.Error(cause), Cause: cause}.Problem()
	p.Hint = keptHint + "Remove the cause, " + again
	return p
}

// LeaseLost returns the problem of a run whose lease another run has taken, because this one was suspended or
// disconnected for too long.
func LeaseLost() *problem.Problem {
	return &problem.Problem{
		Kind: problem.Running, Code: "lease_lost", Message: "another run has taken the lease",
		Detail: "This run did not renew its lease in time and has stopped.", Hint: "Inspect the other run: rekey status",
	}
}

// LeaseGone returns the problem of a run whose journal was dropped.
func LeaseGone(reason string, cause error) *problem.Problem {
	p := LeaseLost()
	p.Message, p.Cause = "the journal in schema rekey was dropped during the run", cause
	p.Detail = "The server reports: " + reason + ". Without its lease the run cannot continue, since another one may start."
	p.Hint = keptHint + "To continue without the journal's checkpoints, " + again
	return p
}

// LeaseExpired returns the problem of a run that could not renew its lease because the server was unreachable.
func LeaseExpired(reason string, cause error) *problem.Problem {
	p := LeaseLost()
	p.Message, p.Cause = "the lease expired because the server was unreachable", cause
	p.Detail = "This run could not renew its lease in time (" + reason + ") and cancelled its current statement. Another run may have started."
	p.Hint = keptHint + "Check whether another run is active (rekey status), " + again
	return p
}
