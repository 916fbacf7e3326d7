package journal

import (
	"github.com/rekey-pg/rekey/internal/message"
)

// leaseHeld reports that another run holds the lease. If open is true, the lease has expired but the last
// transaction of its holder is still open.
func leaseHeld(schema string, h HeldLease, open bool) error {
	return message.LeaseHeld(schema, message.LeaseHolder{
		Command: h.Command, Program: h.Program, Host: h.Host, PID: h.PID,
		Since: h.Since, SinceHeartbeat: h.SinceHeartbeat, ExpiresIn: leaseTimeout - h.SinceHeartbeat, TransactionOpen: open,
	})
}
