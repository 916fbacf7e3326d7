package run

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const (
	// holdTime is how long the table is locked at a time, in addition to the batches that are running. Changes of the table wait as
	// long.
	holdTime = 200 * time.Millisecond
	// holdLockTimeout bounds the wait for the lock, because other sessions may queue behind it.
	holdLockTimeout = 50 * time.Millisecond
	// holdStatementTimeout bounds the other statements, which read the catalogue.
	holdStatementTimeout = 5 * time.Second
)

// tableHold locks a table on the coordinator while batches write to its shards, as their own writes through the coordinator would.
// Otherwise a conversion of the table (undistribute_table, alter_distributed_table) could copy a row before it gets its value: that value
// would be lost after the application has read it. The lock is taken again every holdTime, so that a change of the table need not wait
// for the end of the filling.
type tableHold struct {
	pool         *pgxpool.Pool
	table        sqltext.Table
	oid          uint32
	retryTimeout time.Duration   // how long the lock is tried before batches fail
	stop         <-chan struct{} // closed to end the run

	gate   sync.RWMutex // batches hold it for reading; it is held for writing while the table is not locked
	err    error        // why batches cannot pass any more
	ending chan struct{}
}

// startHold starts to lock a table of the plan. Batches pass once the lock is granted. The returned function ends it.
func (e *Executor) startHold(ctx context.Context, table sqltext.Table, oid uint32) (h *tableHold, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	h = &tableHold{pool: e.Pool, table: table, oid: oid, retryTimeout: e.Limits.LockRetryTimeout, stop: e.Stop, ending: make(chan struct{})}
	h.gate.Lock()
	go func() {
		defer close(h.ending)
		h.keep(ctx)
	}()
	return h, func() {
		cancel()
		<-h.ending
	}
}

// passInterval is the time between two attempts of a batch to pass.
const passInterval = 2 * time.Millisecond

// pass lets a batch pass. It blocks while the table cannot be locked, and returns [backfill.ErrStopped] when the run is to end.
func (h *tableHold) pass() (leave func(), err error) {
	for !h.gate.TryRLock() {
		select {
		case <-h.stop:
			return nil, backfill.ErrStopped
		case <-time.After(passInterval):
		}
	}
	if h.err != nil {
		h.gate.RUnlock()
		return nil, h.err
	}
	return h.gate.RUnlock, nil
}

// keep locks the table again and again until the context ends or the table cannot be locked. It begins with the gate held for writing, and
// leaves it open with an error.
func (h *tableHold) keep(ctx context.Context) {
	defer h.gate.Unlock()
	for attempts, since := 1, time.Now(); ; attempts++ {
		held := false
		err := pg.Run(ctx, h.pool, pg.Settings{Lock: holdLockTimeout, Statement: holdStatementTimeout}, func(tx pg.Tx) error {
			err := h.hold(ctx, tx)
			held = err == nil
			return err
		})
		if held {
			attempts, since = 0, time.Now()
		}
		if h.err = h.failure(ctx, err, attempts, time.Since(since)); h.err != nil {
			return
		}
		if err == nil {
			continue
		}
		select { // the table is locked by others, or the coordinator does not answer
		case <-time.After(holdLockTimeout):
		case <-ctx.Done():
		}
	}
}

// failure returns why no more batches can pass after an attempt to lock the table, nil if it is tried again.
func (h *tableHold) failure(ctx context.Context, err error, attempts int, tried time.Duration) error {
	serverErr, refused := errors.AsType[*pgconn.PgError](err)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return nil
	case tried > h.retryTimeout:
		return message.LockTimeout(h.table.String(), attempts, holdLockTimeout, h.retryTimeout, nil, err)
	case alteredProblem(err) != nil:
		return err
	case refused && !pg.Lost(err) && !slices.Contains([]string{pgerrcode.LockNotAvailable, pgerrcode.DeadlockDetected, pgerrcode.QueryCanceled}, serverErr.Code):
		return err // the table was dropped or renamed
	}
	return nil
}

// hold locks the table in a transaction, and opens the gate for a while.
func (h *tableHold) hold(ctx context.Context, tx pg.Tx) error {
	for _, sql := range []string{
		"SET LOCAL citus.enable_ddl_propagation = off", // the nodes need no lock on the table
		sqltext.Format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", h.table),
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	var same bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid::oid = $1::oid AND logicalrelid::oid = to_regclass($2))",
		int64(h.oid), sqltext.Format("{}", h.table.All())).Scan(&same)
	if err != nil {
		return err
	}
	if !same {
		return message.TableAltered(h.table.String(), "It was converted or dropped")
	}
	h.gate.Unlock()
	defer h.gate.Lock()
	select {
	case <-time.After(holdTime):
	case <-ctx.Done():
	}
	return nil
}
