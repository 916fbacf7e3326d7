package ordered

import (
	"context"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
)

// A process that was cut off may leave a batch whose COMMIT is on its way: it is done when nobody waits for
// it any more. Values drawn without sight of it could contradict it. So batches hold two advisory locks, of
// their table and of their region, which end with their transactions; a run begins, and a region is read,
// when no batch holds them. Nobody ever waits in a lock: that would hold a snapshot.

const tableKey = 0

// lock takes the locks of a batch.
func (f *filler) lockBatch(ctx context.Context, tx pg.Tx, region int) error {
	return f.tryLock(ctx, tx, "SELECT pg_try_advisory_xact_lock_shared($1, $2) AND pg_try_advisory_xact_lock_shared($1, $3)", tableKey, region+1)
}

// settle makes sure that no batch of the whole table is on its way.
func (f *filler) requireNoBatch(ctx context.Context, tx pg.Tx) error {
	return f.tryLock(ctx, tx, "SELECT pg_try_advisory_xact_lock($1, $2)", tableKey)
}

// settleRegion makes sure that none of a region is.
func (f *filler) requireNoBatchIn(ctx context.Context, tx pg.Tx, region int) error {
	return f.tryLock(ctx, tx, "SELECT pg_try_advisory_xact_lock($1, $2)", region+1)
}

func (f *filler) tryLock(ctx context.Context, tx pg.Tx, sql string, keys ...int) error {
	args := []any{int32(f.Table.OID)}
	for _, key := range keys {
		args = append(args, int32(key))
	}
	var locked bool
	if err := tx.QueryRow(ctx, sql, args...).Scan(&locked); err != nil {
		return err
	}
	if !locked {
		return backfill.ErrBusy
	}
	return nil
}
