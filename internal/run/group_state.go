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
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// errDropped reports that the group's table no longer exists.
var errDropped = errors.New("the table was dropped")

// groupState holds what the executor knows about a group's part of the database. It is valid until the next action.
type groupState struct {
	executor    *Executor
	group       plan.Group
	inspected   *step.View
	filled      map[uint32]bool   // whether every row of a table has a value, by oid; tables that were not read are missing
	descendants map[uint32]string // names of the table's descendants at the last inspection, by oid

	inspectedAt time.Time // time of the last inspection
	// newIndex is the index that was built since the last inspection; the guard of the next action checks it. "" is
	// none.
	newIndex   string
	backfilled bool // a backfill of the group has ended, so that columnAdded no longer applies
	lastStep   bool // the group is at its last step, whose inspection also reads the next group's table

	rowsBefore int64 // number of rows that the run filled before this group
}

// maxInspectionAge is how old an inspection may be to be used once more. The guard of the next action and the next
// inspection detect later alterations.
const maxInspectionAge = time.Second

// prefetched is an inspection of the next group.
type prefetched struct {
	table  sqltext.Table
	schema catalog.Schema
	at     time.Time
}

// view returns the view of the group for a step. It inspects the database only if an action has run since the last
// inspection.
func (st *groupState) view(ctx context.Context, s step.Step) (step.View, error) {
	if st.inspected == nil {
		view, err := st.inspect(ctx)
		if err != nil {
			return step.View{}, err
		}
		st.inspected = &view
	}
	if reader := s.Rows(); reader != nil && st.executor.Plan.Direction == plan.Up {
		if err := st.readRows(ctx, reader); err != nil {
			return step.View{}, err
		}
		st.inspected.Unfilled, st.inspected.Filled = !st.filled[st.inspected.Table.OID], st.filled
	}
	return *st.inspected, nil
}

// invalidate makes the next call of view inspect the database.
func (st *groupState) invalidate() { st.inspected, st.newIndex = nil, "" }

// addNewIndex adds an index that was just built to a recent inspection, in place of another inspection. It returns false
// if the database must be inspected, as for an edge: its indexes are of several tables and columns.
func (st *groupState) addNewIndex(a step.Concurrently) bool {
	if st.group.Edge != nil || st.group.Key != nil || st.inspected.Table.IsTree() || time.Since(st.inspectedAt) > maxInspectionAge {
		return false
	}
	view, table := *st.inspected, *st.inspected.Table
	table.Indexes = append(slices.Clone(table.Indexes), catalog.Index{
		Name: a.Index, Columns: []string{a.Column}, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree",
	})
	view.Table = &table
	st.inspected, st.newIndex = &view, a.Index
	return true
}

func (st *groupState) inspect(ctx context.Context) (step.View, error) {
	schema, err := st.inspectSchema(ctx)
	if err != nil {
		return step.View{}, err
	}
	view := plan.ViewOf(st.executor.Plan, st.group, schema)
	err = st.checkIdentity(ctx, view.Table)
	if err == nil && st.group.Edge != nil {
		err = st.checkParent(ctx, view)
	}
	if err == nil && view.Table != nil {
		st.reportDetached(view.Table)
	}
	return view, err
}

// inspectSchema inspects the group's part of the schema. The inspection at the last step also reads the next
// group's part.
func (st *groupState) inspectSchema(ctx context.Context) (schema catalog.Schema, err error) {
	e := st.executor
	if before := e.next; before.table.Name != "" && before.table == st.group.Table {
		e.next = prefetched{}
		if time.Since(before.at) < maxInspectionAge {
			st.inspectedAt = before.at
			return before.schema, nil
		}
	}
	st.inspectedAt = time.Now()
	question := st.request()
	next := e.nextGroup(st)
	if next != nil {
		question.Relations = append(question.Relations, next.Table.Name, next.Target.Index)
	}
	for again := true; err == nil && again; again = st.missesReferring(&question, schema) {
		err = e.session.Read(ctx, func(tx pg.Tx) (err error) {
			schema, err = inspect.Schema(ctx, tx.CommitWithLast(), question)
			return err
		})
	}
	e.shard.asTables(&schema)
	if err == nil && next != nil {
		e.next = prefetched{table: next.Table, schema: schema, at: st.inspectedAt}
	}
	return schema, err
}

// nextGroup returns the next group if it can be inspected together with the current one, which is at its last step;
// else nil.
func (e *Executor) nextGroup(st *groupState) *plan.Group {
	if !st.lastStep || st.group.Target.Table == "" || e.groupIndex+1 >= len(e.Plan.Groups) {
		return nil
	}
	next := &e.Plan.Groups[e.groupIndex+1]
	if next.Target.Table == "" {
		return nil
	}
	if table := e.Plan.Schema.Named(next.Table); next.Edge != nil || next.Key != nil || table == nil || table.IsTree() { // reading a tree may take a while
		return nil
	}
	return next
}

// request returns what to inspect: for a table's group the table and the relation with the name of its index, for
// the schema's group the function and the tables whose writers must be able to call it. Other objects were
// inspected when the plan was made.
func (st *groupState) request() inspect.Request {
	p, g := st.executor.Plan, st.group
	q := inspect.Request{Schema: p.SchemaName}
	if g.Edge != nil || g.Key != nil {
		return st.executor.requestOf(g)
	}
	if g.Table.Name != "" {
		q.Relations = []string{g.Table.Name}
		if g.Target.Table != "" {
			q.Relations = append(q.Relations, g.Target.Index)
		}
		return q
	}
	q.Function = step.FunctionName
	for _, other := range p.Groups {
		if other.Target.Table != "" {
			q.Relations = append(q.Relations, other.Table.Name)
			q.Tables = append(q.Tables, other.Table.Name)
		}
	}
	return q
}

// readRows reads from each table whether rows lack a value, if the catalogue does not show it.
func (st *groupState) readRows(ctx context.Context, reader step.RowReader) error {
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
		unfilled, err := st.executor.hasRow(ctx, st.group, part, reader.Unfilled(part.Rows()))
		if err != nil {
			return err
		}
		st.setFilled(oid, !unfilled)
	}
	return nil
}

// columnAdded reports whether the run has added the column to a table with rows, which lack a value until they are
// filled.
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

// markFilled records that every row of a table has a value.
func (st *groupState) markFilled(table *catalog.Table) {
	st.setFilled(table.OID, true)
	st.backfilled = true
}

// table returns a table from the last inspection: the group's table or one of its descendants.
func (st *groupState) table(name sqltext.Table) *catalog.Table {
	for _, part := range st.group.Target.Parts(st.inspected.Table) {
		if part.Name() == name {
			return part.Table
		}
	}
	return st.inspected.Table
}

// treeChanged reports whether the server refused an action and the table's descendants have changed since the last
// inspection. The action's table was then detached or dropped, and the next inspection decides what follows.
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

// reportDetached reports descendants that no longer belong to the table. They keep their column, and the run no
// longer maintains it.
func (st *groupState) reportDetached(table *catalog.Table) {
	now := map[uint32]string{}
	for _, below := range table.Below {
		now[below.OID] = below.Schema + "." + below.Name
	}
	for oid, name := range st.descendants {
		if _, there := now[oid]; !there {
			st.executor.Emit.Emit(event.Notice{Table: st.group.String(), Text: name + " was detached or dropped during the run; if it still exists, it keeps its column"})
		}
	}
	st.descendants = now
}
