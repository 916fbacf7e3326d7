package backfill

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/step"
)

// Work is one table to be filled, and how.
type Work struct {
	Pool   *pgxpool.Pool
	Server catalog.Server
	Table  catalog.Table
	Target step.Target
	// Value is the SQL expression of a new value, evaluated once a row; "" is a call of the target's
	// function. Its names are schema-qualified: search_path is pg_catalog alone.
	Value       string
	Replica     bool            // with session_replication_role = replica: no ordinary trigger fires
	Workers     int             // 0: two where the pool has connections to spare and the pace allows it
	Pace        *pace.Pace      // may change meanwhile; nil is normal
	Checkpoints Checkpoints     // nil: nothing is written down, a new run looks at every page again
	Stop        <-chan struct{} // closed: the batch is finished and Run leaves with ErrStopped
	// Patience is how long rows that the application holds are waited for at the end, how long a lost
	// server is, and how long a lock on the table is; 0 is DefaultPatience.
	RetryTimeout time.Duration
	// Vacuum runs a VACUUM, which cannot run in a transaction, and gives way to whoever waits for the table
	// or the pace meanwhile; nil: none is run.
	Vacuum func(ctx context.Context, sql string) error
	Emit   event.Sink
	// Inspect is called where batches stay far over their target, or unlocked rows cannot be filled: its error
	// ends the filling. It may be called by several workers at once. nil: the table is believed to be as it was.
	Inspect func(ctx context.Context) error
}

// DefaultPatience is what a Work without a Patience has.
const DefaultRetryTimeout = 10 * time.Minute

// Place is how far the filling has come in one of its regions.
type Checkpoint struct {
	Filenode uint32 // pg_relation_filenode: under another one the place is worthless
	Region   int64  // the worker's number: it overwrites the place of the region before
	State    []byte
	Rows     int64 // filled by this worker so far, over all runs
}

// Diary keeps places from one run to the next. All its methods are called inside a transaction; Save
// and Guard in that of the batch.
type Checkpoints interface {
	Load(ctx context.Context, tx pg.Tx) ([]Checkpoint, error)
	Save(ctx context.Context, tx pg.Tx, place Checkpoint) error
	// Guard fails when another run has taken over.
	Guard(ctx context.Context, tx pg.Tx) error
}

// Result is what a filling did.
type Result struct {
	Rows    int64   // filled, as far as the server confirmed it
	Batches int64   // transactions that filled
	Held    int64   // rows that somebody held when they were met at the end
	Sweeps  int     // over the whole table
	InPlace float64 // share of heap-only updates in the batches that were sampled; 0 where none was
	Choice  Choice
	// Clean says that neither this filling nor an earlier one has written anything down.
	Clean bool
}
