package message

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// Fault is an error of the server, the network or the system during a command.
type Fault struct {
	Operation string // the command, such as "rekey up", or a part of it
	Table     string // schema.table, or "" if the fault concerns no single table
	Step      string // the step that failed, or ""
	SQLState  string // of the server's error; "" for any other error
	Reason    string // the message of the server or of the system
	Cause     error
}

// class describes the faults of some SQLSTATEs.
type class struct {
	states  string // SQLSTATEs, or the first characters of them, separated by blanks
	kind    problem.Kind
	code    string
	message string
	hint    string
}

const (
	again            = "then run the same command again."
	countConnections = "SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2;"
)

// Keys of faults that are not identified by an SQLSTATE.
const (
	timedOut    = "timed_out"
	lost        = "lost"
	rowSecurity = "row_security" // row_security = off has the SQLSTATE of any missing privilege
)

// classes returns all classes. The first that matches counts.
func classes() []class {
	return slices.Concat(resourceFaults(), transientFaults(), connectionFaults(), schemaFaults())
}

func resourceFaults() []class {
	return []class{
		{
			"53100", problem.Failed, "disk_full", "a disk of the server is full",
			"Free some space (sizes: SELECT spcname, pg_size_pretty(pg_tablespace_size(oid)) FROM pg_tablespace;), " + again,
		},
		{
			"53200", problem.Failed, "out_of_memory", "the server is out of memory",
			"If the error names shared memory or locks, raise max_locks_per_transaction and restart the server. Otherwise end the processes that use the memory, " + again,
		},
		{
			"53300", problem.Failed, "too_many_connections", "the server allows no more connections for this role",
			"Count the connections: " + countConnections + " Close some, " + again,
		},
		{
			"53", problem.Failed, "limit_reached", "a limit of the server was reached",
			"Raise the limit for this role (such as: ALTER ROLE .. SET temp_file_limit = ..;), " + again,
		},
		{
			"54", problem.Failed, "row_too_big", "a row, an index entry or a statement exceeds a limit of PostgreSQL",
			"Make it smaller, or skip the table (--exclude), " + again,
		},
		{
			"XX001 XX002", problem.Failed, "data_corrupted", "the server found corrupted data",
			"Copy the data directory first. Rebuild a corrupted index with: REINDEX INDEX CONCURRENTLY ..; Afterwards run the same command again.",
		},
		{
			"58", problem.Failed, "io_error", "the server could not read or write a file",
			"Check the server's log and its disks, " + again,
		},
		{
			"25006", problem.Failed, "turned_read_only", "the server no longer accepts writes",
			"After a failover connect to the new primary (--database-url with target_session_attrs=read-write). Otherwise let a DBA set default_transaction_read_only = off, " + again,
		},
	}
}

func transientFaults() []class {
	return []class{
		{
			"57014 25P04", problem.Stopped, "cancelled", "the server cancelled the statement",
			"A timeout or another session cancelled it. When the server is less busy, run the same command again.",
		},
		{
			"55P03", problem.Stopped, "lock_timeout", "a lock was not granted in time",
			"List the active sessions: SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle'; End the one that holds the lock, " + again,
		},
		{
			"40", problem.Stopped, "conflict", "the transaction conflicts with another one",
			"The conflict ends with the other transaction. Wait for it, " + again,
		},
	}
}

func connectionFaults() []class {
	return []class{
		{
			"57P03", problem.Failed, "not_ready", "the server accepts no connections yet",
			"Wait until it is ready (check with pg_isready), " + again,
		},
		{
			"57P04 3D000", problem.Failed, "no_database", "the database does not exist any more",
			"Check the databases (psql -l) and --database-url, " + again,
		},
		{
			"28", problem.Failed, "authentication_failed", "the server rejected the role",
			"Check the role's password and pg_hba.conf with psql, " + again,
		},
		{
			"57P01 57P02 57P05 25P03 08 " + lost, problem.Failed, "connection_lost", "the connection to the server was lost",
			"Check that the server runs (pg_isready), " + again,
		},
		{
			timedOut, problem.Failed, "connection_timed_out", "the server did not answer in time",
			"Check the network and every proxy or firewall between rekey and the server, " + again,
		},
	}
}

func schemaFaults() []class {
	return []class{
		{
			rowSecurity, problem.Failed, "row_security", "row-level security hides rows from this role",
			"Let a DBA run: ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; Or connect as a role with BYPASSRLS. Afterwards run the same command again.",
		},
		{
			"42501", problem.Failed, "no_privilege", "the role lacks a privilege",
			"List the missing privileges with their GRANT statements (rekey plan), grant them, " + again,
		},
		{
			"42P01 42P02 42P06 42P07 42P16 42P17 42701 42703 42704 42710 42723 42804 42809 42883 3F000",
			problem.Stopped, "table_altered", "an object was altered, renamed or dropped during the run",
			"Check the tables (rekey plan), " + again,
		},
		{
			"23", problem.Failed, "constraint_violated", "a row violates a constraint",
			"Correct the row, or drop the constraint until the run has ended, " + again,
		},
		{
			"P0 38 39 2F", problem.Failed, "application_error", "a function or trigger of the application raised an error",
			"Find it in the server's log, correct or disable it, " + again,
		},
	}
}

// ConnectionTimedOut returns the problem of a connection that rekey closed because the server did not answer.
func (f Fault) ConnectionTimedOut() *problem.Problem { return f.as(timedOut) }

// ConnectionLost returns the problem of a connection that was closed by the server or the network.
func (f Fault) ConnectionLost() *problem.Problem { return f.as(lost) }

// RowsHidden returns the problem of a table whose rows a policy hides.
func (f Fault) RowsHidden() *problem.Problem { return f.as(rowSecurity) }

// Problem returns the problem of the fault's SQLSTATE. Its code is "failed" for any other SQLSTATE.
func (f Fault) Problem() *problem.Problem { return f.as(f.SQLState) }

func (f Fault) as(state string) *problem.Problem {
	c, known := classOf(state)
	if !known {
		c = class{"", problem.Failed, "failed", "unexpected error", "Remove the cause, " + again}
	}
	hint := strings.ReplaceAll(c.hint, "{table}", cmp.Or(f.Table, ".."))
	if strings.HasSuffix(f.Operation, " up") || strings.HasSuffix(f.Operation, " down") {
		hint += " Everything done so far is kept."
	}
	return &problem.Problem{
		Kind: c.kind, Code: c.code, Table: f.Table, Step: f.Step, SQLState: f.SQLState,
		Message: f.Operation + " failed" + f.location() + ": " + c.message,
		Detail:  f.detail(), Hint: hint, Cause: f.Cause,
	}
}

func classOf(state string) (class, bool) {
	for _, c := range classes() {
		for prefix := range strings.FieldsSeq(c.states) {
			if state != "" && strings.HasPrefix(state, prefix) {
				return c, true
			}
		}
	}
	return class{}, false
}

func (f Fault) location() string {
	switch {
	case f.Table != "" && f.Step != "":
		return fmt.Sprintf(" on %s in step %s", f.Table, f.Step)
	case f.Table != "":
		return " on " + f.Table
	case f.Step != "":
		return " in step " + f.Step
	}
	return ""
}

func (f Fault) detail() string {
	reason := strings.TrimSuffix(f.Reason, ".")
	switch {
	case reason == "":
		return ""
	case f.SQLState == "":
		return sentence(reason)
	}
	return fmt.Sprintf("The server reported: %s (SQLSTATE %s).", reason, f.SQLState)
}
