package run

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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
	pool  *pgxpool.Pool
	table sqltext.Table
	oid   uint32

	gate   sync.RWMutex // batches hold it for reading; it is held for writing while the table is not locked
	err    error        // why batches cannot pass any more
	ending chan struct{}
}

// startHold starts to lock a table. Batches pass once the lock is granted. The returned function ends it.
func startHold(ctx context.Context, pool *pgxpool.Pool, table sqltext.Table, oid uint32) (h *tableHold, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	h = &tableHold{pool: pool, table: table, oid: oid, ending: make(chan struct{})}
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

// pass lets a batch pass. It blocks while the table cannot be locked.
func (h *tableHold) pass() (leave func(), err error) {
	h.gate.RLock()
	if h.err != nil {
		h.gate.RUnlock()
		return nil, h.err
	}
	return h.gate.RUnlock, nil
}

// keep locks the table again and again until the context ends. It begins and ends with the gate held for writing, and leaves the gate
// open with an error.
func (h *tableHold) keep(ctx context.Context) {
	defer h.gate.Unlock()
	for {
		err := pg.Run(ctx, h.pool, pg.Settings{Lock: holdLockTimeout, Statement: holdStatementTimeout}, func(tx pg.Tx) error { return h.hold(ctx, tx) })
		switch {
		case ctx.Err() != nil:
			h.err = context.Cause(ctx)
			return
		case err != nil && alteredProblem(err) != nil:
			h.err = err
			return
		}
		pause := time.Duration(0)
		if err != nil { // the table is locked by others, or the coordinator does not answer
			pause = holdLockTimeout
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
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
