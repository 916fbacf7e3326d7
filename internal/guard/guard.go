// Package guard keeps code that the owner of a table has added since the catalogue was read from running with the rights of rekey's
// role. Every read of rows, every batch and every change goes through it.
package guard

import (
	"context"
	"slices"
	"sync"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
	"github.com/rekey-pg/rekey/problem"
)

// Watch detects code that the owner of a table adds and that would run with rights which the owner does not have. It compares the
// seals of the tables, which are computed from catalogue rows: while they are the same, no code was added. Only if they differ, it
// reads the code. A nil Watch allows everything. It is safe for concurrent use.
type Watch struct {
	server catalog.Server
	target step.Target
	table  *catalog.Table // with its descendants
	fills  bool
	runs   bool // its problems are those of a run
	next   *Watch

	mu   sync.Mutex
	seal string
}

// Reading returns a watch of tables whose rows are read without changing them. Their owners may have all rights of the role; the result
// is nil if all of them do.
func Reading(server catalog.Server, tables ...*catalog.Table) *Watch {
	var w *Watch
	for i, table := range tables {
		if table != nil && !slices.Contains(tables[:i], table) {
			w = watch(server, step.Target{Schema: table.Schema, Table: table.Name}, table, false).And(w)
		}
	}
	return w
}

// DuringRun returns a watch of the table of a target, for a run: its problems say that the table was altered. fills says that its rows
// are updated. It returns nil if there is nothing to watch.
func DuringRun(server catalog.Server, t step.Target, table *catalog.Table, fills bool) *Watch {
	w := watch(server, t, table, fills)
	if w != nil {
		w.runs = true
	}
	return w
}

// watch returns nil if the owners of the table and of its descendants have all rights of the role.
func watch(server catalog.Server, t step.Target, table *catalog.Table, fills bool) *Watch {
	runsCode := func(one *catalog.Table) bool { return trust.RunsOwnersCode(server.Role, *one) }
	if t.Table == "" || table == nil || !slices.ContainsFunc(table.All(), runsCode) {
		return nil
	}
	return &Watch{server: server, target: t, table: table, fills: fills, seal: inspect.JoinedSeal(table.All())}
}

// And returns a watch of the tables of both. The receiver must watch one table at most.
func (w *Watch) And(of *Watch) *Watch {
	if w == nil {
		return of
	}
	w.next = of
	return w
}

// Check computes the seals, and reads the code if they differ from those of the last check. It returns a problem if untrusted code was
// added, or if another relation has the name of a table.
func (w *Watch) Check(ctx context.Context, tx pg.Tx) error {
	if w == nil {
		return nil
	}
	if err := w.next.Check(ctx, tx); err != nil {
		return err
	}
	return w.check(ctx, tx)
}

// check is Check for the table of w alone.
func (w *Watch) check(ctx context.Context, tx pg.Tx) error {
	var seal string
	if err := tx.QueryRow(ctx, inspect.SealQuery(w.table.All())).Scan(&seal); err != nil {
		return err
	}
	w.mu.Lock()
	known := w.seal == seal
	w.mu.Unlock()
	if known {
		return nil
	}
	if err := w.inspect(ctx, tx); err != nil {
		return err
	}
	w.mu.Lock()
	w.seal = seal
	w.mu.Unlock()
	return nil
}

// inspect reads the code of the tables, and of tables that were added below them.
func (w *Watch) inspect(ctx context.Context, tx pg.Tx) error {
	now, err := inspect.Tree(ctx, tx, w.table.All())
	if err != nil {
		return err
	}
	present := *w.table
	present.Below = slices.Clone(present.Below)
	for _, one := range now {
		if !slices.ContainsFunc(w.table.All(), func(t *catalog.Table) bool { return int64(t.OID) == one.Relation }) {
			present.Below = append(present.Below, catalog.Table{OID: uint32(one.Relation), Schema: one.Schema, Name: one.Name, Kind: catalog.Kind(one.Kind)})
		}
	}
	if why := renamed(w.table, now); why != "" {
		return w.altered(why)
	}
	code, err := inspect.Code(ctx, tx, present.All(), []string{w.target.Column}, w.server.Role.ReplicaRole)
	if err != nil {
		return err
	}
	refusals := plan.RefuseCode(w.server, w.target, &present, code, w.fills)
	switch {
	case refusals == nil:
		return nil
	case w.runs:
		return message.TableAltered(w.target.String(), "Code was added after the plan was made:  "+refusals[0].Error())
	default:
		return refusals
	}
}

// renamed returns which of the tables has another name than the one under which it is read; "" if none has.
func renamed(table *catalog.Table, now []inspect.Present) string {
	for _, one := range table.All() {
		at := slices.IndexFunc(now, func(p inspect.Present) bool { return p.Relation == int64(one.OID) })
		switch {
		case at < 0:
			return one.Named().String() + " was dropped"
		case now[at].Schema != one.Schema || now[at].Name != one.Name:
			return one.Named().String() + " was renamed to " + sqltext.Table{Schema: now[at].Schema, Name: now[at].Name}.String()
		}
	}
	return ""
}

func (w *Watch) altered(why string) *problem.Problem {
	if w.runs {
		return message.TableAltered(w.target.String(), why)
	}
	return message.AlteredWhileRead(w.target.String(), why)
}

// CheckBatch runs Check in the transaction of a batch, before its UPDATE. The lock prevents other sessions from adding an index, a
// check, a trigger or a rule until the transaction ends.
func (w *Watch) CheckBatch(ctx context.Context, tx pg.Tx) error {
	if w == nil {
		return nil
	}
	if err := w.next.CheckBatch(ctx, tx); err != nil {
		return err
	}
	lock := sqltext.Format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", sqltext.Table{Schema: w.table.Schema, Name: w.table.Name, Only: true})
	if _, err := tx.Exec(ctx, lock); err != nil {
		return err
	}
	return w.check(ctx, tx)
}

// Query returns a query that returns a row if no code was added since the last check; "" if there is nothing to watch.
func (w *Watch) Query() string {
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	own, next := "SELECT FROM ("+inspect.SealQuery(w.table.All())+") AS code WHERE code.fingerprint = "+sqltext.Literal(w.seal), w.next.Query()
	if next == "" {
		return own
	}
	return "SELECT WHERE EXISTS (" + own + ") AND EXISTS (" + next + ")"
}
