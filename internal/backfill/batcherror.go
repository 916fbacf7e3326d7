package backfill

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

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
