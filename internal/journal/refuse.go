package journal

import (
	"fmt"
	"math"
	"time"

	"github.com/rekey-pg/rekey/problem"
)

func newer(version int) error {
	return &problem.Problem{
		Kind: problem.Refused, Code: "journal_newer",
		Message: fmt.Sprintf("the journal in schema rekey has format %d", version),
		Detail:  fmt.Sprintf("This rekey knows the formats up to %d; a newer one has worked here.", Format),
		Hint:    "Use that newer rekey, or, when no run is to be continued: DROP SCHEMA rekey CASCADE;",
	}
}

// foreign is a schema rekey with tables of our names that are not ours.
func foreign(name, why string) error {
	return &problem.Problem{
		Kind: problem.Refused, Code: "journal_foreign", Table: "rekey." + name,
		Message: fmt.Sprintf("rekey.%s is there and is not the journal's", name),
		Detail:  why + ".",
		Hint:    "The journal needs the schema rekey for itself: rename what is there, then run the same command again.",
	}
}

// held names who holds the lease. An open transaction is one that keeps a silent holder's lease.
func held(scope string, h HeldLease, open bool) error {
	p := &problem.Problem{
		Kind: problem.Running, Code: "lease_held",
		Message: fmt.Sprintf("another run is at work in schema %q", scope),
		Detail: fmt.Sprintf("rekey %s (%s) on host %s, pid %d, since %s, last heard of %.0f s ago",
			h.Command, h.Program, h.Host, h.PID, h.Since.UTC().Format(time.RFC3339), h.SinceHeartbeat.Seconds()),
	}
	if open {
		p.Detail += "; its last transaction is still open"
		p.Hint = "Its lease falls when that transaction ends; then run the same command again."
		return p
	}
	falls := math.Max(0, math.Ceil((fall - h.SinceHeartbeat).Seconds()))
	p.Hint = fmt.Sprintf("Wait for it, or end it with rekey stop. If that process is dead its lease falls in %.0f s; then run the same command again.", falls)
	return p
}

func noRun(scope string) error {
	return &problem.Problem{
		Kind: problem.Failed, Code: "no_run",
		Message: fmt.Sprintf("no run is at work in schema %q", scope),
		Hint:    "See how its tables are, and whether it is the right database: rekey status --schema " + scope,
	}
}

func badOrder(message string) error {
	return &problem.Problem{Kind: problem.Usage, Code: "bad_order", Message: message}
}
