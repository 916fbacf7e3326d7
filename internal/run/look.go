package run

import (
	"context"
	"errors"
	"maps"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/event"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// errGone says that the group's table is there no more.
var errGone = errors.New("the table is gone")

// look is what the executor knows of a group's part of the database. It holds until the next action.
type look struct {
	executor *Executor
	group    plan.Group
	seen     *step.View
	filled   map[uint32]bool   // by oid: whether every row has a value, once it was looked at or made so
	below    map[uint32]string // what was below the table at the last look, by oid

	rowsBefore int64 // filled by the run before the group
}

// view looks, unless nothing was done since the last look.
func (l *look) view(ctx context.Context, s step.Step) (step.View, error) {
	if l.seen == nil {
		view, err := l.read(ctx)
		if err != nil {
			return step.View{}, err
		}
		l.seen = &view
	}
	if reader, ok := s.(step.Reader); ok && reader.ReadsRows() && l.executor.Plan.Direction == plan.Up {
		if err := l.rows(ctx); err != nil {
			return step.View{}, err
		}
		l.seen.Unfilled, l.seen.Full = !l.filled[l.seen.Table.OID], l.filled
	}
	return *l.seen, nil
}

// forget makes the next view look anew.
func (l *look) forget() { l.seen = nil }

func (l *look) read(ctx context.Context) (step.View, error) {
	e := l.executor
	var view step.View
	err := e.lane.Read(ctx, func(tx pg.Tx) error {
		schema, err := inspect.Schema(ctx, tx, l.question())
		view = plan.ViewOf(e.Plan, l.group, schema)
		return err
	})
	if err == nil {
		err = l.identity(ctx, view.Table)
	}
	if err == nil && view.Table != nil {
		l.detached(view.Table)
	}
	return view, err
}

// question asks for the group's table and whatever bears its index's name; for the schema's own steps
// it asks for the function and the tables whose inserters must be able to call it. What else hangs on the
// column was looked at when the plan was made.
func (l *look) question() inspect.Question {
	p, g := l.executor.Plan, l.group
	q := inspect.Question{Schema: p.Scope}
	if g.Table != "" {
		q.Relations = []string{g.Table}
		if g.Target.Table != "" {
			q.Relations = append(q.Relations, g.Target.Index)
		}
		return q
	}
	q.Function = step.FunctionName
	for _, other := range p.Groups {
		if other.Target.Table != "" {
			q.Relations = append(q.Relations, other.Table)
			q.Tables = append(q.Tables, other.Table)
		}
	}
	return q
}

// rows looks for rows without a value, table by table, where the catalogue does not tell.
func (l *look) rows(ctx context.Context) error {
	for _, part := range l.group.Target.Parts(l.seen.Table) {
		oid := part.Table.OID
		if _, known := l.filled[oid]; known {
			continue
		}
		c := part.Table.Column(part.Column)
		if c == nil || c.NotNull {
			l.know(oid, c != nil)
			continue
		}
		err := l.executor.lane.Once(ctx, func(tx pg.Tx) error {
			unfilled, err := inspect.Unfilled(ctx, tx, part.Rows(), part.Column)
			l.know(oid, !unfilled)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *look) know(oid uint32, filled bool) {
	if l.filled == nil {
		l.filled = map[uint32]bool{}
	}
	l.filled[oid] = filled
}

// full notes that every row of a table has a value.
func (l *look) full(table *catalog.Table) { l.know(table.OID, true) }

// part is the table of a target in the last look: the group's, or one below it.
func (l *look) part(t step.Target) *catalog.Table {
	for _, part := range l.group.Target.Parts(l.seen.Table) {
		if part.Relation() == t.Relation() {
			return part.Table
		}
	}
	return l.seen.Table
}

// moved reports whether the server refused an action and what is below the table is not what it was in the last
// look: the action was on a table that was detached or dropped meanwhile, and the next look finds another.
func (l *look) moved(ctx context.Context, err error) bool {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); !ok || refusal.Code == pgerrcode.QueryCanceled {
		return false
	}
	before := l.below
	view, err := l.read(ctx)
	if err != nil || len(before) == 0 && len(l.below) == 0 {
		return false
	}
	l.seen = &view
	return !maps.Equal(before, l.below)
}

// detached tells of the tables that are below the group's no more: they keep their column, and nobody looks
// after it.
func (l *look) detached(table *catalog.Table) {
	now := map[uint32]string{}
	for _, below := range table.Below {
		now[below.OID] = below.Schema + "." + below.Name
	}
	for oid, name := range l.below {
		if _, there := now[oid]; !there {
			l.executor.Emit.Emit(event.Notice{Table: l.group.Target.String(), Text: name + " was detached or dropped meanwhile; if it is there still, its column is its own now"})
		}
	}
	l.below = now
}
