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

// refuseRows finds what the catalogue shows about rows that an UPDATE cannot write again: constraints that are
// not validated. An UPDATE does not check a foreign key again whose columns it leaves alone, nor a domain.
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

// unvalidated returns the condition of a CHECK, in parentheses, that holds for new rows and perhaps not for all. One
// that is NOT ENFORCED (18 and later) holds for none, and keeps no row from being updated.
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
	maxTuple     = 8160 // bytes of a row on its page: MaxHeapTupleSize of pages of 8 kB
	tupleHeader  = 23   // bytes before the null bitmap
	maxAlignment = 8    // the alignment of header and row
	uuidBytes    = 16
)

// width is the size in bytes of a row whose given columns have values; a varying value has the least that one can.
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

// cramped says that rows of a table have no room for a uuid, or for the null bitmap that a row without one
// needs: the application's own writes would fail from ADD COLUMN on. Sure is of every row; else it is of those
// that have a value in every column.
func rowOverflow(t step.Target, table *catalog.Table) (sure, full bool) {
	if table.Column(t.Column) != nil {
		return false, false
	}
	gone := table.Attributes > len(table.Columns)
	var required []catalog.Column
	for _, c := range table.Columns {
		if c.NotNull {
			required = append(required, c)
		}
	}
	grown := func(columns []catalog.Column) bool {
		nulls := gone || len(columns) < len(table.Columns)
		with := slices.Concat(columns, []catalog.Column{{Length: uuidBytes, Alignment: 1}})
		return max(width(with, table.Attributes+1, nulls), width(columns, table.Attributes+1, true)) > maxTuple
	}
	sure = grown(required)
	return sure, !sure && grown(table.Columns)
}

// refuseWidth refuses a table whose rows are sure to have no room.
func refuseWidth(t step.Target, table *catalog.Table) problem.List {
	if sure, _ := rowOverflow(t, table); !sure {
		return nil
	}
	return problem.List{message.RowTooWide(t.String())}
}

// widthNotes names the tables in which only some rows may have no room.
func widthNotes(p Plan) []string {
	var lines []string
	for _, g := range p.Targets() {
		for _, t := range p.Fills(g) {
			if _, full := rowOverflow(t, p.Table(g, t)); p.Direction == Up && full {
				lines = append(lines, fmt.Sprintf("%s: a row with a value in every column has no room for a uuid on its page. Rows near that: "+
					"SELECT count(*) FROM %s AS t WHERE pg_column_size(t.*) > %d; if the run meets one it takes the column back and leaves the table.",
					t, sqltext.Format("{}", t.Rows()), maxTuple-2*uuidBytes))
			}
		}
	}
	return lines
}
