package backfill

import (
	"context"
	"strings"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Statement is a writer by which the server computes each value. Its SQL must qualify names, because search_path is pg_catalog.
type Statement struct {
	value   string // SQL expression of a row's value
	pending string // SQL condition of rows that are still to do, in addition to having no value; "" for none
	likely  string // a cheaper condition, which nearly only such rows meet
	orphans string // SQL condition of rows that have no value and cannot get one, likewise
	key     string // SQL expression of what such a row refers to
	setting bool   // sets rekey.fill, by which the triggers of an edge recognise the filling
}

// SQL returns the expression of a row's value, the condition of rows that are still to do, and a cheaper condition, which nearly
// only such rows meet. They are in addition to having no value, and call the table t.
func (s Statement) SQL() (value, pending, likely string) { return s.value, s.pending, s.likely }

// alias is the name of the table in the statements of a job.
const alias sqltext.Name = "t"

// Expression writes the value of an SQL expression, evaluated once per row.
func Expression(sql string) Statement { return Statement{value: sql} }

// Parent is the table from which a job takes its values. The child's rows refer to its rows.
type Parent struct {
	Table sqltext.Table
	UUID  string // the parent's uuid column
	// Complete says that a validated foreign key and NOT NULL promise a uuid for every row that refers to one. It saves a
	// look-up of each row. If a row refers to no uuid all the same, the filling updates it without a value.
	Complete bool
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
func Join(p Parent) Statement {
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
	likely := all
	if !p.Complete {
		likely += " AND " + value + " IS NOT NULL"
	}
	return Statement{
		likely: likely, value: value, pending: all + " AND " + value + " IS NOT NULL", orphans: all + " AND " + value + " IS NULL",
		key: "concat_ws(', ', " + strings.Join(keys, ", ") + ")", setting: true,
	}
}

// statementMethod fills a table in place: regions in waves, then sweeps.
type statementMethod struct {
	*Engine
	writer      Statement
	sql         statements
	choice      Choice
	ranges      partitioner // of the waves
	sweepRanges partitioner // of the sweeps
	inPlace     inPlace
	vacuums     vacuums
	orphans     orphans // in the last sweep
}

// Method implements [Writer].
func (s Statement) Method(_ context.Context, e *Engine) (Method, error) { return s.method(e), nil }

func (s Statement) method(e *Engine) *statementMethod {
	m := &statementMethod{Engine: e, writer: s, sql: s.statements(e.Job), choice: Explain(e.Server, e.Table, e.Column)}
	m.ranges, m.sweepRanges = newPartitioner(m.choice, m.sql), newSweepPartitioner(m.choice, m.sql)
	return m
}

// Once implements [Method].
func (m *statementMethod) Once(ctx context.Context, tx pg.Tx) (filled int64, done bool, err error) {
	tag, err := tx.Exec(ctx, m.sql.fill("true", granularity, maxRows))
	if err != nil {
		return 0, false, WrapBatchError(m.sql.lockRows("true", granularity, maxRows), err)
	}
	left, err := m.count(ctx, tx, unsplit{}, tableRange{})
	m.orphans = left.orphans
	return tag.RowsAffected(), left.rows == 0, err
}

// Begin implements [Method]: it fills nearly all rows.
func (m *statementMethod) Begin(ctx context.Context) error {
	if m.Table.Pages <= tinyPages {
		return nil
	}
	return m.regions(ctx)
}

// Pass implements [Method].
func (m *statementMethod) Pass(ctx context.Context) (found int64, err error) {
	total, err := m.sweep(ctx)
	return total.rows, err
}

// End implements [Method].
func (m *statementMethod) End(context.Context) error { return nil }

// Complete implements [Method].
func (m *statementMethod) Complete(r *Result) {
	r.InPlace, r.Choice, r.Orphans, r.OrphanKeys = m.inPlace.share(), m.choice, m.orphans.rows, m.orphans.keys
}

// transaction runs a transaction that is not a batch and has its settings.
func (m *statementMethod) transaction(ctx context.Context, work func(pg.Tx) error) error {
	return m.Transaction(ctx, m.Settings, work)
}
