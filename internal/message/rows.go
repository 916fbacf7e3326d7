package message

import "github.com/rekey-pg/rekey/problem"

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Unvalidated is a constraint that is NOT VALID: an UPDATE checks it again, and fails for a row that was there
// before it. Count is a query of those rows.
func Unvalidated(table, quoted, constraint, kind, count string) *problem.Problem {
	return refused("unvalidated_constraint", table, fmt.Sprintf("%s constraint %s of %s is not validated", kind, constraint, table),
		"An UPDATE checks it again: a row that violates it cannot be filled, nor updated by the application.",
		fmt.Sprintf("Count such rows: %s; mend them, and run: ALTER TABLE %s VALIDATE CONSTRAINT %s; then run the same command again.",
			count, quoted, sqltext.Ident(constraint)))
}

// RowTooWide is a table whose rows have no room for a uuid.
func RowTooWide(table string) *problem.Problem {
	return refused("row_too_wide", table, fmt.Sprintf("rows of %s have no room for a uuid", table),
		"A row has at most 8,160 bytes on its page, and the columns that are NOT NULL leave fewer than 16, or too few for a null bitmap. "+
			"From ADD COLUMN on the application's own writes would fail.",
		"Move some columns to another table, then run the same command again.")
}

// RefusedRow is a row that cannot be updated.
type RejectedRow struct {
	Row     string // its key, or its address; "" where it was not found
	Query    string // a query that shows it
	ServerMessage    string // what the server says, without values of the row's
	FailsUnchanged     bool   // an UPDATE that changes nothing fails as well
	Undone    string // what was taken back so that the application's writes go on
	Profile bool   // the run ends with it
	Cause   error
}

// RowRefused is a table with a row that the server does not let be filled.
func RowRejected(table string, r RejectedRow) *problem.Problem {
	message := "a row of " + table + " cannot be updated"
	if r.Row != "" {
		message = fmt.Sprintf("row %s of %s cannot be updated", r.Row, table)
	}
	detail := "The server says: " + strings.TrimSuffix(r.ServerMessage, ".") + "."
	switch {
	case r.FailsUnchanged:
		detail += " An UPDATE that changes nothing of it fails in the same way."
	case r.Row != "":
		detail += " An UPDATE that leaves its uuid NULL succeeds."
	}
	if r.Undone == "" {
		r.Undone = "What was filled before stays."
	}
	detail += " " + r.Undone
	if !r.Profile {
		detail += " The other tables went on."
	}
	hint := "When the row is mended, run the same command again."
	if r.Query != "" {
		hint = "Look at it with: " + r.Query + "; when it is mended, run the same command again."
	}
	return &problem.Problem{Kind: problem.Stopped, Code: "row_rejected", Table: table, Step: "fill-column", Message: message, Detail: detail, Hint: hint, Cause: r.Cause}
}
