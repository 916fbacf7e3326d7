package run

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// rowError is a batch that the server refuses for one of its rows.
type rowError struct {
	target step.Target
	table  catalog.Table
	row    message.RefusedRow
	breaks bool // the uuid itself is what the row has no place for: the application's writes fail with it
	err    error
}

func (e *rowError) Error() string { return e.target.String() + ": " + e.row.Says }
func (e *rowError) Unwrap() error { return e.err }

// refusedRow finds the row behind the error of a batch; nil where the error is of another kind.
func (e *Executor) findRefusedRow(ctx context.Context, t step.Target, table catalog.Table, err error) *rowError {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !concernsRow(serverErr) {
		return nil
	}
	found := &rowError{target: t, table: table, err: err, row: message.RefusedRow{Says: withoutValues(serverErr), Cause: err}}
	found.breaks = serverErr.Code == pgerrcode.ProgramLimitExceeded
	batch, ok := errors.AsType[*backfill.BatchError](err)
	if !ok {
		return found
	}
	s := rowSearch{executor: e, target: t, code: serverErr.Code, checkpoints: e.checkpoints(table, t)}
	address, err := s.find(ctx, batch.RowsQuery)
	if err != nil || address == "" {
		return found
	}
	found.row.Own = s.fails(ctx, []string{address}, sqltext.Format("{}", sqltext.Name(t.Column)))
	found.breaks = found.breaks || !found.row.Own
	found.row.Row, found.row.Look = s.describe(ctx, table, address)
	return found
}

// aboutRows reports whether an error may be about a row of the batch: about values, a constraint, a limit, or raised
// by a function that the UPDATE runs. What is wrong with the server, the session or the table itself is not.
func concernsRow(e *pgconn.PgError) bool {
	const class = 2
	if len(e.Code) < class {
		return false
	}
	switch e.Code[:class] {
	case "21", "22", "23", "2F", "38", "39", "44", "54", "P0", "XX":
		return true
	case "0A", "26", "34", "3D", "3F", "42":
		return strings.Contains(e.Where, "function ")
	default:
		return false
	}
}

// says is what the server says, without values of the row's: those are in the detail, in the messages of
// conversions and in what functions raise.
func withoutValues(e *pgconn.PgError) string {
	text := "SQLSTATE " + e.Code
	if class := e.Code[:2]; class == "23" || class == "54" {
		text = e.Message + " (" + text + ")"
	}
	if in := regexp.MustCompile(`function ("?[^\s(]+"?)\(`).FindStringSubmatch(e.Where); in != nil {
		text += ", in function " + in[1]
	}
	return text
}

// narrowing finds the row for which a batch fails, by trying halves of it in transactions that are rolled back.
type rowSearch struct {
	executor    *Executor
	target      step.Target
	code        string
	checkpoints backfill.Checkpoints // nil without a lease
}

// errBack rolls a trial back.
var errRollback = errors.New("a trial, rolled back")

// row returns the address of a row that fails by itself; "" where none does.
func (s rowSearch) find(ctx context.Context, pick string) (string, error) {
	var all []string
	err := s.inTrial(ctx, func(tx pg.Tx) error {
		found, err := tx.Query(ctx, "SELECT picked.ctid::text FROM ("+pick+") AS picked(ctid)")
		if err == nil {
			all, err = pgx.CollectRows(found, pgx.RowTo[string])
		}
		return errors.Join(err, errRollback)
	})
	if !errors.Is(err, errRollback) {
		return "", err
	}
	const value = "gen_random_uuid()"
	for len(all) > 1 {
		if half := all[:len(all)/2]; s.fails(ctx, half, value) {
			all = half
		} else {
			all = all[len(all)/2:]
		}
	}
	if len(all) == 0 || !s.fails(ctx, all, value) {
		return "", nil
	}
	return all[0], nil
}

// fails reports whether an UPDATE of the free ones among some rows fails as the batch did.
func (s rowSearch) fails(ctx context.Context, rows []string, value string) bool {
	sql := sqltext.Format("UPDATE ONLY {} SET {} = ", s.target.Name(), sqltext.Name(s.target.Column)) + value +
		sqltext.Format(" WHERE ctid = ANY (ARRAY (SELECT ctid FROM ONLY {} WHERE ctid = ANY ($1::text[]::tid[]) AND {} IS NULL FOR NO KEY UPDATE SKIP LOCKED))",
			s.target.Name(), sqltext.Name(s.target.Column))
	err := s.inTrial(ctx, func(tx pg.Tx) error {
		_, err := tx.Exec(ctx, sql, rows)
		return errors.Join(err, errRollback)
	})
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && serverErr.Code == s.code
}

