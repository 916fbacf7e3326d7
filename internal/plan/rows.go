package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// refuseRows refuses a table with constraints that are not validated: an UPDATE of a row that violates one fails. An
// UPDATE checks neither foreign keys whose columns it does not change nor domains.
func refuseRows(t step.Target, table *catalog.Table) problem.List {
	var found problem.List
	for i := range table.Constraints {
		c := &table.Constraints[i]
		if expression, ok := unvalidated(c); ok && !provesNotNull(c, t.Column) {
			found = append(found, message.Unvalidated(t.String(), t.Relation(), c.Name, "CHECK",
				sqltext.Format("SELECT count(*) FROM {} WHERE NOT ", t.Rows())+expression))
		}
	}
	for _, c := range table.Columns {
		if c.Unproved && c.Name != t.Column {
			found = append(found, message.Unvalidated(t.String(), t.Relation(), c.UnprovedBy, "NOT NULL",
				sqltext.Format("SELECT count(*) FROM {} WHERE {} IS NULL", t.Rows(), sqltext.Name(c.Name))))
		}
	}
	return found
}

// unvalidated returns the condition, in parentheses, of a CHECK that existing rows may violate. A CHECK that is NOT
// ENFORCED (18 and later) rejects no row.
func unvalidated(c *catalog.Constraint) (expression string, ok bool) {
	if c.Kind != "c" || c.Validated || strings.HasSuffix(c.Definition, " NOT ENFORCED") {
		return "", false
	}
	expression = strings.TrimPrefix(c.Definition, "CHECK ")
	for _, end := range []string{" NOT VALID", " NO INHERIT"} {
		expression = strings.TrimSuffix(expression, end)
	}
	return expression, true
}

const (
	maxTuple     = 8160 // bytes of the largest row: MaxHeapTupleSize for pages of 8 kB
	tupleHeader  = 23   // bytes before the null bitmap
	maxAlignment = 8    // the alignment of header and row
	uuidBytes    = 16
)

// width returns the size in bytes of a row with values in the given columns. A value of varying length counts as one byte,
// the smallest there is.
func width(columns []catalog.Column, attributes int, nulls bool) int {
	at := tupleHeader
	if nulls {
		at += (attributes + 7) / 8
	}
	at = aligned(at, maxAlignment)
	for _, c := range columns {
		if c.Length < 0 {
			at++
			continue
		}
		at = aligned(at, c.Alignment) + c.Length
	}
	return aligned(at, maxAlignment)
}

func aligned(at, to int) int {
	to = max(to, 1)
	return (at + to - 1) / to * to
}

// rowOverflow reports whether rows of a table become too large for a page with a uuid, or with the null bitmap that a row
// without one needs, so that the application's writes would fail after ADD COLUMN: always for every row, or only full ones,
// which have a value in every column.
func rowOverflow(t step.Target, table *catalog.Table) (always, full bool) {
	if table.Column(t.Column) != nil {
		return false, false
	}
	dropped := table.Attributes > len(table.Columns)
	var required []catalog.Column
	for _, c := range table.Columns {
		if c.NotNull {
			required = append(required, c)
		}
	}
	overflows := func(columns []catalog.Column) bool {
		nulls := dropped || len(columns) < len(table.Columns)
		with := slices.Concat(columns, []catalog.Column{{Length: uuidBytes, Alignment: 1}})
		return max(width(with, table.Attributes+1, nulls), width(columns, table.Attributes+1, true)) > maxTuple
	}
	always = overflows(required)
	return always, !always && overflows(table.Columns)
}

// refuseWidth refuses a table in which every row would overflow its page.
func refuseWidth(t step.Target, table *catalog.Table) problem.List {
	if always, _ := rowOverflow(t, table); !always {
		return nil
	}
	return problem.List{message.RowTooWide(t.String())}
}

// widthNotes returns a note for each table in which only full rows would overflow their page.
func widthNotes(p Plan) []string {
	var lines []string
	for _, g := range p.Targets() {
		for _, t := range p.Fills(g) {
			if _, full := rowOverflow(t, p.Table(g, t)); p.Direction == Up && full {
				lines = append(lines, fmt.Sprintf("%s: a row with a value in every column is too large for a uuid to fit on its page. To count such rows: "+
					"SELECT count(*) FROM %s AS t WHERE pg_column_size(t.*) > %d. If the run finds one, it drops the column and skips the table.",
					t, sqltext.Format("{}", t.Rows()), maxTuple-2*uuidBytes))
			}
		}
	}
	return lines
}
