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

// checkIdentity checks that the relation with the group table's name is the planned table. A table is identified by
// its oid, which it keeps when it is renamed or moved to another schema.
func (st *groupState) checkIdentity(ctx context.Context, found *catalog.Table) error {
	planned := st.executor.Plan.Schema.Named(st.group.Table)
	switch {
	case st.group.Table.Name == "":
		return nil
	case planned == nil || st.group.Target.Table == "":
		if found == nil {
			return errDropped
		}
		return nil
	case found != nil && found.OID == planned.OID && found.IsTree() && !planned.IsTree():
		return message.TableAltered(st.group.String(), "It has partitions or inheritance children now")
	case found != nil && found.OID == planned.OID:
		if name := st.executor.renamed(st.group, found); name != "" {
			return message.TableAltered(st.group.String(), "Its column "+st.group.Target.Column+" was renamed to "+name)
		}
		return nil
	}
	return st.executor.explainMissing(ctx, st.group, planned.OID, found)
}

// renamed returns the new name of the group's column if it was renamed during the run; "" if it was not. PostgreSQL
// identifies a column by its number, and the application may use its values under the new name. A step that ends integers may rename
// the column itself, and checks the primary key on its own.
func (e *Executor) renamed(g plan.Group, table *catalog.Table) string {
	if g.Key != nil && g.Phase == plan.Contracted {
		return ""
	}
	if e.columnNumbers == nil {
		e.columnNumbers = map[columnName]int{}
	}
	if c := table.Column(g.Target.Column); c != nil {
		e.columnNumbers[columnName{table.OID, c.Name}] = c.Number
		return ""
	}
	number, known := e.columnNumbers[columnName{table.OID, g.Target.Column}]
	if c := e.Plan.Schema.Named(g.Table).Column(g.Target.Column); c != nil && !known {
		number = c.Number
	}
	for _, c := range table.Columns {
		if c.Number == number {
			return c.Name
		}
	}
	return ""
}

// explainMissing returns the problem of a table that no longer has its name, with its new name, or errDropped.
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
		return message.TableAltered(g.String(), "It was renamed to "+now)
	case found != nil:
		return message.TableAltered(g.String(), "It was dropped, and another relation has its name")
	}
	return errDropped
}

// alteredProblem returns the problem in err if it reports that a table was altered during the run, else nil.
func alteredProblem(err error) *problem.Problem {
	if why, ok := errors.AsType[*problem.Problem](err); ok && why.Code == message.TableAlteredCode {
		return why
	}
	return nil
}

// skippingProblem returns the problem in err if it ends the steps of one table or edge and not the run, else nil.
func skippingProblem(err error) *problem.Problem {
	if why, ok := errors.AsType[*problem.Problem](err); ok && (why.Code == message.OrphansCode || why.Code == message.EdgeRowsDifferCode) {
		return why
	}
	return alteredProblem(err)
}

// checkAndFinish inspects the tables that the run has completed and adds what it finds to the error of the run. It
// does not if the run was cancelled or another run may be active.
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

// checkFunction adds a problem if the function of the defaults is no longer the one that the run relied on.
func (e *Executor) checkFunction(now catalog.Schema) {
	if !e.Plan.Function() {
		return
	}
	ensure := step.EnsureFunction{Schema: e.Plan.SchemaName}
	wanted := ensure.Source(e.Plan.Server.Major())
	if ensure.Check(step.View{Server: e.Plan.Server, Schema: e.Plan.Schema}).Done {
		wanted = e.Plan.Schema.Function.SourceMD5
	}
	if f := now.Function; f == nil || f.SourceMD5 != wanted || !f.Volatile {
		e.altered = append(e.altered, message.TableAltered(ensure.Schema+"."+step.FunctionName+"()", "It was dropped or replaced, and it is the default of columns"))
	}
}

// checkDoneTables inspects every table that the run has completed, in one read, to find tables that were altered
// afterwards.
func (e *Executor) checkDoneTables(ctx context.Context) error {
	question := inspect.Request{Schema: e.Plan.SchemaName}
	for _, g := range e.doneGroups {
		if g.Edge != nil || g.Key != nil {
			own := e.requestOf(g)
			question.Relations, question.Edges = append(question.Relations, own.Relations...), true
			question.Parents, question.Also = append(question.Parents, own.Parents...), append(question.Also, own.Also...)
			continue
		}
		question.Relations = append(question.Relations, g.Table.Name)
		if e.Plan.Direction == plan.Down {
			question.Relations = append(question.Relations, g.Target.Index)
		}
	}
	if len(question.Relations) == 0 {
		return nil
	}
	slices.Sort(question.Relations)
	question.Relations = slices.Compact(question.Relations)
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

// checkDoneTable checks one of these tables.
func (e *Executor) checkDoneTable(ctx context.Context, g plan.Group, schema catalog.Schema) error {
	planned, found := e.Plan.Schema.Named(g.Table), schema.Named(g.Table)
	if planned != nil && (found == nil || found.OID != planned.OID) {
		err := e.explainMissing(ctx, g, planned.OID, found)
		if why := alteredProblem(err); why != nil {
			e.count(g, -1)
			e.skip(g, why)
			return nil
		}
		if errors.Is(err, errDropped) {
			e.count(g, -1)
			e.Emit.Emit(event.Notice{Table: g.String(), Text: "the table was dropped during the run"})
			return nil
		}
		return err
	}
	if i := schema.Relation(g.Target.Index); e.Plan.Direction == plan.Down && g.Phase == plan.Expanded && i != nil && i.IndexOf == g.Table.Name {
		e.Emit.Emit(event.Notice{Table: g.String(), Text: "index " + g.Target.Index + " is not on column " + g.Target.Column + ": rekey did not create it and keeps it"})
	}
	if missing := e.missing(g, found, schema); len(missing) > 0 {
		e.count(g, -1)
		e.skip(g, message.TableAltered(g.String(), "It was altered after its steps were done, and has now: "+strings.Join(missing, ", ")))
	}
	return nil
}

// missing returns what the table still needs to reach the goal of the run.
func (e *Executor) missing(g plan.Group, table *catalog.Table, schema catalog.Schema) []string {
	if table == nil {
		return nil
	}
	if name := e.renamed(g, table); name != "" {
		return []string{"column " + g.Target.Column + " under the name " + name}
	}
	if g.Edge != nil || g.Key != nil {
		return e.missingOfSteps(g, schema)
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
	if origin, _ := g.Target.Read(e.Plan.Schema.Named(g.Table)); origin == step.Made && table.Column(g.Target.Column) != nil {
		return []string{"column " + g.Target.Column + ", which differs from what rekey created"}
	}
	return nil
}
