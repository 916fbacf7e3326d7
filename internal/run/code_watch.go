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

// codeWatch keeps code that the owner of a table adds during a run from running with rights that he has not. It checks
// before every action, in the transaction of every batch, and behind the lock of every change. The seal is a text made of
// the catalogue's rows: while it is the same, no code has come since the last check.
type codeWatch struct {
	server catalog.Server
	target step.Target
	table  *catalog.Table // with all below it
	fills  bool

	mu          sync.Mutex
	fingerprint string
}

// codeWatch returns nil where the role has no rights that the owners of the table and of those below it have not.
func (e *Executor) newCodeWatch(t step.Target, table *catalog.Table, fills bool) *codeWatch {
	lends := func(one *catalog.Table) bool { return trust.RunsOwnersCode(e.Plan.Server.Role, *one) }
	if t.Table == "" || table == nil || !slices.ContainsFunc(table.All(), lends) {
		return nil
	}
	return &codeWatch{server: e.Plan.Server, target: t, table: table, fills: fills}
}

// sealed is the query of the seal.
func (w *codeWatch) query() string {
	var oids []string
	for _, one := range w.table.All() {
		oids = append(oids, fmt.Sprint(one.OID))
	}
	return strings.ReplaceAll(codeFingerprintSQL, "ANY ($1)", "ANY ('{"+strings.Join(oids, ",")+"}'::pg_catalog.oid[])")
}

// check reads the seal, and the code itself where the seal is another one.
func (w *codeWatch) check(ctx context.Context, tx pg.Tx) error {
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
		return message.AlteredMeanwhile(w.target.String(), "Code has come that the plan has not seen: "+why)
	}
	w.mu.Lock()
	w.fingerprint = seal
	w.mu.Unlock()
	return nil
}

// batch is check in the transaction of a batch, before its UPDATE: under this lock no session adds a check, a trigger or a rule
// until it has ended.
func (w *codeWatch) checkBatch(ctx context.Context, tx pg.Tx) error {
	if w == nil {
		return nil
	}
	lock := sqltext.Format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", sqltext.Table{Schema: w.table.Schema, Name: w.table.Name, Only: true})
	if _, err := tx.Exec(ctx, lock); err != nil {
		return err
	}
	return w.check(ctx, tx)
}

// guard is a query that returns a row as long as nothing has come since the last check; "" where nothing is watched.
func (w *codeWatch) guardQuery() string {
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return "SELECT FROM (" + w.query() + ") AS sealed WHERE sealed.seal = " + sqltext.Literal(w.fingerprint)
}

// code checks before an action, and returns what watches over it; nil where nothing is to be watched.
func (e *Executor) checkCode(ctx context.Context, g plan.Group, action step.Action, st *groupState) (*codeWatch, error) {
	if st.inspected == nil {
		return nil, nil //nolint:nilnil // it is about no table
	}
	_, fills := action.(step.Fill)
	w := e.newCodeWatch(g.Target, st.inspected.Table, fills)
	if w == nil {
		return nil, nil //nolint:nilnil // the owner has these rights
	}
	return w, e.session.Read(ctx, func(tx pg.Tx) error { return w.check(ctx, tx) })
}
