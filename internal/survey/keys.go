package survey

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// readKeys reads which functions of the database may contain statements that the switch of the primary keys changes.
func readKeys(ctx context.Context, pool *pgxpool.Pool, in *plan.Input) error {
	if in.Direction == plan.Down || !in.Goal.AtLeast(plan.Switched) {
		return nil
	}
	var keys []inspect.KeyName
	for _, k := range plan.Build(*in).PrimaryKeys {
		if k.Progress != plan.KeySwitched {
			keys = append(keys, namesOf(k, in.Schema.Named(k.Key.Table))...)
		}
	}
	if keys == nil {
		return nil
	}
	in.Suspects, in.ConstraintUsers = map[plan.HazardName][]string{}, map[sqltext.Table][]string{}
	suspect := func(hazard plan.HazardName, function string) {
		if !slices.Contains(in.Suspects[hazard], function) {
			in.Suspects[hazard] = append(in.Suspects[hazard], function)
		}
	}
	return fault.At(pg.Read(ctx, pool, func(tx pg.Tx) error {
		found, err := inspect.KeyFunctions(ctx, tx, keys)
		for _, f := range found {
			if f.Groups {
				suspect(plan.HazardGroupBy, f.Function)
			}
			if f.ByValue {
				suspect(plan.HazardOnConflictConstraint, f.Function)
			}
			if name := (sqltext.Table{Schema: f.Key.Table.Schema, Name: f.Key.Constraint}); f.Names {
				in.ConstraintUsers[name] = append(in.ConstraintUsers[name], f.Function)
			}
		}
		return err
	}), "", "survey")
}

// namesOf returns the names of a primary key, and of the primary keys of the partitions that switch with it.
func namesOf(k plan.PrimaryKey, t *catalog.Table) (names []inspect.KeyName) {
	if t == nil || len(k.Key.Columns) == 0 {
		return nil
	}
	for _, one := range k.Tables(t) {
		for i := range one.Indexes {
			if index := &one.Indexes[i]; index.Primary {
				names = append(names, inspect.KeyName{Table: one.Named(), Constraint: index.Constraint})
			}
		}
	}
	return names
}
