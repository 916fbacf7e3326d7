// Package fault converts errors of the server or the network into problems, so that every command that fails names
// the table, the step, a code and what to do next.
package fault

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/problem"
)

// location adds to an error the table and the step where it occurred.
type location struct {
	table, step string
	err         error
}

func (p *location) Error() string { return p.err.Error() }

// Unwrap returns the error without its location.
func (p *location) Unwrap() error { return p.err }

// At adds to an error the table it concerns, as schema.table or "", and the step. An error or a problem that has
// them keeps its own. It returns nil if err is nil.
func At(err error, table, step string) error {
	if err == nil {
		return nil
	}
	if complete(err, table, step) {
		return err
	}
	return &location{table: table, step: step, err: err}
}

// complete sets the table and the step of the problems in an error, where they are missing. It returns false if
// there are none.
func complete(err error, table, step string) bool {
	var list problem.List
	var one *problem.Problem
	switch {
	case errors.As(err, &list):
	case errors.As(err, &one):
		list = problem.List{one}
	default:
		return false
	}
	for _, p := range list {
		if p.Kind != problem.Failed && p.Kind != problem.Stopped || p.Code == "stopped" {
			continue
		}
		if p.Table == "" {
			p.Table = table
		}
		if p.Step == "" && p.Table == table {
			p.Step = step
		}
	}
	return true
}

// Explain returns a problem for an error that is none yet; doing is the command, such as "rekey up". It returns nil
// if err is nil.
func Explain(doing string, err error) error {
	var one *problem.Problem
	if err == nil || errors.As(err, &one) {
		return err
	}
	f := message.Fault{Operation: doing, Reason: err.Error(), Cause: err}
	f.Table, f.Step = locationOf(err)
	if silent, ok := errors.AsType[*pg.SilentError](err); ok {
		f.Reason = silent.Error()
		return f.ConnectionTimedOut()
	}
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fromServer(f, serverErr)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		f.Reason = noAnswer
		return f.ConnectionTimedOut()
	case pg.Lost(err):
		f.Reason = pg.Reason(err)
		return f.ConnectionLost()
	}
	return f.Problem()
}

// Lost reports whether the server was not reached, or did not answer in time: a later attempt may succeed.
func Lost(err error) bool { return pg.Lost(err) || errors.Is(err, context.DeadlineExceeded) }

// Reason returns in a few words why the server could not be reached.
func Reason(err error) string {
	if _, serverErr := errors.AsType[*pgconn.PgError](err); !serverErr && errors.Is(err, context.DeadlineExceeded) {
		return noAnswer
	}
	return strings.TrimSuffix(pg.Reason(err), ".")
}

const noAnswer = "no answer came in time"

// fromServer returns the problem for an error that the server reported.
func fromServer(f message.Fault, serverErr *pgconn.PgError) error {
	f.SQLState, f.Reason = serverErr.Code, serverErr.Message
	if f.Table == "" && serverErr.TableName != "" {
		f.Table = serverErr.SchemaName + "." + serverErr.TableName
	}
	if serverErr.Routine == "check_enable_rls" {
		return f.RowsHidden()
	}
	return f.Problem()
}

// locationOf returns the innermost location of an error that has a table, else the innermost one.
func locationOf(err error) (table, step string) {
	for err != nil {
		var at *location
		if !errors.As(err, &at) {
			break
		}
		if at.table != "" || table == "" {
			table, step = at.table, at.step
		}
		err = at.err
	}
	return table, step
}
