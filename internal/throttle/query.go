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
func (w *Watch) readQuery(ctx context.Context) (reason string, err error) {
	err = w.query(ctx, func(tx pg.Tx) error {
		reason, err = queryReason(ctx, tx, w.limits.Query)
		return rollBack(err)
	})
	return reason, ignoreRollBack(err)
}

// errAnswered rolls the transaction of a question back that was answered: whatever it did is undone.
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

// answer reads one boolean or text of the first row; no row, NULL, false and an empty text are no
// objection.
//
// What is more than one query is not even sent. It is executed by the extended protocol, which takes no second
// statement, in a transaction that is READ ONLY and rolled back.
func queryReason(ctx context.Context, tx pg.Tx, sql string) (string, error) {
	if why := sqltext.Question(sql); why != "" {
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
		return "", &resultError{fmt.Sprintf("it returns %d columns, and one is wanted", len(fields))}
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
		reason = "the throttle query says so"
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID, pgtype.UnknownOID:
		var text *string
		if err := rows.Scan(&text); err != nil || text == nil || *text == "" {
			return "", err
		}
		reason = "the throttle query says: " + visible.Cut(visible.Line(*text), maxAnswer)
	default:
		return "", &resultError{"it returns neither a boolean nor a text"}
	}
	rows.Close()
	return reason, rows.Err()
}

// mostAnswer is how much of an answer is repeated, in characters.
const maxAnswer = 200

// shapeError is an answer that cannot be read.
type resultError struct{ text string }

func (e *resultError) Error() string { return e.text }

// flag looks for the file.
func (w *Watch) readFile(context.Context) (string, error) { return fileReason(w.limits.File) }

func fileReason(name string) (string, error) {
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
