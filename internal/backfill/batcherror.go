package backfill

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// BatchError says which rows the statement that failed was about.
type BatchError struct {
	RowsQuery string // a query of one column, the rows' addresses; it reads no more rows than the batch had
	Err       error
}

func (e *BatchError) Error() string { return e.Err.Error() }

// Unwrap gives the server's error.
func (e *BatchError) Unwrap() error { return e.Err }

// Within adds to an error of the server's the rows of the batch.
func WrapBatchError(pick string, err error) error {
	if _, ok := errors.AsType[*pgconn.PgError](err); !ok {
		return err
	}
	return &BatchError{RowsQuery: pick, Err: err}
}
