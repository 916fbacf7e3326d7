package backfill

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Job describes one table to fill.
type Job struct {
	Pool        *pgxpool.Pool
	Server      catalog.Server
	Table       catalog.Table // filled without the tables below it
	Column      string        // the uuid column
	Writer      Writer
	Replica     bool            // set session_replication_role to replica, which disables ordinary triggers
	Workers     int             // Default: two if the pool has enough connections and the pace allows it, else one.
	Pace        *pace.Pace      // may change during the run; nil is the normal pace
	Checkpoints Checkpoints     // nil records nothing, so that a new run reads every page again
	Stop        <-chan struct{} // when closed, Run finishes the batch and returns ErrStopped
	// RetryTimeout is how long to retry rows that the application holds at the end, a lost server, and a lock on the table.
	// Default: DefaultRetryTimeout.
	RetryTimeout time.Duration
	// Gate is called before each batch that writes rows, which ends with a call of leave. It may block; its error ends the batch. nil
	// lets every batch pass.
	Gate func() (leave func(), err error)
	// Vacuum runs a VACUUM outside a transaction, and ends it when another session waits for the table or the pace is
	// paused. nil runs none.
	Vacuum func(ctx context.Context, sql string) error
	Emit   event.Sink
	// Inspect checks whether the table has changed, if batches stay far over their target or unlocked rows cannot be
	// filled. Its error ends the filling. Several workers may call it concurrently. nil checks nothing.
	Inspect func(ctx context.Context) error
}

// Name returns the name of the table, without the tables below it.
func (j Job) Name() sqltext.Table {
	return sqltext.Table{Schema: j.Table.Schema, Name: j.Table.Name, Only: true}
}

// Writer decides which value each row gets. Expression and Join return writers by the server's expression; package ordered has
// the one that keeps the order of creation.
type Writer interface {
	// Method returns how the engine's job is done, before the first batch.
	Method(ctx context.Context, e *Engine) (Method, error)
}

// Method fills the rows of one table. The engine calls Once for a table of a few pages. Unless that fills all rows, it calls
// Begin, then Pass until it returns 0, then End.
type Method interface {
	// Once fills the table in a transaction, which may be repeated. done reports that no row is left.
	Once(ctx context.Context, tx pg.Tx) (filled int64, done bool, err error)
	Begin(ctx context.Context) error
	// Pass fills the rows that are still to do and returns how many it found.
	Pass(ctx context.Context) (found int64, err error)
	End(ctx context.Context) error
	// Complete adds to the result what the engine does not know, also after an error.
	Complete(r *Result)
}

// DefaultRetryTimeout is the default of Job.RetryTimeout.
const DefaultRetryTimeout = 10 * time.Minute

// Checkpoint is how far the filling of a region has come.
type Checkpoint struct {
	Filenode uint32 // pg_relation_filenode; the checkpoint is void after it changes
	Region   int64  // number of the worker, whose checkpoints overwrite each other
	State    []byte
	Rows     int64 // filled by this worker, over all runs
}

// Checkpoints keeps checkpoints from one run to the next. Load, Save and Guard are called in a transaction, Save and Guard in
// the batch's.
type Checkpoints interface {
	Load(ctx context.Context, tx pg.Tx) ([]Checkpoint, error)
	Save(ctx context.Context, tx pg.Tx, c Checkpoint) error
	// Preconditions returns what must hold in every batch: that no other run has taken over, for one.
	Preconditions() []pg.Precondition
	// Guard returns an error if the table has untrusted code.
	Guard(ctx context.Context, tx pg.Tx) error
}

// Result is the outcome of a filling.
type Result struct {
	Rows    int64   // filled and confirmed by the server
	Batches int64   // transactions that filled rows
	Held    int64   // rows that other transactions held, counted at each attempt
	Passes  int     // over the whole table
	InPlace float64 // share of heap-only updates in the sampled batches, 0 without a sample
	Choice  Choice
	// Orphans counts the rows that stay without a value because no parent has their key, and OrphanKeys are some of the keys.
	Orphans    int64
	OrphanKeys []string
	// Clean says that neither this filling nor an earlier one recorded anything.
	Clean bool
}
