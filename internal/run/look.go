package run

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
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

	at time.Time // of the last inspection
	// presumed is the index that was built since the last inspection: the guard of the next action asks for it. "" is none.
	presumed   string
	filledOnce bool // a filling of the group has ended: whether rows have no value is read from then on
	last       bool // the group is at its last step: the inspection after it is also the first of the next group

	rowsBefore int64 // filled by the run before the group
}

// recent is how old an inspection may be that is used once more: what was altered since is found by the guard of the
// action that follows, and by the inspection after it.
const recent = time.Second

// ahead is an inspection of the group that comes next.
type ahead struct {
	table  string
	schema catalog.Schema
	at     time.Time
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
	if reader, ok := s.(step.RowReader); ok && reader.ReadsRows() && l.executor.Plan.Direction == plan.Up {
		if err := l.rows(ctx); err != nil {
			return step.View{}, err
		}
		l.seen.Unfilled, l.seen.Filled = !l.filled[l.seen.Table.OID], l.filled
	}
	return *l.seen, nil
}

// forget makes the next view look anew.
func (l *look) forget() { l.seen, l.presumed = nil, "" }

// presume adds to a recent inspection an index that the server says it has built.
func (l *look) presume(t step.Target) {
	if l.seen.Table.IsTree() || time.Since(l.at) > recent {
		l.forget()
		return
	}
	view, table := *l.seen, *l.seen.Table
	table.Indexes = append(slices.Clone(table.Indexes), catalog.Index{
		Name: t.Index, Columns: []string{t.Column}, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree",
	})
	view.Table = &table
	l.seen, l.presumed = &view, t.Index
}

// after forgets what an action has changed. A filling changes nothing that is inspected, and a build one thing alone: one that
// took a moment leaves the inspection as it is.
func (l *look) after(a step.Action, err error) {
	switch a := a.(type) {
	case step.Fill:
		if err == nil && time.Since(l.at) <= recent {
			return
		}
	case step.Concurrently:
		if err == nil && a.Build && l.part(a.Target).Index(a.Target.Index) == nil {
			l.presume(a.Target)
			return
		}
	}
	l.forget()
}

func (l *look) read(ctx context.Context) (step.View, error) {
	schema, err := l.schema(ctx)
	if err != nil {
		return step.View{}, err
	}
	view := plan.ViewOf(l.executor.Plan, l.group, schema)
	err = l.identity(ctx, view.Table)
	if err == nil && view.Table != nil {
		l.detached(view.Table)
	}
	return view, err
}

// schema inspects the group's part of the schema; its last inspection reads the next group's part as well.
func (l *look) schema(ctx context.Context) (schema catalog.Schema, err error) {
	e := l.executor
	if before := e.ahead; before.table != "" && before.table == l.group.Table {
		e.ahead = ahead{}
		if time.Since(before.at) < recent {
			l.at = before.at
			return before.schema, nil
		}
	}
	l.at = time.Now()
	question := l.question()
	next := e.following(l)
	if next != nil {
		question.Relations = append(question.Relations, next.Table, next.Target.Index)
	}
	err = e.lane.Read(ctx, func(tx pg.Tx) (err error) {
		schema, err = inspect.Schema(ctx, tx.CommitWithLast(), question)
		return err
	})
	if err == nil && next != nil {
		e.ahead = ahead{table: next.Table, schema: schema, at: l.at}
	}
	return schema, err
}

// following returns the group of a table that comes after one that is at its last step; nil where there is none.
func (e *Executor) following(l *look) *plan.Group {
	if !l.last || l.group.Target.Table == "" || e.number+1 >= len(e.Plan.Groups) {
		return nil
	}
	next := &e.Plan.Groups[e.number+1]
	if next.Target.Table == "" {
		return nil
	}
	if table := e.Plan.Schema.Relation(next.Table); table == nil || table.IsTree() { // reading a tree may take a while
		return nil
	}
	return next
}

// question asks for the group's table and whatever bears its index's name; for the schema's own steps
// it asks for the function and the tables whose inserters must be able to call it. What else hangs on the
// column was looked at when the plan was made.
func (l *look) question() inspect.Request {
	p, g := l.executor.Plan, l.group
	q := inspect.Request{Schema: p.SchemaName}
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
		if l.added(part) {
			l.know(oid, false)
			continue
		}
		err := l.executor.lane.ReadOutsideTx(ctx, func(tx pg.Tx) error {
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

// added reports whether the run has added a part's column, over rows that have no value then.
func (l *look) added(part step.Part) bool {
	if l.filledOnce {
		return false
	}
	then := l.executor.Plan.Table(l.group, part.Target)
	return then != nil && then.OID == part.Table.OID && then.Column(part.Column) == nil && part.Table.Pages > 0
}

func (l *look) know(oid uint32, filled bool) {
	if l.filled == nil {
		l.filled = map[uint32]bool{}
	}
	l.filled[oid] = filled
}

// full notes that every row of a table has a value.
func (l *look) full(table *catalog.Table) {
	l.know(table.OID, true)
	l.filledOnce = true
}

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
