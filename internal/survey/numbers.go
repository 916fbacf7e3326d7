package survey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// readUnits reads, for the tables whose rows are to be filled, the unit in which their integer columns count the
// time since 1970.
func readUnits(ctx context.Context, pool *pgxpool.Pool, in *plan.Input, goals plan.Goals) error {
	for _, goal := range goals.Tables {
		table := goal.Table
		if c := table.Column(goal.Target.Column); c != nil && c.NotNull || !isReadable(table, in.Server.Role) || in.RunsUntrustedCode(table) {
			continue
		}
		for _, column := range in.EpochCandidates(goal) {
			if err := readUnit(ctx, pool, in.Server, table, column); err != nil {
				return err
			}
		}
	}
	return nil
}

// readUnit reads the unit of one column. The descendants of a table have the same unit.
func readUnit(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, table *catalog.Table, column string) error {
	pages := int64(0)
	for _, one := range table.All() {
		pages += one.Pages
	}
	return guard.Reading(server, table).Read(ctx, pool, func(tx pg.Tx) error {
		some, err := inspect.SampleNumbers(ctx, tx, sqltext.Table{Schema: table.Schema, Name: table.Name}, column, pages)
		if err != nil || some.Least == nil {
			return err
		}
		unit := order.UnitOf(*some.Least, *some.Most, some.Now)
		for _, one := range table.All() {
			if c := one.Column(column); c != nil {
				c.Epoch = unit
			}
		}
		return nil
	})
}

// isReadable reports whether the role may read all rows of a table and of its descendants. Otherwise the plan
// refuses the table.
func isReadable(table *catalog.Table, role catalog.Role) bool {
	for _, one := range table.All() {
		if !one.Owned || one.Hides(role) || one.Kind != catalog.Ordinary && one.Kind != catalog.Partitioned || one.Persistence == "t" {
			return false
		}
	}
	return true
}
