package survey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// numbers reads, of the tables whose rows are to be filled, in which unit integers count the time since 1970.
func numbers(ctx context.Context, pool *pgxpool.Pool, s *plan.Input) error {
	names := chosen(s)
	for i := range s.Schema.Relations {
		table := &s.Schema.Relations[i]
		target, meant := target(s, table, names)
		if c := table.Column(target.Column); !meant || c != nil && c.NotNull || !readable(table, s.Server.Role) || s.RunsUntrustedCode(table) {
			continue
		}
		for _, column := range s.EpochCandidates(table) {
			if err := number(ctx, pool, table, column); err != nil {
				return err
			}
		}
	}
	return nil
}

// number reads the unit of one column; the tables below count as the one above them does.
func number(ctx context.Context, pool *pgxpool.Pool, table *catalog.Table, column string) error {
	pages := int64(0)
	for _, one := range table.All() {
		pages += one.Pages
	}
	return pg.Read(ctx, pool, func(tx pg.Tx) error {
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

// readable reports whether a table and all below it may be read and show all their rows; what may not is
// refused.
func readable(table *catalog.Table, role catalog.Role) bool {
	for _, one := range table.All() {
		if !one.Owned || one.Hides(role) || one.Kind != catalog.Ordinary && one.Kind != catalog.Partitioned || one.Persistence == "t" {
			return false
		}
	}
	return true
}
