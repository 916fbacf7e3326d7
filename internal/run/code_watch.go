package run

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
)

//go:embed queries/code_fingerprint.sql
var codeFingerprintSQL string

// codeWatch detects code that the owner of a table adds during a run and that would run with rights which the owner
// does not have. It checks before every action, in the transaction of every batch, and under the lock of every
// change. The fingerprint is computed from catalogue rows: while it is the same, no code was added since the last
// check.
type codeWatch struct {
	server catalog.Server
	target step.Target
	table  *catalog.Table // includes its descendants
	fills  bool
	parent *codeWatch // of the next table that the statements read; nil if there is none to watch

	mu          sync.Mutex
	fingerprint string
}

// newCodeWatch returns nil if the owners of the table and of its descendants have all rights of rekey's role.
func (e *Executor) newCodeWatch(t step.Target, table *catalog.Table, fills bool) *codeWatch {
	runsCode := func(one *catalog.Table) bool { return trust.RunsOwnersCode(e.Plan.Server.Role, *one) }
	if t.Table == "" || table == nil || !slices.ContainsFunc(table.All(), runsCode) {
		return nil
	}
	return &codeWatch{server: e.Plan.Server, target: t, table: table, fills: fills}
}

// watchCode returns a watch of a target's table and, for an edge, of its parent; nil if there is nothing to watch.
func (e *Executor) watchCode(t step.Target, edge *step.Edge, table, parent *catalog.Table, fills bool) *codeWatch {
	w := e.newCodeWatch(t, table, fills)
	if edge == nil || parent == nil || edge.SelfReference() {
		return w
	}
	of := e.newCodeWatch(step.Target{Schema: parent.Schema, Table: parent.Name, Column: edge.ParentUUID}, parent, false)
	if w == nil {
		return of
	}
	w.parent = of
	return w
}

// watchReferring adds the tables that refer to the table of a primary key to a watch, which may be nil: moving their foreign keys reads
// them.
func (e *Executor) watchReferring(w *codeWatch, v step.View) *codeWatch {
	if v.Table == nil {
		return w
	}
	var known []sqltext.Table
	for _, k := range v.Table.ReferencedBy {
		child := v.Relation(k.Child)
		if child == nil || child.OID == v.Table.OID || slices.Contains(known, k.Child) {
			continue
		}
		known = append(known, k.Child)
		if of := e.newCodeWatch(step.Target{Schema: child.Schema, Table: child.Name}, child, false); of != nil {
			of.parent, w = w, of
		}
	}
	return w
}

// query returns the query of the fingerprint.
func (w *codeWatch) query() string {
	var oids []string
	for _, one := range w.table.All() {
		oids = append(oids, fmt.Sprint(one.OID))
	}
	return strings.ReplaceAll(codeFingerprintSQL, "ANY ($1)", "ANY ('{"+strings.Join(oids, ",")+"}'::pg_catalog.oid[])")
}

// check computes the fingerprint, and reads the code if the fingerprint has changed since the last check. It
// returns a problem if untrusted code was added.
func (w *codeWatch) check(ctx context.Context, tx pg.Tx) error {
	if w.parent != nil {
		if err := w.parent.check(ctx, tx); err != nil {
			return err
		}
	}
	var seal string
	if err := tx.QueryRow(ctx, w.query()).Scan(&seal); err != nil {
		return err
	}
	w.mu.Lock()
	known := w.fingerprint == seal
	w.mu.Unlock()
	if known {
		return nil
	}
	code, err := inspect.Code(ctx, tx, w.table.All(), []string{w.target.Column}, w.server.Role.ReplicaRole)
	if err != nil {
		return err
	}
	if why := plan.UntrustedCode(w.server, w.target, w.table, code, w.fills); why != "" {
		return message.TableAltered(w.target.String(), "Code was added after the plan was made:  "+why)
	}
	w.mu.Lock()
	w.fingerprint = seal
	w.mu.Unlock()
	return nil
}

// checkBatch runs check in the transaction of a batch, before its UPDATE. The lock prevents other sessions from
// adding a check, a trigger or a rule until the transaction ends.
func (w *codeWatch) checkBatch(ctx context.Context, tx pg.Tx) error {
	if w == nil {
		return nil
	}
	if err := w.parent.checkBatch(ctx, tx); err != nil {
		return err
	}
	lock := sqltext.Format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", sqltext.Table{Schema: w.table.Schema, Name: w.table.Name, Only: true})
	if _, err := tx.Exec(ctx, lock); err != nil {
		return err
	}
	return w.check(ctx, tx)
}

// guardQuery returns a query that returns a row if no code was added since the last check; "" if there is nothing
// to watch.
func (w *codeWatch) guardQuery() string {
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	own := "SELECT FROM (" + w.query() + ") AS code WHERE code.fingerprint = " + sqltext.Literal(w.fingerprint)
	return bothReturnRow(own, w.parent.guardQuery())
}

// checkCode checks the code of a table before an action. It returns nil if there is nothing to watch.
func (e *Executor) checkCode(ctx context.Context, g plan.Group, action step.Action, st *groupState) (*codeWatch, error) {
	if st.inspected == nil {
		return nil, nil //nolint:nilnil // the action is on no table
	}
	var parent *catalog.Table
	if g.Edge != nil {
		parent = st.inspected.Relation(g.Edge.Parent)
	}
	w := e.watchCode(g.Target, g.Edge, st.inspected.Table, parent, len(action.Fills()) > 0)
	if g.Key != nil {
		w = e.watchReferring(w, *st.inspected)
	}
	if w == nil {
		return nil, nil //nolint:nilnil // there is nothing to watch
	}
	return w, e.session.Read(ctx, func(tx pg.Tx) error { return w.check(ctx, tx) })
}
