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

// ask puts the user's own question. It can change nothing and is ended after a second.
func (w *Watch) ask(ctx context.Context) (reason string, err error) {
	err = w.query(ctx, func(tx pg.Tx) error {
		reason, err = answer(ctx, tx, w.limits.Query)
		return undone(err)
	})
	return reason, answered(err)
}

// errAnswered rolls the transaction of a question back that was answered: whatever it did is undone.
var errAnswered = errors.New("the throttle query was answered")

func undone(err error) error {
	if err == nil {
		return errAnswered
	}
	return err
}

func answered(err error) error {
	if errors.Is(err, errAnswered) {
		return nil
	}
	return err
}

// answer reads one boolean or text of the first row; no row, NULL, false and an empty text are no
// objection.
//
// What is more than one query is not even sent. It is executed by the extended protocol, which takes no second
// statement, in a transaction that is READ ONLY and rolled back.
func answer(ctx context.Context, tx pg.Tx, sql string) (string, error) {
	if why := sqltext.Question(sql); why != "" {
		return "", &shapeError{why}
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
		said = "the throttle query says: " + visible.Cut(visible.Line(*text), mostAnswer)
	default:
		return "", &shapeError{"it returns neither a boolean nor a text"}
	}
	rows.Close()
	return said, rows.Err()
}

// mostAnswer is how much of an answer is repeated, in characters.
const mostAnswer = 200

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
		return "the file " + visible.Path(name) + " is there", nil
	}
}
