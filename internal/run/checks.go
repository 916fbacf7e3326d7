package run

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

//go:embed queries/table_name.sql
var tableNameSQL string

// identity checks whether the relation of the group table's name is the table that the plan was made for: a table is
// known by its oid, which a new name or another schema leave.
func (st *groupState) checkIdentity(ctx context.Context, found *catalog.Table) error {
	planned := st.executor.Plan.Schema.Relation(st.group.Table)
	switch {
	case st.group.Table == "":
		return nil
	case planned == nil || st.group.Target.Table == "":
		if found == nil {
			return errDropped
		}
		return nil
	case found != nil && found.OID == planned.OID && found.IsTree() && !planned.IsTree():
		return message.AlteredMeanwhile(st.group.Target.String(), "Tables have come below it")
	case found != nil && found.OID == planned.OID:
		if name := st.executor.renamed(st.group, found); name != "" {
			return message.AlteredMeanwhile(st.group.Target.String(), "Its column "+st.group.Target.Column+" is "+name+" now")
		}
		return nil
	}
	return st.executor.explainMissing(ctx, st.group, planned.OID, found)
}

// renamed returns the name of a column that the run has seen and that has another name now; "" where it has not.
// PostgreSQL knows a column by its number, and the application may use its values by the new name.
func (e *Executor) renamed(g plan.Group, table *catalog.Table) string {
	if e.columnNumbers == nil {
		e.columnNumbers = map[uint32]int{}
	}
	if c := table.Column(g.Target.Column); c != nil {
		e.columnNumbers[table.OID] = c.Number
		return ""
	}
	number, known := e.columnNumbers[table.OID]
	if c := e.Plan.Schema.Relation(g.Table).Column(g.Target.Column); c != nil && !known {
		number = c.Number
	}
	for _, c := range table.Columns {
		if c.Number == number {
			return c.Name
		}
	}
	return ""
}

// elsewhere returns the problem of a table that no longer has its name: where it is now, or errGone.
func (e *Executor) explainMissing(ctx context.Context, g plan.Group, oid uint32, found *catalog.Table) error {
	var now string
	err := e.session.Read(ctx, func(tx pg.Tx) error {
		err := tx.QueryRow(ctx, tableNameSQL, int64(oid)).Scan(&now)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case now != "":
		return message.AlteredMeanwhile(g.Target.String(), "It is "+now+" now")
	case found != nil:
		return message.AlteredMeanwhile(g.Target.String(), "It was dropped, and another relation has its name")
	}
	return errDropped
}

// altered is the problem of a table that was altered, if that is what an error says.
func alteredProblem(err error) *problem.Problem {
	if why, ok := errors.AsType[*problem.Problem](err); ok && why.Code == message.AlteredCode {
		return why
	}
	return nil
}

// ended is the end of a run, with what the last inspection finds. A run that ends before its last table inspects those that
// it has been through as well, unless it was cancelled or another run may be at work on them.
func (e *Executor) checkAndFinish(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, problem.ErrRunning) {
		return err
	}
	inspected := e.checkDoneTables(ctx)
	switch _, known := errors.AsType[*problem.Problem](err); {
	case err == nil && inspected != nil:
		return inspected
	case len(e.altered) == 0:
		return err
	case err == nil:
		return e.altered
	case known:
		return append(slices.Clone(problem.All(err)), e.altered...)
	default:
		return err
	}
}

// lastFunction leaves the function of the defaults as altered if it is not the one that the run relied on.
func (e *Executor) checkFunction(now catalog.Schema) {
	for _, g := range e.Plan.Groups {
		for _, s := range g.Steps {
			ensure, ok := s.(step.EnsureFunction)
			if !ok {
				continue
			}
			wanted := ensure.Source(e.Plan.Server.Major())
			if ensure.Check(step.View{Server: e.Plan.Server, Schema: e.Plan.Schema}).Done {
				wanted = e.Plan.Schema.Function.SourceMD5
			}
			if f := now.Function; f == nil || f.SourceMD5 != wanted || !f.Volatile {
				e.altered = append(e.altered, message.AlteredMeanwhile(ensure.Schema+"."+step.FunctionName+"()", "It was dropped or replaced, and columns have it as their default"))
			}
		}
	}
}

// lastly inspects every table that the run has touched once more, in one read: what was done to one of them after its
// turn would stay unnoticed.
func (e *Executor) checkDoneTables(ctx context.Context) error {
	var names []string
	for _, g := range e.doneGroups {
		names = append(names, g.Table)
		if e.Plan.Direction == plan.Down {
			names = append(names, g.Target.Index)
		}
	}
	if len(names) == 0 {
		return nil
	}
	question := inspect.Request{Schema: e.Plan.SchemaName, Relations: names}
	if e.Plan.Direction == plan.Up {
		question.Function = step.FunctionName
	}
	var schema catalog.Schema
	err := e.session.Read(ctx, func(tx pg.Tx) (err error) {
		schema, err = inspect.Schema(ctx, tx, question)
		return err
	})
	if err == nil && e.Plan.Direction == plan.Up {
		e.checkFunction(schema)
	}
	for _, g := range e.doneGroups {
		if err == nil {
			err = e.checkDoneTable(ctx, g, schema)
		}
	}
	return err
}

// last inspects one of them.
func (e *Executor) checkDoneTable(ctx context.Context, g plan.Group, schema catalog.Schema) error {
	planned, found := e.Plan.Schema.Relation(g.Table), schema.Relation(g.Table)
	if planned != nil && (found == nil || found.OID != planned.OID) {
		err := e.explainMissing(ctx, g, planned.OID, found)
		if why := alteredProblem(err); why != nil {
			e.totals.tables--
			e.skip(g, why)
			return nil
		}
		if errors.Is(err, errDropped) {
			e.totals.tables--
			e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: "the table was dropped while rekey was at work"})
			return nil
		}
		return err
	}
	if i := schema.Relation(g.Target.Index); e.Plan.Direction == plan.Down && i != nil && i.IndexOf == g.Table {
		e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: "index " + g.Target.Index + " is not on column " + g.Target.Column + ": rekey did not make it, and leaves it"})
	}
	if missing := e.missing(g, found); len(missing) > 0 {
		e.totals.tables--
		e.skip(g, message.AlteredMeanwhile(g.Target.String(), "It was altered after its turn, and has now: "+strings.Join(missing, ", ")))
	}
	return nil
}

// lacks says what keeps a table from the goal of the run.
func (e *Executor) missing(g plan.Group, table *catalog.Table) []string {
	if table == nil {
		return nil
	}
	if name := e.renamed(g, table); name != "" {
		return []string{"column " + g.Target.Column + " under the name " + name}
	}
	if e.Plan.Direction == plan.Up {
		missing := plan.Missing(g.Target.WithValuesOf(table), table)
		for i := range missing {
			missing[i] = "no " + missing[i]
		}
		return missing
	}
	view := plan.ViewOf(e.Plan, g, catalog.Schema{Name: e.Plan.SchemaName, Exists: true, Relations: []catalog.Table{*table}})
	for _, s := range g.Steps {
		if len(e.Plan.Actions(s, view)) > 0 {
			return []string{"column " + g.Target.Column}
		}
	}
	if origin, _ := g.Target.Read(e.Plan.Schema.Relation(g.Table)); origin == step.Made && table.Column(g.Target.Column) != nil {
		return []string{"column " + g.Target.Column + ", which is not as rekey made it"}
	}
	return nil
}
