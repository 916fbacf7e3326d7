package throttle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// readQuery runs the user's throttle query, read-only and for at most a second.
func (w *Watch) readQuery(ctx context.Context) (reason string, err error) {
	err = w.query(ctx, func(tx pg.Tx) error {
		reason, err = queryReason(ctx, tx, w.limits.Query)
		return rollBack(err)
	})
	return reason, ignoreRollBack(err)
}

// errRollBack makes a transaction roll back after the query succeeded, so that the query leaves nothing behind.
var errRollBack = errors.New("the throttle query was answered")

func rollBack(err error) error {
	if err == nil {
		return errRollBack
	}
	return err
}

func ignoreRollBack(err error) error {
	if errors.Is(err, errRollBack) {
		return nil
	}
	return err
}

// queryReason returns the reason to pause that the query returns in the only column of its first row, a boolean or text. No
// row, NULL, false and an empty text are no reason.
//
// Anything but a single query is rejected without being sent. The query runs by the extended protocol, which accepts one
// statement only, in a READ ONLY transaction that is rolled back.
func queryReason(ctx context.Context, tx pg.Tx, sql string) (string, error) {
	if why := sqltext.CheckQuery(sql); why != "" {
		return "", &resultError{why}
	}
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	fields := rows.FieldDescriptions()
	if len(fields) != 1 {
		rows.Close()
		if err := rows.Err(); err != nil {
			return "", err
		}
		return "", &resultError{fmt.Sprintf("it returns %d columns instead of one", len(fields))}
	}
	if !rows.Next() {
		return "", rows.Err()
	}
	var reason string
	switch fields[0].DataTypeOID {
	case pgtype.BoolOID:
		var yes *bool
		if err := rows.Scan(&yes); err != nil || yes == nil || !*yes {
			return "", err
		}
		reason = "the throttle query returned true"
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.UnknownOID:
		var text *string
		if err := rows.Scan(&text); err != nil || text == nil || *text == "" {
			return "", err
		}
		reason = "the throttle query returned: " + visible.Truncate(visible.Line(*text), maxAnswer)
	default:
		return "", &resultError{"it returns neither a boolean nor a text"}
	}
	rows.Close()
	return reason, rows.Err()
}

// maxAnswer is how much of a returned text is shown, in characters.
const maxAnswer = 200

// resultError reports a query or a result that cannot be used.
type resultError struct{ text string }

func (e *resultError) Error() string { return e.text }

// readFile reports whether the throttle file exists.
func (w *Watch) readFile(context.Context) (string, error) { return fileReason(w.limits.File) }

func fileReason(name string) (string, error) {
	_, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	default:
		return "the throttle file " + visible.Path(name) + " exists", nil
	}
}
