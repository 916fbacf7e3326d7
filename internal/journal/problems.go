package journal

import (
	"fmt"
	"math"
	"time"

	"github.com/rekey-pg/rekey/problem"
)

func newerFormat(version int) error {
	return &problem.Problem{
		Kind: problem.Refused, Code: "journal_newer",
		Message: fmt.Sprintf("the journal in schema rekey has the unknown format %d", version),
		Detail:  fmt.Sprintf("This version of rekey knows formats up to %d; a newer version has used the journal.", Format),
		Hint:    "Use the newer version of rekey, or, if no run has to be continued: DROP SCHEMA rekey CASCADE;",
	}
}

// notJournal reports a relation in the schema rekey that has the name of a journal table but is not one.
func notJournal(name, why string) error {
	return &problem.Problem{
		Kind: problem.Refused, Code: "journal_conflict", Table: "rekey." + name,
		Message: fmt.Sprintf("rekey.%s is not a table of rekey's journal", name),
		Detail:  why + ".",
		Hint:    "Rename the schema or its relations, since the journal needs the schema name rekey, then run the same command again.",
	}
}

// leaseHeld reports that another run holds the lease. If open is true, the lease has expired but the last
// transaction of its holder is still open.
func leaseHeld(schema string, h HeldLease, open bool) error {
	p := &problem.Problem{
		Kind: problem.Running, Code: "lease_held",
		Message: fmt.Sprintf("another run is active in schema %q", schema),
		Detail: fmt.Sprintf("rekey %s (%s) on host %s, pid %d, since %s, last heartbeat %.0f s ago",
			h.Command, h.Program, h.Host, h.PID, h.Since.UTC().Format(time.RFC3339), h.SinceHeartbeat.Seconds()),
	}
	if open {
		p.Detail += "; its last transaction is still open"
		p.Hint = "Its lease expires when that transaction ends; then run the same command again."
		return p
	}
	expires := math.Max(0, math.Ceil((leaseTimeout - h.SinceHeartbeat).Seconds()))
	p.Hint = fmt.Sprintf("Wait until it ends, or end it with: rekey stop. If that process is dead, its lease expires in %.0f s; then run the same command again.", expires)
	return p
}

func noRun(schema string) error {
	return &problem.Problem{
		Kind: problem.Failed, Code: "no_run",
		Message: fmt.Sprintf("no run is active in schema %q", schema),
		Hint:    "Check the database and the schema: rekey status --schema " + schema,
	}
}

func badRequest(message string) error {
	return &problem.Problem{Kind: problem.Usage, Code: "bad_request", Message: message}
}
