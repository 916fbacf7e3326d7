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

// wave are the actions that one look is good for: the first, and those behind it that fail by themselves where the table
// was altered. In a tree it is the first, and where that is on a table below which nothing is,
// the first of each other such table. A tree of a thousand partitions would be looked at anew for each action on
// one of them otherwise. What concerns more than one table waits for a look of its own.
func nextWave(root *catalog.Table, actions []step.Action) []step.Action {
	if root == nil || len(root.Below) == 0 {
		independent := 1
		for independent < len(actions) && step.SelfChecking(actions[independent]) {
			independent++
		}
		return actions[:independent]
	}
	above := map[uint32]bool{}
	for _, table := range root.Below {
		above[table.Above] = true
	}
	isLeaf := map[string]bool{}
	for _, table := range root.Below {
		isLeaf[sqltext.Qualified(table.Schema, table.Name)] = !above[table.OID]
	}
	if !isLeaf[step.Table(actions[0])] {
		return actions[:1]
	}
	var first []step.Action
	for _, a := range actions {
		if table := step.Table(a); isLeaf[table] {
			first, isLeaf[table] = append(first, a), false
		}
	}
	return first
}

// stands reports whether the same tables are below the group's as in the last look.
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
