package ordered

import (
	"context"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// The batch of a process that lost its connection may still be committed later, and values chosen without seeing it could
// contradict its values. So each batch holds two advisory locks until its transaction ends, of its table and of its region. A
// transaction that replaces or drops the stored plan holds the lock of its table, because the plan must not disappear while
// the next run reads it. A run begins, and a region is read, only while no transaction holds them. Nothing waits for these
// locks, because a waiting statement holds a snapshot.

const tableKey = 0

// batchLocks acquires the locks of a batch.
func (m *method) batchLocks(region int) pg.Precondition {
	table := int(int32(m.Table.OID))
	return pg.Precondition{
		Query: sqltext.Format("SELECT WHERE pg_try_advisory_xact_lock_shared(({})::int4, {}) AND pg_try_advisory_xact_lock_shared(({})::int4, {})", table, tableKey, table, region+1),
		Err:   backfill.ErrBusy,
	}
}

// lockPlan acquires the lock of a transaction that replaces or drops the stored plan.
func lockPlan(ctx context.Context, tx pg.Tx, relation uint32) error {
	return tryLock(ctx, tx, relation, "SELECT pg_try_advisory_xact_lock_shared($1, $2)", tableKey)
}

// requireNoBatch returns backfill.ErrBusy while a batch of the table, or a change of its plan, is in progress.
func (m *method) requireNoBatch(ctx context.Context, tx pg.Tx) error {
	return tryLock(ctx, tx, m.Table.OID, "SELECT pg_try_advisory_xact_lock($1, $2)", tableKey)
}

// requireNoBatchIn returns backfill.ErrBusy while a batch of a region is in progress.
func (m *method) requireNoBatchIn(ctx context.Context, tx pg.Tx, region int) error {
	return tryLock(ctx, tx, m.Table.OID, "SELECT pg_try_advisory_xact_lock($1, $2)", region+1)
}

func tryLock(ctx context.Context, tx pg.Tx, relation uint32, sql string, keys ...int) error {
	args := []any{int32(relation)}
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
