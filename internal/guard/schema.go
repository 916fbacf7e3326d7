package guard

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// UnreadableTables returns the refusal of each table of a schema that cannot be read without running code that the role must not run.
// It reads the catalogue only. trusts names further owners to trust.
func UnreadableTables(ctx context.Context, pool *pgxpool.Pool, schema string, trusts []string) (refused problem.List, err error) {
	server, err := inspect.Server(ctx, pool)
	if err != nil {
		return nil, err
	}
	server.Role.Trusts = trusts
	err = pg.Read(ctx, pool, func(tx pg.Tx) error {
		refused = nil
		found, err := inspect.Schema(ctx, tx, inspect.Request{Schema: schema, All: true})
		if err != nil {
			return err
		}
		var tables, all []*catalog.Table
		for i := range found.Relations {
			if t := &found.Relations[i]; t.Kind == catalog.Ordinary || t.Kind == catalog.Partitioned {
				tables, all = append(tables, t), append(all, t.All()...)
			}
		}
		code, err := inspect.Code(ctx, tx, all, nil, server.Role.ReplicaRole)
		for _, t := range roots(tables) {
			refused = append(refused, plan.RefuseCode(server, step.Target{Schema: schema, Table: t.Name}, t, code, false)...)
		}
		return err
	})
	return refused, err
}

// roots returns the tables that are not below another one of them, whose refusals name the code of the tables below it too.
func roots(tables []*catalog.Table) []*catalog.Table {
	below := map[sqltext.Table]bool{}
	for _, t := range tables {
		for i := range t.Below {
			below[t.Below[i].Named()] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(tables), func(t *catalog.Table) bool { return below[t.Named()] })
}
