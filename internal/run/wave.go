package run

import (
	"context"
	_ "embed"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/below.sql
var belowSQL string

// wave are the actions that one look is good for: the first, and those behind it that fail by themselves where the table
// was altered. In a tree it is the first, and where that is on a table below which nothing is,
// the first of each other such table. A tree of a thousand partitions would be looked at anew for each action on
// one of them otherwise. What concerns more than one table waits for a look of its own.
func wave(root *catalog.Table, actions []step.Action) []step.Action {
	if root == nil || len(root.Below) == 0 {
		sure := 1
		for sure < len(actions) && step.SelfChecking(actions[sure]) {
			sure++
		}
		return actions[:sure]
	}
	above := map[uint32]bool{}
	for _, table := range root.Below {
		above[table.Above] = true
	}
	leaf := map[string]bool{}
	for _, table := range root.Below {
		leaf[sqltext.Qualified(table.Schema, table.Name)] = !above[table.OID]
	}
	if !leaf[step.Table(actions[0])] {
		return actions[:1]
	}
	var first []step.Action
	for _, a := range actions {
		if table := step.Table(a); leaf[table] {
			first, leaf[table] = append(first, a), false
		}
	}
	return first
}

// stands reports whether the same tables are below the group's as in the last look.
func (l *look) stands(ctx context.Context, root *catalog.Table) bool {
	var oids []int64
	err := pg.Read(ctx, l.executor.Pool, func(tx pg.Tx) error {
		return tx.QueryRow(ctx, belowSQL, int64(root.OID)).Scan(&oids)
	})
	if err != nil || len(oids) != len(l.below) {
		return false
	}
	for _, oid := range oids {
		if _, there := l.below[uint32(oid)]; !there {
			return false
		}
	}
	return true
}
