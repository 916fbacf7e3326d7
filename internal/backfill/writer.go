package backfill

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Writer says which rows of a table are still to do, and which value the server writes into each. Its SQL must qualify names,
// because search_path is pg_catalog.
type Writer struct {
	value   string // SQL expression of a row's value
	pending string // SQL condition of rows that are still to do, in addition to having no value; "" for none
	orphans string // SQL condition of rows that have no value and cannot get one, likewise
	key     string // SQL expression of what such a row refers to
	setting bool   // sets rekey.fill, by which the triggers of an edge recognise the filling
}

// alias is the name of the table in the statements of a job.
const alias sqltext.Name = "t"

// Expression writes the value of an SQL expression, evaluated once per row.
func Expression(sql string) Writer { return Writer{value: sql} }

// Parent is the table from which a job takes its values: those of the rows that the child's rows refer to.
type Parent struct {
	Table sqltext.Table
	UUID  string // the parent's uuid column
	// Keys are the columns that refer to the parent, and the parent's columns with a unique index that they refer to.
	Keys []KeyPair
}

// KeyPair is a column of the child and the column of the parent that it refers to.
type KeyPair struct{ Child, Parent string }

// Join writes the uuid of a row's parent. The server looks it up by the key that the row has when it is written, under the
// row's lock and in the same statement: a value that was read before could undo a change of the key. Rows that refer to no
// row with a uuid stay as they are.
//
// The triggers that keep both columns equal must exist, so that every later write of the key sets the uuid.
func Join(p Parent) Writer {
	const parent sqltext.Name = "p"
	var equal, refers, keys []string
	for _, k := range p.Keys {
		child := sqltext.Format("{}.{}", alias, sqltext.Name(k.Child))
		equal = append(equal, sqltext.Format("{}.{} = ", parent, sqltext.Name(k.Parent))+child)
		refers = append(refers, child+" IS NOT NULL")
		keys = append(keys, child+"::text")
	}
	// A scalar subquery looks up each row by the parent's index; the planner could turn a join into a scan of the parent.
	value := sqltext.Format("(SELECT {}.{} FROM {} AS {} WHERE ", parent, sqltext.Name(p.UUID), p.Table, parent) + strings.Join(equal, " AND ") + ")"
	all := strings.Join(refers, " AND ")
	return Writer{
		value: value, pending: all + " AND " + value + " IS NOT NULL", orphans: all + " AND " + value + " IS NULL",
		key: "concat_ws(', ', " + strings.Join(keys, ", ") + ")", setting: true,
	}
}
