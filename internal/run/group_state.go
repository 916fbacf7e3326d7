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
var errDropped = errors.New("the table is gone")

// look is what the executor knows of a group's part of the database. It holds until the next action.
type groupState struct {
	executor    *Executor
	group       plan.Group
	inspected   *step.View
	filled      map[uint32]bool   // by oid: whether every row has a value, once it was looked at or made so
	descendants map[uint32]string // what was below the table at the last look, by oid

	inspectedAt time.Time // of the last inspection
	// presumed is the index that was built since the last inspection: the guard of the next action asks for it. "" is none.
	newIndex   string
	backfilled bool // a filling of the group has ended: whether rows have no value is read from then on
	lastStep   bool // the group is at its last step: the inspection after it is also the first of the next group

	rowsBefore int64 // filled by the run before the group
}

// recent is how old an inspection may be that is used once more: what was altered since is found by the guard of the
// action that follows, and by the inspection after it.
const maxInspectionAge = time.Second

// ahead is an inspection of the group that comes next.
type prefetched struct {
	table  string
	schema catalog.Schema
	at     time.Time
}

// view looks, unless nothing was done since the last look.
func (st *groupState) view(ctx context.Context, s step.Step) (step.View, error) {
	if st.inspected == nil {
		view, err := st.inspect(ctx)
		if err != nil {
			return step.View{}, err
		}
		st.inspected = &view
	}
	if reader, ok := s.(step.RowReader); ok && reader.ReadsRows() && st.executor.Plan.Direction == plan.Up {
		if err := st.readRows(ctx); err != nil {
			return step.View{}, err
		}
		st.inspected.Unfilled, st.inspected.Filled = !st.filled[st.inspected.Table.OID], st.filled
	}
	return *st.inspected, nil
}

// forget makes the next view look anew.
func (st *groupState) invalidate() { st.inspected, st.newIndex = nil, "" }

// presume adds to a recent inspection an index that the server says it has built.
func (st *groupState) addNewIndex(t step.Target) {
	if st.inspected.Table.IsTree() || time.Since(st.inspectedAt) > maxInspectionAge {
		st.invalidate()
		return
	}
	view, table := *st.inspected, *st.inspected.Table
	table.Indexes = append(slices.Clone(table.Indexes), catalog.Index{
		Name: t.Index, Columns: []string{t.Column}, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree",
	})
	view.Table = &table
	st.inspected, st.newIndex = &view, t.Index
}

// after forgets what an action has changed. A filling changes nothing that is inspected, and a build one thing alone: one that
// took a moment leaves the inspection as it is.
func (st *groupState) afterAction(a step.Action, err error) {
	switch a := a.(type) {
	case step.Fill:
		if err == nil && time.Since(st.inspectedAt) <= maxInspectionAge {
			return
		}
	case step.Concurrently:
		if err == nil && a.Build && st.table(a.Target).Index(a.Target.Index) == nil {
			st.addNewIndex(a.Target)
			return
		}
	}
	st.invalidate()
}

func (st *groupState) inspect(ctx context.Context) (step.View, error) {
	schema, err := st.inspectSchema(ctx)
	if err != nil {
		return step.View{}, err
	}
	view := plan.ViewOf(st.executor.Plan, st.group, schema)
	err = st.checkIdentity(ctx, view.Table)
	if err == nil && view.Table != nil {
		st.reportDetached(view.Table)
	}
	return view, err
}

// schema inspects the group's part of the schema; its last inspection reads the next group's part as well.
func (st *groupState) inspectSchema(ctx context.Context) (schema catalog.Schema, err error) {
	e := st.executor
	if before := e.next; before.table != "" && before.table == st.group.Table {
		e.next = prefetched{}
		if time.Since(before.at) < maxInspectionAge {
			st.inspectedAt = before.at
			return before.schema, nil
		}
	}
	st.inspectedAt = time.Now()
	question := st.question()
	next := e.nextGroup(st)
	if next != nil {
		question.Relations = append(question.Relations, next.Table, next.Target.Index)
	}
	err = e.session.Read(ctx, func(tx pg.Tx) (err error) {
		schema, err = inspect.Schema(ctx, tx.CommitWithLast(), question)
		return err
	})
	if err == nil && next != nil {
		e.next = prefetched{table: next.Table, schema: schema, at: st.inspectedAt}
	}
	return schema, err
}

// following returns the group of a table that comes after one that is at its last step; nil where there is none.
func (e *Executor) nextGroup(st *groupState) *plan.Group {
	if !st.lastStep || st.group.Target.Table == "" || e.groupIndex+1 >= len(e.Plan.Groups) {
		return nil
	}
	next := &e.Plan.Groups[e.groupIndex+1]
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
func (st *groupState) question() inspect.Request {
	p, g := st.executor.Plan, st.group
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
func (st *groupState) readRows(ctx context.Context) error {
	for _, part := range st.group.Target.Parts(st.inspected.Table) {
		oid := part.Table.OID
		if _, known := st.filled[oid]; known {
			continue
		}
		c := part.Table.Column(part.Column)
		if c == nil || c.NotNull {
			st.setFilled(oid, c != nil)
			continue
		}
		if st.columnAdded(part) {
			st.setFilled(oid, false)
			continue
		}
		err := st.executor.session.ReadOutsideTx(ctx, func(tx pg.Tx) error {
			unfilled, err := inspect.Unfilled(ctx, tx, part.Rows(), part.Column)
			st.setFilled(oid, !unfilled)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// added reports whether the run has added a part's column, over rows that have no value then.
func (st *groupState) columnAdded(part step.Part) bool {
	if st.backfilled {
		return false
	}
	planned := st.executor.Plan.Table(st.group, part.Target)
	return planned != nil && planned.OID == part.Table.OID && planned.Column(part.Column) == nil && part.Table.Pages > 0
}

func (st *groupState) setFilled(oid uint32, filled bool) {
	if st.filled == nil {
		st.filled = map[uint32]bool{}
	}
	st.filled[oid] = filled
}

// full notes that every row of a table has a value.
func (st *groupState) markFilled(table *catalog.Table) {
	st.setFilled(table.OID, true)
	st.backfilled = true
}

// part is the table of a target in the last look: the group's, or one below it.
func (st *groupState) table(t step.Target) *catalog.Table {
	for _, part := range st.group.Target.Parts(st.inspected.Table) {
		if part.Relation() == t.Relation() {
			return part.Table
		}
	}
	return st.inspected.Table
}

// moved reports whether the server refused an action and what is below the table is not what it was in the last
// look: the action was on a table that was detached or dropped meanwhile, and the next look finds another.
func (st *groupState) treeChanged(ctx context.Context, err error) bool {
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); !ok || serverErr.Code == pgerrcode.QueryCanceled {
		return false
	}
	before := st.descendants
	view, err := st.inspect(ctx)
	if err != nil || len(before) == 0 && len(st.descendants) == 0 {
		return false
	}
	st.inspected = &view
	return !maps.Equal(before, st.descendants)
}

// detached tells of the tables that are below the group's no more: they keep their column, and nobody looks
// after it.
func (st *groupState) reportDetached(table *catalog.Table) {
	now := map[uint32]string{}
	for _, below := range table.Below {
		now[below.OID] = below.Schema + "." + below.Name
	}
	for oid, name := range st.descendants {
		if _, there := now[oid]; !there {
			st.executor.Emit.Emit(event.Notice{Table: st.group.Target.String(), Text: name + " was detached or dropped meanwhile; if it is there still, its column is its own now"})
		}
	}
	st.descendants = now
}