// within runs a trial with the settings and the guard of a batch.
func (s rowSearch) inTrial(ctx context.Context, work func(pg.Tx) error) error {
	w := backfill.Work{Pace: s.executor.Pace, Replica: s.executor.Plan.Server.Role.ReplicaRole}
	return pg.Run(ctx, s.executor.Pool, w.BatchSettings(backfill.MinStatementTimeout), func(tx pg.Tx) error {
		if s.checkpoints != nil {
			if err := s.checkpoints.Guard(ctx, tx); err != nil {
				return err
			}
		}
		return work(tx)
	})
}

// name is a row for people: its key where that is of integers and uuids, which are no personal data, else its
// address; and a query that shows it.
func (s rowSearch) describe(ctx context.Context, table catalog.Table, address string) (name, query string) {
	name = "at ctid " + address
	query = sqltext.Format("SELECT * FROM {} WHERE ctid = {}", s.target.Rows(), sqltext.Value(address))
	key := table.OrderKey(s.target.Column)
	isPublic := func(column string) bool {
		return slices.Contains([]string{"smallint", "integer", "bigint", "uuid"}, table.Column(column).Plain())
	}
	if key == nil || slices.ContainsFunc(key, func(column string) bool { return !isPublic(column) }) {
		return name, query
	}
	columns := make([]string, len(key))
	for i, column := range key {
		columns[i] = sqltext.Format("{}::text", sqltext.Name(column))
	}
	var values []string
	err := s.inTrial(ctx, func(tx pg.Tx) error {
		return tx.QueryRow(ctx, "SELECT ARRAY["+strings.Join(columns, ", ")+sqltext.Format("] FROM ONLY {} WHERE ctid = {}", s.target.Name(), sqltext.Value(address))).Scan(&values)
	})
	if err != nil {
		return name, query
	}
	parts, where := make([]string, len(key)), make([]string, len(key))
	for i, column := range key {
		parts[i] = column + " = " + values[i]
		where[i] = sqltext.Format("{} = {}", sqltext.Name(column), sqltext.Value(values[i]))
	}
	return strings.Join(parts, ", "), sqltext.Format("SELECT * FROM {} WHERE ", s.target.Rows()) + strings.Join(where, " AND ")
}

// giveUp takes back from a table with such a row what would break the application's writes. Without a profile the
// other tables go on; with one the run ends.
func (e *Executor) revertTable(ctx context.Context, g plan.Group, st *groupState, found *rowError) error {
	if found.breaks {
		var err error
		if found.row.Back, err = e.revertColumn(ctx, g, st); err != nil {
			return err
		}
	}
	found.row.Profile = !g.Target.KeepsMark
	why := message.RowRefused(found.target.String(), found.row)
	if !g.Target.KeepsMark {
		return why
	}
	e.skip(g, why)
	return errSkipped
}

// takeBack takes the column away, where this run has made it: no run has ever said that it is whole. A column
// that was there before up is given back as it was found. One that an earlier run has made may be in use: it loses
// its default alone, where that is rekey's.
func (e *Executor) revertColumn(ctx context.Context, g plan.Group, st *groupState) (string, error) {
	st.invalidate()
	view, err := st.view(ctx, g.Steps[0])
	if err != nil {
		return "", err
	}
	planned := e.Plan.Schema.Relation(g.Table)
	origin, _ := g.Target.Read(view.Table)
	if planned.Column(g.Target.Column) == nil || origin == step.Found {
		if err := e.deleteTreeProgress(ctx, view.Table); err != nil {
			return "", err
		}
		done := "The column that this run had added was taken away again"
		if origin == step.Found {
			done = "The column has again the default that it was found with; values that were filled stay"
		}
		return done + ", so that the application's writes go on as before.", e.undo(ctx, g)
	}
	c := view.Table.Column(g.Target.Column)
	if origin != step.Made || c == nil || !g.Target.HasDefault(c) {
		return "", nil
	}
	drop := sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", g.Target.Name(), sqltext.Name(c.Name))
	return "The column's default was taken away, so that the application's inserts need no room for it; the column was there before this run and stays.",
		e.applyChange(ctx, g, step.Change{Table: g.Target.Relation(), Exclusive: true, Statements: []string{drop}})
}

// undo takes a group back as down would.
func (e *Executor) undo(ctx context.Context, g plan.Group) error {
	done := *e
	done.Plan.Direction = plan.Down
	g.Steps = slices.Clone(g.Steps)
	slices.Reverse(g.Steps)
	return done.runSteps(ctx, g, &groupState{executor: &done, group: g})
}
