package run

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/trust"
)

//go:embed queries/seal.sql
var sealSQL string

// codeWatch keeps code that the owner of tables adds during a run from running with the rights of the run's role. It
// checks before every action, and in the transaction of every batch and every change: a text made of the catalogue's
// rows, the seal, says whether anything has changed since the last check.
type codeWatch struct {
	plan  plan.Plan
	group plan.Group
	root  *catalog.Table
	table *catalog.Table // the one that is filled; nil: all of them
	fills bool

	mu   sync.Mutex
	seal string
}

// codeWatch returns nil where the role has no rights that an owner of the tables has not.
func (e *Executor) codeWatch(g plan.Group, root, table *catalog.Table, fills bool) *codeWatch {
	if g.Target.Table == "" || root == nil {
		return nil
	}
	for _, one := range root.All() {
		if trust.Lends(e.Plan.Server.Role, *one) {
			return &codeWatch{plan: e.Plan, group: g, root: root, table: table, fills: fills}
		}
	}
	return nil
}

func (w *codeWatch) tables() []*catalog.Table {
	if w.table != nil {
		return []*catalog.Table{w.table}
	}
	return w.root.All()
}

// sealed is the query of the seal.
func (w *codeWatch) sealed() string {
	var oids []string
	for _, one := range w.tables() {
		oids = append(oids, fmt.Sprint(one.OID))
	}
	return strings.ReplaceAll(sealSQL, "ANY ($1)", "ANY ('{"+strings.Join(oids, ",")+"}'::pg_catalog.oid[])")
}

// check reads the seal, and the code itself where the seal is another one.
func (w *codeWatch) check(ctx context.Context, tx pg.Tx) error {
	var seal string
	if err := tx.QueryRow(ctx, w.sealed()).Scan(&seal); err != nil {
		return err
	}
	w.mu.Lock()
	known := w.seal == seal
	w.mu.Unlock()
	if known {
		return nil
	}
	code, err := inspect.Code(ctx, tx, w.tables(), []string{w.group.Target.Column}, w.plan.Server.Role.ReplicaRole)
	if err != nil {
		return err
	}
	if found := w.plan.Untrusted(w.group, w.root, code, w.fills); found != nil {
		return found
	}
	w.mu.Lock()
	w.seal = seal
	w.mu.Unlock()
	return nil
}

// batch is check in the transaction of a batch, before its UPDATE: with this lock nobody adds a check, a trigger or an
// index until it has ended.
func (w *codeWatch) batch(ctx context.Context, tx pg.Tx) error {
	if w == nil {
		return nil
	}
	if _, err := tx.Exec(ctx, sqltext.Format("LOCK TABLE ONLY {} IN ROW EXCLUSIVE MODE", sqltext.Table{Schema: w.table.Schema, Name: w.table.Name})); err != nil {
		return err
	}
	return w.check(ctx, tx)
}

// guarded adds the seal to the guard of a change: behind the lock it is what the check has seen.
func (w *codeWatch) guarded(guard string) string {
	if w == nil {
		return guard
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	same := "SELECT FROM (" + w.sealed() + ") AS sealed WHERE sealed.seal = " + sqltext.Literal(w.seal)
	if guard == "" {
		return same
	}
	return "SELECT FROM (" + guard + ") AS guard, (" + same + ") AS code"
}

// code checks before an action, and gives what watches over it.
func (e *Executor) code(ctx context.Context, g plan.Group, action step.Action, l *look) (*codeWatch, error) {
	if l.seen == nil {
		return nil, nil //nolint:nilnil // nothing to watch over
	}
	_, fills := action.(step.Fill)
	w := e.codeWatch(g, l.seen.Table, nil, fills)
	if w == nil {
		return nil, nil //nolint:nilnil // nothing to watch over
	}
	return w, e.lane.Read(ctx, func(tx pg.Tx) error { return w.check(ctx, tx) })
}
