package run

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// unfit looks at a table when its turn comes, and again when its steps begin again: of one that was altered since the
// plan was made, it returns what a plan would refuse.
func (e *Executor) findAlteration(ctx context.Context, g plan.Group, st *groupState) (*problem.Problem, error) {
	if g.Target.Table == "" || e.Plan.Direction == plan.Down {
		return nil, nil //nolint:nilnil // nothing is wrong with it
	}
	if work, _ := e.Plan.Work(g); !work {
		return nil, nil //nolint:nilnil // nothing is done to it
	}
	view, err := st.view(ctx, g.Steps[0])
	if err != nil {
		return nil, err
	}
	if why := e.Plan.Altered(g, view.Schema); why != "" {
		return message.AlteredMeanwhile(g.Target.String(), why), nil
	}
	return nil, nil //nolint:nilnil // nothing is wrong with it
}

// collided tells of an error that a table altered between the look and the statement brings about.
func alterationOf(g plan.Group, err error) *problem.Problem {
	var serverErr *pgconn.PgError
	if g.Target.Table == "" || !errors.As(err, &serverErr) {
		return nil
	}
	codes := []string{
		pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedColumn, pgerrcode.UndefinedObject, pgerrcode.UndefinedFunction, pgerrcode.DuplicateColumn, pgerrcode.DuplicateTable,
		pgerrcode.DuplicateObject, pgerrcode.WrongObjectType, pgerrcode.DatatypeMismatch,
	}
	if !slices.Contains(codes, serverErr.Code) {
		return nil
	}
	return message.AlteredMeanwhile(g.Target.String(), "The server says: "+visible.ServerMessage(serverErr))
}

// leave passes over a table that was altered meanwhile; the run ends with it when the others are done.
func (e *Executor) skip(g plan.Group, why *problem.Problem) {
	e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: why.Error()})
	e.altered = append(e.altered, why)
}

// mostSaid is how much of an event trigger's message is repeated, in characters.
const maxMessageLength = 300

// forbidden names the event trigger behind the error of a change of something, if one is behind it.
func explainEventTrigger(server catalog.Server, about string, err error) error {
	var known *problem.Problem
	var serverErr *pgconn.PgError
	if errors.As(err, &known) || !errors.As(err, &serverErr) {
		return err
	}
	for _, t := range server.EventTriggers {
		if isIn(serverErr.Where, t.Function) {
			return message.EventTrigger(t.Name, t.Function, about, visible.Truncate(visible.Line(serverErr.Message), maxMessageLength), err)
		}
	}
	return err
}

// ran reports whether the context of an error tells of a function. A session that compiled it under another
// search_path names no schema.
func isIn(where, function string) bool {
	bare := function[strings.LastIndex(function, ".")+1:]
	return strings.Contains(where, "function "+function+" ") || strings.Contains(where, "function "+bare+" ")
}
