package catalog

import (
	"time"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Health is what a doctor looks at besides the plan and the load of a server.
type Health struct {
	Settings map[string]Setting // by name; a setting that the server does not have is missing
	Holders  []Holder           // of locks on the tables, the oldest first
	Now      time.Time          // the server's clock

	Unvacuumed []sqltext.Table // of the tables: autovacuum is turned off for them
	// StatTuple says whether the extension pgstattuple is installed, StatTupleAvailable whether it could be.
	StatTuple, StatTupleAvailable bool
}

// Setting is a setting as a new session of the role gets it.
type Setting struct {
	Value  string // in Unit
	Unit   string // "" for none
	Source string // pg_settings.source
}

// Holder is a session, or a prepared transaction, that holds a lock on a table for longer than an instant.
type Holder struct {
	Table       string
	PID         int // 0 for a prepared transaction
	Application string
	State       string
	Mode        string        // the strongest, as pg_locks writes it
	Age         time.Duration // of its transaction; negative if the role may not see it
	Autovacuum  bool
}
