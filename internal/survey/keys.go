package survey

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
)

// readKeys reads which functions of the database may contain statements that the switch of the primary keys changes.
func readKeys(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	if in.Direction == plan.Down || !in.Goal.AtLeast(plan.Switched) {
		return nil
	}
	var keys, tables []string
	for _, k := range plan.Build(*in).PrimaryKeys {
		if k.Progress != plan.KeySwitched && k.Key.Constraint != "" {
			keys, tables = append(keys, k.Key.Constraint), append(tables, k.Key.Table.Name)
		}
	}
	if keys == nil {
		return nil
	}
	in.Suspects, in.ConstraintUsers = map[plan.HazardName][]string{}, map[string][]string{}
	return fault.At(pg.Read(ctx, pool, func(tx pg.Tx) error {
		found, err := inspect.KeyFunctions(ctx, tx, keys, tables)
		for _, f := range found {
			name := plan.HazardName(f.Hazard)
			if name == plan.HazardOnConflictConstraint {
				in.ConstraintUsers[f.Object] = append(in.ConstraintUsers[f.Object], f.Function)
			} else if !slices.Contains(in.Suspects[name], f.Function) {
				in.Suspects[name] = append(in.Suspects[name], f.Function)
			}
		}
		return err
	}), "", "survey")
}
