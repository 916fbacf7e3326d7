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

// ErrStopped tells that Run was asked to leave and left between two batches.
var ErrStopped = errors.New("the filling was stopped between two batches")

// NoProgressError tells that updates of rows which nobody holds change nothing.
type NoProgressError struct {
	Table   string // schema.table
	Rows    int64
	Causes  []string // the triggers and rules on UPDATE
	Replica bool     // whether ordinary triggers were off
}

func (e *NoProgressError) Error() string {
	cause := "nothing on it explains why"
	if len(e.Causes) > 0 {
		cause = "on UPDATE it has " + strings.Join(e.Causes, ", ")
	}
	return fmt.Sprintf("an UPDATE of %s of %s changes nothing, and nobody else holds them: %s", plural(e.Rows, "row", "rows"), e.Table, cause)
}

// NoProgress says that so many rows were locked, updated and have no value still, and names what may have swallowed that.
func (w Work) NoProgress(rows int64) error {
	e := &NoProgressError{Table: w.Target.String(), Rows: rows, Replica: w.Replica}
	for _, name := range w.Table.Firing(w.Target.Column, w.Replica) {
		e.Causes = append(e.Causes, "the trigger "+name)
	}
	for _, r := range w.Table.Rules {
		if r.OnUpdate {
			e.Causes = append(e.Causes, "the rule "+r.Name)
		}
	}
	return e
}

// HeldError tells that rows were held by others for longer than they are waited for.
type HeldError struct {
	Table   string // schema.table
	Rows    int64
	Timeout time.Duration
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("other transactions held %s of %s for %s", plural(e.Rows, "row", "rows"), e.Table, e.Timeout)
}

// NullsError tells that somebody goes on writing NULL into the column.
type NullsError struct {
	Table, Column string // schema.table
	Sweeps        int
	Rows          int64 // without a value when they were last counted
}

func (e *NullsError) Error() string {
	return fmt.Sprintf("after %s over %s somebody still writes NULL into %s: %s in the last one",
		plural(int64(e.Sweeps), "sweep", "sweeps"), e.Table, e.Column, plural(e.Rows, "row", "rows"))
}

// kind says what an error of a batch asks for.
type response int

const (
	fatal     response = iota
	retry              // another try of the same
	shrink             // a smaller batch
	reconnect          // another connection
)

func responseTo(err error) response {
	var pgErr *pgconn.PgError
	switch {
	case errors.Is(err, ErrBusy):
		return retry
	case pg.Lost(err): // a transaction that was idle for too long, too: a paused machine makes no batch too large
		return reconnect
	case !errors.As(err, &pgErr):
		return fatal
	}
	switch pgErr.Code {
	case pgerrcode.SerializationFailure, pgerrcode.DeadlockDetected, pgerrcode.LockNotAvailable:
		return retry
	case pgerrcode.QueryCanceled, "25P04": // transaction_timeout, 17 and later
		return shrink
	}
	return fatal
}
