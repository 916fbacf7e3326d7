package run

import (
	"context"
	_ "embed"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/descendants.sql
var descendantsSQL string

// nextWave returns the actions that one inspection is valid for: the first one, and those that follow and fail by
// themselves if the table was altered. In a tree it is the first action, and if that is on a leaf table, the first
// action on each other leaf; otherwise a tree of a thousand partitions would be inspected again for each action on
// one of them.
func nextWave(root *catalog.Table, actions []step.Action) []step.Action {
	if root == nil || len(root.Below) == 0 {
		independent := 1
		for independent < len(actions) && actions[independent].SelfChecking() {
			independent++
		}
		return actions[:independent]
	}
	above := map[uint32]bool{}
	for _, table := range root.Below {
		above[table.Above] = true
	}
	isLeaf := map[sqltext.Table]bool{}
	for _, table := range root.Below {
		isLeaf[table.Named()] = !above[table.OID]
	}
	leaf := func(a step.Action) (table sqltext.Table, yes bool) {
		if tables := a.Tables(); len(tables) == 1 {
			table = tables[0]
		}
		return table, isLeaf[table]
	}
	if _, yes := leaf(actions[0]); !yes {
		return actions[:1]
	}
	var first []step.Action
	for _, a := range actions {
		if table, yes := leaf(a); yes {
			first, isLeaf[table] = append(first, a), false
		}
	}
	return first
}

// sameDescendants reports whether the table has the same descendants as at the last inspection.
func (st *groupState) sameDescendants(ctx context.Context, root *catalog.Table) bool {
	var oids []int64
	err := pg.Read(ctx, st.executor.Pool, func(tx pg.Tx) error {
		return tx.QueryRow(ctx, descendantsSQL, int64(root.OID)).Scan(&oids)
	})
	if err != nil || len(oids) != len(st.descendants) {
		return false
	}
	for _, oid := range oids {
		if _, there := st.descendants[uint32(oid)]; !there {
			return false
		}
	}
	return true
}
