// Package fault makes a problem of every error of the server or of the network, so that none ends a command without
// the table, the step, a code and the next command.
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

// place is where an error came about.
type place struct {
	table, step string
	err         error
}

func (p *place) Error() string { return p.err.Error() }

// Unwrap returns the error itself.
func (p *place) Unwrap() error { return p.err }

// At adds to an error what it is about: a table as schema.table, or "", and the step. An error that has a place keeps
// that; a problem that has none gets it. At of nil is nil.
func At(err error, table, step string) error {
	if err == nil {
		return nil
	}
	if fill(err, table, step) {
		return err
	}
	return &place{table: table, step: step, err: err}
}

// fill completes the problems inside an error; it returns false if there is none.
func fill(err error, table, step string) bool {
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

// Explain makes a problem of an error that is none yet; doing is the command.
func Explain(doing string, err error) error {
	var one *problem.Problem
	if err == nil || errors.As(err, &one) {
		return err
	}
	f := message.Fault{Doing: doing, Said: err.Error(), Cause: err}
	f.Table, f.Step = where(err)
	if silent, ok := errors.AsType[*pg.SilentError](err); ok {
		f.Said = silent.Error()
		return f.Silent()
	}
	if said, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answered(f, said)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		f.Said = unanswered
		return f.Silent()
	case pg.Lost(err):
		f.Said = pg.Reason(err)
		return f.Lost()
	}
	return f.Problem()
}

// Reason says in a few words why the server could not be reached.
func Reason(err error) string {
	if _, said := errors.AsType[*pgconn.PgError](err); !said && errors.Is(err, context.DeadlineExceeded) {
		return unanswered
	}
	return strings.TrimSuffix(pg.Reason(err), ".")
}

const unanswered = "no answer came in time"

// answered is an error of the server itself.
func answered(f message.Fault, said *pgconn.PgError) error {
	f.SQLState, f.Said = said.Code, said.Message
	if f.Table == "" && said.TableName != "" {
		f.Table = said.SchemaName + "." + said.TableName
	}
	if said.Routine == "check_enable_rls" {
		return f.Hidden()
	}
	return f.Problem()
}

// where returns the innermost place of an error that names a table, else the innermost.
func where(err error) (table, step string) {
	for err != nil {
		var at *place
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
