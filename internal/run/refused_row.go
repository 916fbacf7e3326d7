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
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// rowError reports a batch that the server refused because of one of its rows.
type rowError struct {
	target step.Target
	table  catalog.Table
	row    message.RejectedRow
	breaks bool // the row has no space for the uuid, so that the application's writes of it fail too
	err    error
}

func (e *rowError) Error() string { return e.target.String() + ": " + e.row.ServerMessage }
func (e *rowError) Unwrap() error { return e.err }

// findRefusedRow returns the row that caused the error of a batch; nil if the error has another cause.
func (e *Executor) findRefusedRow(ctx context.Context, t step.Target, job backfill.Job, err error) *rowError {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !concernsRow(serverErr) {
		return nil
	}
	found := &rowError{target: t, table: job.Table, err: err, row: message.RejectedRow{ServerMessage: withoutValues(serverErr), Cause: err}}
	found.breaks = serverErr.Code == pgerrcode.ProgramLimitExceeded
	batch, ok := errors.AsType[*backfill.BatchError](err)
	if !ok {
		return found
	}
	s := rowSearch{job: job, target: t, code: serverErr.Code}
	address, err := s.find(ctx, batch.RowsQuery)
	if err != nil || address == "" {
		return found
	}
	found.row.FailsUnchanged = s.fails(ctx, []string{address}, true)
	found.breaks = found.breaks || !found.row.FailsUnchanged
	found.row.Row, found.row.Query = s.describe(ctx, job.Table, address)
	return found
}

// concernsRow reports whether an error may concern a row of the batch: its values, a constraint, a limit, or an
// error raised by a function that the UPDATE calls. Errors of the server, the session or the table do not.
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

// withoutValues returns the server's message without row values, which occur in the detail, in the messages of
// conversions and in messages that functions raise.
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

// rowSearch finds the row for which a batch fails by binary search, in transactions that are rolled back.
type rowSearch struct {
	job    backfill.Job
	target step.Target
	code   string
}

// errRollback rolls a trial back.
var errRollback = errors.New("trial transaction, rolled back")

// find returns the ctid of a row that fails alone; "" if none does.
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
	for len(all) > 1 {
		if half := all[:len(all)/2]; s.fails(ctx, half, false) {
			all = half
		} else {
			all = all[len(all)/2:]
		}
	}
	if len(all) == 0 || !s.fails(ctx, all, false) {
		return "", nil
	}
	return all[0], nil
}

// fails reports whether an UPDATE of the given rows, also one that leaves the column unchanged, fails with the batch's error.
// Locked rows are skipped.
func (s rowSearch) fails(ctx context.Context, rows []string, unchanged bool) bool {
	err := s.inTrial(ctx, func(tx pg.Tx) error {
		_, err := tx.Exec(ctx, s.job.TrialSQL(unchanged), rows)
		return errors.Join(err, errRollback)
	})
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && serverErr.Code == s.code
}

// inTrial runs work with the settings and the guard of a batch.
func (s rowSearch) inTrial(ctx context.Context, work func(pg.Tx) error) error {
	return s.job.RunProtected(ctx, s.job.BatchSettings(), work)
}

// describe returns the key of a row if it consists of integers and uuids, which are no personal data, else its
// ctid; and a query that returns the row.
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

// revertTable reverts what would make the application's writes fail because of such a row. In a schema run the
// other tables continue; with a profile the run ends.
func (e *Executor) revertTable(ctx context.Context, g plan.Group, st *groupState, found *rowError) error {
	if found.breaks {
		var err error
		if found.row.Undone, err = e.revertColumn(ctx, g, st); err != nil {
			return err
		}
	}
	found.row.Profile = e.Plan.Versioned()
	why := message.RowRejected(found.target.String(), found.row)
	if e.Plan.Versioned() {
		return why
	}
	e.skip(g, why)
	return errSkipped
}

// revertColumn drops the column if this run has added it: it was never reported as complete. A column that existed
// before up gets its earlier default back. A column that an earlier run has added may be in use, so it loses only
// its default, if that is rekey's.
func (e *Executor) revertColumn(ctx context.Context, g plan.Group, st *groupState) (string, error) {
	st.invalidate()
	view, err := st.view(ctx, g.Steps[0])
	if err != nil {
		return "", err
	}
	planned := e.Plan.Schema.Named(g.Table)
	origin, _ := g.Target.Read(view.Table)
	if planned.Column(g.Target.Column) == nil || origin == step.Found {
		if err := e.deleteTreeProgress(ctx, view.Table); err != nil {
			return "", err
		}
		done := "The column that this run had added was dropped"
		if origin == step.Found {
			done = "The column has its earlier default again; filled values are kept"
		}
		return done + ", so that the application can write as before.", e.undo(ctx, g)
	}
	c := view.Table.Column(g.Target.Column)
	if origin != step.Made || c == nil || !g.Target.HasDefault(c) {
		return "", nil
	}
	drop := sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", g.Target.Name(), sqltext.Name(c.Name))
	return "The column's default was dropped, so that the application's inserts need no space for it; the column existed before this run and is kept.",
		e.applyChange(ctx, g, step.Change{Locks: []lock.Lock{lock.On(g.Target.Name(), lock.AccessExclusive)}, Statements: []string{drop}})
}

// undo reverts a group as down does.
func (e *Executor) undo(ctx context.Context, g plan.Group) error {
	done := *e
	done.Plan.Direction = plan.Down
	g.Steps = slices.Clone(g.Steps)
	slices.Reverse(g.Steps)
	return done.runSteps(ctx, g, &groupState{executor: &done, group: g})
}
