package message

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/problem"
)

// Unvalidated returns the refusal of a table with a NOT VALID constraint. Every UPDATE checks it and fails for a row
// that violates it. Count is a query that counts such rows.
func Unvalidated(table, quoted, constraint, kind, count string) *problem.Problem {
	return refused("unvalidated_constraint", table, fmt.Sprintf("%s constraint %s of %s is not validated", kind, constraint, table),
		"Every UPDATE checks it. Neither rekey nor the application can update a row that violates it.",
		fmt.Sprintf("Count such rows: %s; Correct them and run: ALTER TABLE %s VALIDATE CONSTRAINT %s; Afterwards run the same command again.",
			count, quoted, sqltext.Ident(constraint)))
}

// RowTooWide returns the refusal of a table whose rows have no space for a uuid.
func RowTooWide(table string) *problem.Problem {
	return refused("row_too_wide", table, fmt.Sprintf("rows of %s have no space for a uuid", table),
		"A row has at most 8,160 bytes on its page. The NOT NULL columns leave fewer than 16 bytes, or too few for a null bitmap. "+
			"After ADD COLUMN the application's own writes would fail.",
		"Move some columns to another table, "+again)
}

// RejectedRow describes a row that cannot be updated.
type RejectedRow struct {
	Row            string // its key or its address, or "" if it was not found
	Query          string // selects it, or ""
	ServerMessage  string // without values of the row
	FailsUnchanged bool   // an UPDATE that changes nothing fails, too
	Undone         string // a sentence about changes that were undone so that the application can write, or ""
	Profile        bool   // the run has a profile and ends with this problem
	Cause          error
}

// RowRejected returns the problem of a table with a row that the server does not update.
func RowRejected(table string, r RejectedRow) *problem.Problem {
	message := "could not update a row of " + table
	if r.Row != "" {
		message = fmt.Sprintf("could not update row %s of %s", r.Row, table)
	}
	detail := reported(r.ServerMessage)
	switch {
	case r.FailsUnchanged:
		detail += " An UPDATE of the row that changes nothing fails in the same way."
	case r.Row != "":
		detail += " An UPDATE of the row that leaves its uuid NULL succeeds."
	}
	if r.Undone == "" {
		r.Undone = "Rows filled before are kept."
	}
	detail += " " + r.Undone
	if !r.Profile {
		detail += " The other tables were migrated."
	}
	hint := "Correct the row, " + again
	if r.Query != "" {
		hint = "Inspect the row: " + strings.TrimSuffix(r.Query, ";") + "; Correct it, " + again
	}
	return &problem.Problem{Kind: problem.Stopped, Code: "row_rejected", Table: table, Step: "fill-column", Message: message, Detail: detail, Hint: hint, Cause: r.Cause}
}
