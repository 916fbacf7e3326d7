package throttle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/rekey-pg/rekey/internal/pg"
)

// ask puts the user's own question. It can change nothing and is ended after a second.
func (w *Watch) ask(ctx context.Context) (reason string, err error) {
	err = w.query(ctx, func(tx pg.Tx) error {
		reason, err = answer(ctx, tx, w.limits.Query)
		return err
	})
	return reason, err
}

// answer reads one boolean or text of the first row; no row, NULL, false and an empty text are no
// objection.
func answer(ctx context.Context, tx pg.Tx, sql string) (string, error) {
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
		return "", &shapeError{fmt.Sprintf("it returns %d columns, and one is wanted", len(fields))}
	}
	if !rows.Next() {
		return "", rows.Err()
	}
	var said string
	switch fields[0].DataTypeOID {
	case pgtype.BoolOID:
		var yes *bool
		if err := rows.Scan(&yes); err != nil || yes == nil || !*yes {
			return "", err
		}
		said = "the throttle query says so"
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.UnknownOID:
		var text *string
		if err := rows.Scan(&text); err != nil || text == nil || *text == "" {
			return "", err
		}
		said = "the throttle query says: " + *text
	default:
		return "", &shapeError{"it returns neither a boolean nor a text"}
	}
	rows.Close()
	return said, rows.Err()
}

// shapeError is an answer that cannot be read.
type shapeError struct{ text string }

func (e *shapeError) Error() string { return e.text }

// flag looks for the file.
func (w *Watch) flag(context.Context) (string, error) { return flagged(w.limits.File) }

func flagged(name string) (string, error) {
	_, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	default:
		return "the file " + name + " is there", nil
	}
}
