package backfill

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/pg"
)

// ErrStopped is returned by Run after its Stop channel was closed. The last batch is committed.
var ErrStopped = errors.New("the filling was stopped after a batch")

// NoProgressError reports that updates of rows that no other transaction holds have no effect.
type NoProgressError struct {
	Table   string // schema.table
	Rows    int64
	Causes  []string // the triggers and rules on UPDATE
	Replica bool     // ordinary triggers were disabled
}

func (e *NoProgressError) Error() string {
	cause := "the catalogue shows no cause"
	if len(e.Causes) > 0 {
		cause = "on UPDATE it has " + strings.Join(e.Causes, ", ")
	}
	return fmt.Sprintf("updating %s of %s has no effect although no other transaction holds them: %s", plural(e.Rows, "row", "rows"), e.Table, cause)
}

// NoProgress returns the error for so many rows that were locked and updated and have no value, with the triggers and rules
// that may be the cause.
func (e *Engine) NoProgress(rows int64) error {
	found := &NoProgressError{Table: e.Name().String(), Rows: rows, Replica: e.Replica}
	for _, name := range e.Table.FiringTriggers(e.Column, e.Replica) {
		found.Causes = append(found.Causes, "the trigger "+name)
	}
	for _, r := range e.Table.Rules {
		if r.OnUpdate {
			found.Causes = append(found.Causes, "the rule "+r.Name)
		}
	}
	return found
}

// BatchError is a server's error with the rows of the batch that failed.
type BatchError struct {
	RowsQuery string // returns the ctids of the rows in one column; it reads no more rows than the batch had
	Err       error
}

func (e *BatchError) Error() string { return e.Err.Error() }

// Unwrap returns the server's error.
func (e *BatchError) Unwrap() error { return e.Err }

// WrapBatchError adds the query of a batch's rows to an error of the server. It returns any other error unchanged.
func WrapBatchError(pick string, err error) error {
	if _, ok := errors.AsType[*pgconn.PgError](err); !ok {
		return err
	}
	return &BatchError{RowsQuery: pick, Err: err}
}

// HeldError reports that other transactions held rows for longer than Job.RetryTimeout.
type HeldError struct {
	Table   string // schema.table
	Rows    int64
	Timeout time.Duration
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("other transactions held %s of %s for %s", plural(e.Rows, "row", "rows"), e.Table, e.Timeout)
}

// NullsError reports that another session keeps writing NULL into the column.
type NullsError struct {
	Table, Column string // schema.table
	Sweeps        int
	Rows          int64 // without a value at the last count
}

func (e *NullsError) Error() string {
	return fmt.Sprintf("another session keeps writing NULL into %s of %s: %s without a value after %s",
		e.Column, e.Table, plural(e.Rows, "row", "rows"), plural(int64(e.Sweeps), "sweep", "sweeps"))
}

// response says how to continue after a batch failed.
type response int

const (
	fatal     response = iota
	retry              // run the same batch again
	shrink             // run a smaller batch
	reconnect          // run the same batch on another connection
)

func responseTo(err error) response {
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, ErrBusy):
		return retry
	case pg.Lost(err): // includes idle_in_transaction_session_timeout: a machine that was suspended needs no smaller batch
		return reconnect
	case !errors.As(err, &pgErr):
		return fatal
	}
	switch pgErr.Code {
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected, pgerrcode.LockNotAvailable:
		return retry
	case pgerrcode.QueryCanceled, "25P04": // transaction_timeout, PostgreSQL 17 and later
		return shrink
	}
	return fatal
}
