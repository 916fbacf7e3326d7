package journal

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

// AtWork tells which run is at work in a scope; nil when none is, or none that this role may see.
func ActiveRun(ctx context.Context, pool *pgxpool.Pool, scope string, trusts ...string) (*HeldLease, error) {
	var holding *HeldLease
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		present, err := Readable(ctx, tx, trusts...)
		if err != nil || !present {
			return err
		}
		holding, err = LoadLease(ctx, tx, scope)
		return err
	})
	if err != nil || holding == nil || !holding.Live {
		return nil, err
	}
	return holding, nil
}
