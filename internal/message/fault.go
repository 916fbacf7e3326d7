package message

import "github.com/rekey-pg/rekey/problem"

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is an error of the server or of the network, in the words of a program.
type Fault struct {
	Operation    string // the command, or a part of it
	Table    string // schema.table, where it is about one
	Step     string // what was being done
	SQLState string // of the server's error; "" where the network failed
	Reason     string // the server's or the system's message
	Cause    error
}

// class is how a kind of fault ends a command.
type class struct {
	states string          // SQLSTATEs, or their first characters, with blanks between them
	as     problem.Problem // its kind and its code
	what   string
	hint   string
}

const again = "then run the same command again."

// The faults that are no server's error.
const (
	silent = "silent"
	lost   = "lost"
)

// classes are searched from the first to the last; the first that matches counts.
func classes() []class {
	return slices.Concat(means(), passing(), reach(), rejected())
}

// means are what a server lacks, or has broken.
func means() []class {
	return []class{
		{
			"53100",
			problem.Problem{Kind: problem.Failed, Code: "disk_full"},
			"no space is left on a disk of the server",
			"Free space there (what takes it: SELECT spcname, pg_size_pretty(pg_tablespace_size(oid)) FROM pg_tablespace;), " + again,
		},
		{
			"53200",
			problem.Problem{Kind: problem.Failed, Code: "out_of_memory"},
			"the server is out of memory",
			"If it names shared memory or locks, raise max_locks_per_transaction and restart the server; else end what takes the memory; " + again,
		},
		{
			"53300",
			problem.Problem{Kind: problem.Failed, Code: "too_many_connections"},
			"the server has no connection left for this role",
			"See who has them: SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2; " + again,
		},
		{
			"53",
			problem.Problem{Kind: problem.Failed, Code: "limit_reached"},
			"a limit that is set on the server was reached",
			"Raise the limit that it names for this role (ALTER ROLE .. SET temp_file_limit = ..;), " + again,
		},
		{
			"54",
			problem.Problem{Kind: problem.Failed, Code: "row_too_big"},
			"a row, an index entry or a statement is larger than PostgreSQL allows",
			"Make it smaller, or leave the table out (--exclude), " + again,
		},
		{
			"XX001 XX002",
			problem.Problem{Kind: problem.Failed, Code: "data_corrupted"},
			"the server found damaged data",
			"Save a copy of the data directory first. A damaged index is built again with: REINDEX INDEX CONCURRENTLY ..; " + again,
		},
		{
			"58",
			problem.Problem{Kind: problem.Failed, Code: "io_error"},
			"the server could not read or write its files",
			"Look into the server's log and at its disks, " + again,
		},
		{
			"25006",
			problem.Problem{Kind: problem.Failed, Code: "turned_read_only"},
			"the server takes no writes any more",
			"After a failover connect to the new primary (--database-url with target_session_attrs=read-write), or let a DBA set default_transaction_read_only = off; " + again,
		},
	}
}

// passing is what is over soon.
func passing() []class {
	return []class{
		{
			"57014 25P04",
			problem.Problem{Kind: problem.Stopped, Code: "cancelled"},
			"the server cancelled the statement",
			"A timeout or another session ended it. When the server is less busy, run the same command again.",
		},
		{
			"55P03",
			problem.Problem{Kind: problem.Stopped, Code: "lock_timeout"},
			"a lock was not granted in time",
			"See who holds it: SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle'; " + again,
		},
		{
			"40",
			problem.Problem{Kind: problem.Stopped, Code: "conflict"},
			"another transaction was in the way",
			"What was in the way ends soon: run the same command again.",
		},
	}
}

