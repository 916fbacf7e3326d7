package rekey

import "github.com/rekey-pg/rekey/internal/plan"

// Values says what the uuids of the rows that are there already tell. Its zero value is the order of
// creation: each table's creation-time column, as far as one is known.
type Values = plan.Values

// Source says whose time the uuids tell.
type Source = plan.Source

// The sources of Values.
const (
	ByColumn = plan.ByColumn // the time at which a row was created
	ByClock  = plan.ByClock  // the time of the filling
)
