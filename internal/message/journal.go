package message

import (
	"fmt"
	"math"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// NoJournalSchema returns the refusal of a missing schema rekey that the role may not create.
func NoJournalSchema(role, database string) *problem.Problem {
	return refused("no_journal_schema", "", "schema rekey does not exist and the role may not create it",
		"rekey keeps its journal there: the lease that excludes other runs, and what a run must remember.",
		fmt.Sprintf("Let a DBA run: CREATE SCHEMA rekey AUTHORIZATION %s; Or: GRANT CREATE ON DATABASE %s TO %s;", role, database, role))
}

// NoJournalRights returns the refusal of a schema rekey in which the role may not write.
func NoJournalRights(role, owner string) *problem.Problem {
	return refused("no_journal_rights", "", "the role may not write to the journal in schema rekey", "The schema belongs to "+owner+".",
		fmt.Sprintf("Let a DBA run: GRANT USAGE, CREATE ON SCHEMA rekey TO %s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rekey TO %s;", role, role))
}

// JournalConflict returns the refusal of a schema rekey with objects that belong to untrusted roles or are not the
// journal's.
func JournalConflict(objects []catalog.Object, role string) *problem.Problem {
	first := objects[0]
	message := fmt.Sprintf("%s belongs to %s, which %s does not trust", first.Name, first.Owner.Name, role)
	hint := fmt.Sprintf("Connect as %s: --database-url postgres://%s@.. If you trust this role: --trust-owner %s. If rekey did not create the schema, let a DBA run: ALTER SCHEMA rekey RENAME TO another_name;",
		first.Owner.Name, visible.Word(first.Owner.Name), visible.Word(first.Owner.Name))
	if first.Fault != "" {
		message = fmt.Sprintf("%s of %s does not belong to the journal: %s", first.Name, first.Owner.Name, first.Fault)
		hint = "The journal needs schema rekey for itself. Drop the object, or let a DBA run: ALTER SCHEMA rekey RENAME TO another_name; Afterwards run the same command again."
	}
	detail := "rekey neither read nor wrote the schema, since that could run code of the owner."
	if more := len(objects) - 1; more > 0 {
		detail += fmt.Sprintf(" The same applies to %s.", Counted(more, "more object", "more objects"))
	}
	return refused("journal_conflict", "", message, detail, hint)
}

// NotJournalTable returns the refusal of a relation in schema rekey that has the name of a journal table but is not one.
func NotJournalTable(name, reason string) *problem.Problem {
	return refused("journal_conflict", "rekey."+name, fmt.Sprintf("rekey.%s is not a table of rekey's journal", name), sentence(reason),
		"The journal needs schema rekey for itself. Rename the schema or its relations, "+again)
}

// JournalTooNew returns the refusal of a journal in a version newer than the known one.
func JournalTooNew(version, known int) *problem.Problem {
	return refused("journal_newer", "", fmt.Sprintf("the journal in schema rekey has version %d, newer than %d", version, known),
		"A newer version of rekey has used the journal. This version neither reads nor changes it.",
		"Use the newer version of rekey. If no run has to be resumed: DROP SCHEMA rekey CASCADE;")
}

// JournalNotOwned returns the refusal of a journal in an older version that the role may not migrate.
func JournalNotOwned(version, known int, owner, role string) *problem.Problem {
	return refused("no_journal_rights", "", fmt.Sprintf("the journal in schema rekey has version %d, and the role may not migrate it to version %d", version, known),
		fmt.Sprintf("Its tables belong to %s, and only their owner can alter them.", owner),
		fmt.Sprintf("Let a DBA run: GRANT %s TO %s; Or connect as %s: --database-url postgres://%s@..", sqltext.Ident(owner), sqltext.Ident(role), owner, visible.Word(owner)))
}

// LeaseHolder is the run that holds a lease.
type LeaseHolder struct {
	Command, Program, Host string
	PID                    int
	Since                  time.Time
	SinceHeartbeat         time.Duration
	ExpiresIn              time.Duration
	TransactionOpen        bool // the lease has expired, but the run's last transaction is open
}

// LeaseHeld returns the problem of a lease that another run holds.
func LeaseHeld(schema string, h LeaseHolder) *problem.Problem {
	p := &problem.Problem{
		Kind: problem.Running, Code: "lease_held",
		Message: fmt.Sprintf("another run is active in schema %q", schema),
		Detail: fmt.Sprintf("It is rekey %s (%s) on host %s, pid %d, since %s. Its last heartbeat was %.0f s ago.",
			h.Command, h.Program, h.Host, h.PID, h.Since.UTC().Format(time.RFC3339), h.SinceHeartbeat.Seconds()),
	}
	if h.TransactionOpen {
		p.Detail += " Its lease has expired, but its last transaction is open."
		p.Hint = "Wait until that transaction has ended, " + again
		return p
	}
	p.Hint = fmt.Sprintf("Wait until it ends, or stop it: rekey stop. If that process is dead, its lease expires in %.0f s. Afterwards run the same command again.",
		math.Max(0, math.Ceil(h.ExpiresIn.Seconds())))
	return p
}

// NoRun returns the problem of a request to a schema without an active run.
func NoRun(schema string) *problem.Problem {
	return failed("no_run", fmt.Sprintf("no run is active in schema %q", schema), "", "Check the database and the schema: rekey status --schema "+visible.Word(schema), nil)
}

// BadRequest returns the problem of a request with an invalid value.
func BadRequest(message, hint string) *problem.Problem {
	return usage("bad_request", message, "", hint)
}
