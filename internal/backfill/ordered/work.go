package ordered

import (
	"context"
	"time"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Job describes one table to fill in the order of creation. It ignores the embedded Writer, and a checkpoint records a
// whole region.
type Job struct {
	backfill.Job
	Time order.Column // creation-time column; without a name, the key alone gives the order
	// Cutoff is when the column got its default. No generated value is later, and later times count as this one. It must be
	// the same in every run over a table. Default: the cutoff of an interrupted run, else the server's time at the start.
	Cutoff time.Time
	// OnStart is called in the transaction that begins the filling, which may be repeated. Its result replaces Cutoff. It may
	// be nil.
	OnStart    func(context.Context, pg.Tx) (Start, error)
	regionRows int64 // rows of a region in tests. Default: as chosen by Explain.
}

// Start is what is known of a filling when it begins.
type Start struct {
	Cutoff  time.Time
	Resumed bool // an interrupted run has left checkpoints
}

// Result is the outcome of a filling, with the number of rows whose times were adjusted.
type Result struct {
	backfill.Result
	Cutoff  time.Time
	Regions int   // 0 for a table without a key, like the fields below
	Rounds  int   // over the regions
	Early   int64 // rows with a time before 1970
	Late    int64 // rows with a time at or after the cutoff, or infinite
	Carried int64 // rows without a time in a table with times
	Missing int64 // rows of a table without any time
}
