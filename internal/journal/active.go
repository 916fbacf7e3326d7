package journal

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

// ActiveRun returns the lease of the active run in a schema. It returns nil if no run is active, or if the role may
// not read the journal.
func ActiveRun(ctx context.Context, pool *pgxpool.Pool, schema string, trusts ...string) (*HeldLease, error) {
	var lease *HeldLease
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		present, err := Readable(ctx, tx, trusts...)
		if err != nil || !present {
			return err
		}
		lease, err = LoadLease(ctx, tx, schema)
		return err
	})
	if err != nil || lease == nil || !lease.Live {
		return nil, err
	}
	return lease, nil
}
