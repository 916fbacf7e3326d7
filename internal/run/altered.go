package run

import (
	"context"
	"errors"
	"regexp"
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

// findAlteration inspects a table before its steps begin or are repeated. It returns a problem if the table was
// altered since the plan was made and a new plan would refuse it.
func (e *Executor) findAlteration(ctx context.Context, g plan.Group, st *groupState) (*problem.Problem, error) {
	if g.Target.Table == "" || e.Plan.Direction == plan.Down {
		return nil, nil //nolint:nilnil // the table is not altered
	}
	if work, _ := e.Plan.Work(g); !work {
		return nil, nil //nolint:nilnil // the table has no pending steps
	}
	view, err := st.view(ctx, g.Steps[0])
	if err != nil {
		return nil, err
	}
	if why := e.Plan.Altered(g, view.Schema); why != "" {
		return message.TableAltered(g.String(), why), nil
	}
	return nil, nil //nolint:nilnil // the table is not altered
}

// alterationOf returns a problem if the server's error shows that the table was altered between the inspection and
// the statement, else nil.
func alterationOf(g plan.Group, err error) *problem.Problem {
	var serverErr *pgconn.PgError
	if g.Target.Table == "" || !errors.As(err, &serverErr) || journalGone(err) {
		return nil
	}
	codes := []string{
		pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedColumn, pgerrcode.UndefinedObject, pgerrcode.UndefinedFunction, pgerrcode.DuplicateColumn, pgerrcode.DuplicateTable,
		pgerrcode.DuplicateObject, pgerrcode.WrongObjectType, pgerrcode.DatatypeMismatch,
	}
	if !slices.Contains(codes, serverErr.Code) {
		return nil
	}
	return message.TableAltered(g.String(), "The server reports: "+visible.ServerMessage(serverErr))
}

// journalGone reports whether the server's error says that a table of the journal does not exist. The text may be in any language; the
// name of the table is in it.
func journalGone(err error) bool {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && serverErr.Code == pgerrcode.UndefinedTable && journalTable.MatchString(serverErr.Message)
}

var journalTable = regexp.MustCompile(`\brekey\.[a-z]+`)

// skip records that a table was altered during the run. The run continues with the other tables and then fails with
// this problem.
func (e *Executor) skip(g plan.Group, why *problem.Problem) {
	e.Emit.Emit(event.Notice{Table: g.String(), Text: why.Error()})
	e.altered = append(e.altered, why)
}

// maxMessageLength is the number of characters of an event trigger's message that are shown.
const maxMessageLength = 300

// explainEventTrigger returns a problem that names the event trigger whose function raised the error, or the error
// itself.
func explainEventTrigger(server catalog.Server, about string, err error) error {
	var known *problem.Problem
	var serverErr *pgconn.PgError
	if errors.As(err, &known) || !errors.As(err, &serverErr) {
		return err
	}
	for _, t := range server.EventTriggers {
		if isIn(serverErr.Where, t.Function) {
			return message.EventTriggerFailed(t.Name, t.Function, about, visible.Truncate(visible.Line(serverErr.Message), maxMessageLength), err)
		}
	}
	return err
}

// isIn reports whether the context of an error contains a function. The name has no schema if the session compiled
// the function under another search_path.
func isIn(where, function string) bool {
	bare := function[strings.LastIndex(function, ".")+1:]
	return strings.Contains(where, "function "+function+" ") || strings.Contains(where, "function "+bare+" ")
}