// reach is about the way to the server.
func reach() []class {
	return []class{
		{
			"57P03",
			problem.Problem{Kind: problem.Failed, Code: "not_ready"},
			"the server takes no connections now",
			"Wait until it has started (pg_isready shows that), " + again,
		},
		{
			"57P04 3D000",
			problem.Problem{Kind: problem.Failed, Code: "no_database"},
			"the database is gone",
			"See which there are: psql -l; " + again,
		},
		{
			"28",
			problem.Problem{Kind: problem.Failed, Code: "no_connection"},
			"the server does not let this role in any more",
			"Check the role's password and pg_hba.conf with psql, " + again,
		},
		{
			"57P01 57P02 57P05 25P03 08 " + lost,
			problem.Problem{Kind: problem.Failed, Code: "connection_lost"},
			"the connection to the server was lost",
			"Check that the server runs (pg_isready shows that), " + again,
		},
		{
			silent,
			problem.Problem{Kind: problem.Failed, Code: "connection_timed_out"},
			"nothing arrives from the server any more",
			"Check the network, and what is between rekey and the server (a proxy, a firewall), " + again,
		},
	}
}

// rejected is what rights, names and the application's own rules forbid.
func rejected() []class {
	return []class{
		{
			rls,
			problem.Problem{Kind: problem.Failed, Code: "row_security"},
			"row-level security hides rows from this role",
			"Let a DBA run: ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY; or connect as a role with BYPASSRLS; " + again,
		},
		{
			"42501",
			problem.Problem{Kind: problem.Failed, Code: "no_privilege"},
			"this role lacks a right that it needs",
			"rekey plan names the rights that are missing, with the GRANT for each; " + again,
		},
		{
			"42P01 42P02 42P06 42P07 42P16 42P17 42701 42703 42704 42710 42723 42804 42809 42883 3F000",
			problem.Problem{Kind: problem.Stopped, Code: "table_altered"},
			"something that the statement needs is gone, or is not what it was",
			"Look at what has changed: rekey plan; " + again,
		},
		{
			"23",
			problem.Problem{Kind: problem.Failed, Code: "constraint_violated"},
			"a constraint rejected a row",
			"Correct the row, or drop the constraint for the time of the run, " + again,
		},
		{
			"P0 38 39 2F",
			problem.Problem{Kind: problem.Failed, Code: "application_error"},
			"code of the application ended the statement",
			"Find the function or trigger that raised the error in the server's log, correct or disable it, " + again,
		},
	}
}

// rls is the key for the error of row_security = off, which has the SQLSTATE of any missing right.
const rls = "row_security"

// Silent returns the fault of a connection that was given up.
func (f Fault) ConnectionTimedOut() *problem.Problem { return f.as(silent) }

// Lost returns the fault of a connection that was cut.
func (f Fault) ConnectionLost() *problem.Problem { return f.as(lost) }

// Hidden returns the fault of a table whose rows a policy hides.
func (f Fault) RowsHidden() *problem.Problem { return f.as(rls) }

// Problem returns the fault by its SQLSTATE; one of no known kind is "failed".
func (f Fault) Problem() *problem.Problem { return f.as(f.SQLState) }

func (f Fault) as(state string) *problem.Problem {
	p := problem.Problem{
		Kind: problem.Failed, Code: "failed", Message: "an error ended it",
		Hint: "When the cause is mended, run the same command again.",
	}
	if c, known := classOf(state); known {
		p = c.as
		p.Message, p.Hint = c.what, c.hint
	}
	p.Message = f.Operation + " failed" + f.where() + ": " + p.Message
	p.Detail = f.detail()
	p.Hint = strings.ReplaceAll(p.Hint, "{table}", cmp.Or(f.Table, ".."))
	if strings.HasSuffix(f.Operation, " up") || strings.HasSuffix(f.Operation, " down") {
		p.Hint += " Everything done so far is kept."
	}
	p.Table, p.Step, p.SQLState, p.Cause = f.Table, f.Step, f.SQLState, f.Cause
	return &p
}

func classOf(state string) (class, bool) {
	for _, c := range classes() {
		for begins := range strings.FieldsSeq(c.states) {
			if state != "" && strings.HasPrefix(state, begins) {
				return c, true
			}
		}
	}
	return class{}, false
}

func (f Fault) where() string {
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
	said := strings.TrimSuffix(f.Reason, ".")
	switch {
	case said == "":
		return ""
	case f.SQLState == "":
		return "The reason: " + said + "."
	}
	return fmt.Sprintf("The server said: %s (SQLSTATE %s).", said, f.SQLState)
}
