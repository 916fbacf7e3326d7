package run

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// fillShards fills the rows of a table whose shards are on the nodes of a cluster, on all nodes side by side. A shard that moves away
// is filled where it is, in another round.
func (e *Executor) fillShards(ctx context.Context, g plan.Group, t step.Target, table *catalog.Table, st *groupState) error {
	cutoff, err := e.beginSharded(ctx, g, t, table)
	if err != nil {
		return err
	}
	if table.Pages > largeTablePages {
		e.session.Close(ctx)
	}
	e.setActivity(ctx, g, t, true)
	defer e.setActivity(ctx, g, g.Target, false)
	watching, end := background(ctx)
	defer end()
	hold, endHold := e.startHold(ctx, t.Rows(), table.OID)
	defer endHold()
	watching(func(ctx context.Context) { e.pauseWhileMoving(ctx, table) })
	events := &shardEvents{table: g.String(), total: max(int64(table.Rows), 0), out: e.Emit}
	of := shardsOf{group: g, target: t, table: table, cutoff: cutoff, hold: hold, done: &sync.Map{}, moved: &atomic.Int64{}, said: &sync.Map{}}
	err = e.repeatRounds(ctx, of, events)
	if errors.Is(err, backfill.ErrStopped) {
		return e.stopError()
	}
	if err != nil {
		return err
	}
	st.backfilled, st.filled = true, nil // the coordinator reads again whether all rows have a value
	return nil
}

// shardsOf is the table whose shards are filled.
type shardsOf struct {
	group  plan.Group
	target step.Target
	table  *catalog.Table
	cutoff time.Time // of the column
	hold   *tableHold
	done   *sync.Map     // the numbers of the shards that are filled, in any round; a move leaves a shard its number
	moved  *atomic.Int64 // shards that the current round has found moved
	said   *sync.Map     // the shards and nodes of which a line has said that the shard has moved away
}

// roundPause is the pause before shards that have moved are filled where they are.
const roundPause = time.Second

// repeatRounds fills the shards of a table until a round finds none moved. It returns a problem after pauses of the lock retry timeout without
// a row that was filled: a shard is then not where the coordinator's metadata say.
func (e *Executor) repeatRounds(ctx context.Context, of shardsOf, events *shardEvents) error {
	for paused := time.Duration(0); ; paused += roundPause {
		of.moved.Store(0)
		rows, err := e.fillRound(ctx, of, events)
		e.totals.rows += rows
		if rows > 0 {
			paused = 0
		}
		switch moved := of.moved.Load(); {
		case err != nil || moved == 0:
			return err
		case paused > e.Limits.LockRetryTimeout:
			return message.ShardsNotFound(of.group.String(), moved, e.Limits.LockRetryTimeout)
		}
		if err := e.sleep(ctx, roundPause); err != nil {
			return err
		}
	}
}

// fillRound fills every shard that is not filled yet once, on the nodes that have it now.
func (e *Executor) fillRound(ctx context.Context, of shardsOf, events *shardEvents) (rows int64, err error) {
	var nodes []catalog.Node
	err = pg.Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
		nodes, err = cluster.NodesOf(ctx, tx, of.table.OID)
		return err
	})
	if err != nil {
		return 0, err
	}
	filled := make([]int64, len(nodes))
	for _, n := range nodes {
		events.node(n.Address())
	}
	err = backfill.Together(ctx, len(nodes), func(ctx context.Context, i int) (err error) {
		filled[i], err = e.fillNode(ctx, nodes[i], of, events)
		return err
	})
	for _, n := range filled {
		rows += n
	}
	return rows, err
}

// withSizes returns a copy of a table of a cluster with the sizes of its shards, which only the plan has read.
func (e *Executor) withSizes(g plan.Group, t step.Target, table *catalog.Table) *catalog.Table {
	sized := *table
	if planned := e.Plan.Table(g, t); planned != nil {
		sized.Pages, sized.Rows, sized.Bytes = planned.Pages, planned.Rows, planned.Bytes
	}
	return &sized
}

// beginSharded records on the coordinator how a table is filled, and returns the cutoff of its column for all shards.
func (e *Executor) beginSharded(ctx context.Context, g plan.Group, t step.Target, table *catalog.Table) (time.Time, error) {
	begin := e.onStart(e.Plan.OrderOf(g, t, table), backfill.Job{Table: *table, Column: t.Column})
	if begin == nil {
		return time.Now(), nil
	}
	var start ordered.Start
	err := writeJournal(ctx, e.Pool, func(tx pg.Tx) error {
		if err := e.Lease.Guard(ctx, tx); err != nil {
			return err
		}
		var err error
		start, err = begin(ctx, tx)
		return err
	})
	return start.Cutoff, err
}

// nodeRetryPause is the pause before a node is tried again that has gone away.
const nodeRetryPause = time.Second

// fillNode fills the table's shards on one node, one after the other. It begins again where it was when the node was away for a while,
// as long as it comes back within the retry timeout.
func (e *Executor) fillNode(ctx context.Context, node catalog.Node, of shardsOf, events *shardEvents) (filled int64, err error) {
	sink := events.node(node.Address())
	defer sink.end()
	above, since, away := int64(0), time.Now(), false
	for {
		var rows, before int64
		before = above
		rows, above, err = e.fillNodeOnce(ctx, node, of, sink, above)
		if filled += rows; rows > 0 || above > before {
			since, away = time.Now(), false
		}
		if err == nil || ctx.Err() != nil || !pg.Lost(err) || time.Since(since) > e.Limits.LockRetryTimeout {
			return filled, err
		}
		e.endNodeRun(ctx, node)
		if !away {
			e.Emit.Emit(event.Notice{Table: of.group.String(), Text: "node " + node.Address() + " does not answer; its shards are filled when it does"})
		}
		away = true
		if err := e.sleep(ctx, nodeRetryPause); err != nil {
			return filled, err
		}
	}
}

// fillNodeOnce fills the shards of a node above a number. It returns the number of the last shard that it has filled.
func (e *Executor) fillNodeOnce(ctx context.Context, node catalog.Node, of shardsOf, sink *nodeSink, above int64) (filled, last int64, err error) {
	n, err := e.nodeRun(ctx, node, sink)
	if err != nil {
		return 0, above, err
	}
	for {
		var shards []cluster.Shard
		err := pg.Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
			shards, err = cluster.NextShards(ctx, tx, of.table.OID, node.Group, above)
			return err
		})
		if err != nil || len(shards) == 0 {
			return filled, above, err
		}
		for _, shard := range shards {
			if isLost(n.lease) {
				return filled, above, errNodeAway
			}
			rows, err := e.fillShardOnce(ctx, n, of, shard, sink)
			if filled += rows; err != nil {
				return filled, above, err
			}
			above = shard.ID
		}
	}
}

// fillShardOnce fills a shard that no round has filled. A shard that has moved away is left to another round.
func (e *Executor) fillShardOnce(ctx context.Context, n *nodeRun, of shardsOf, shard cluster.Shard, sink *nodeSink) (int64, error) {
	if _, ok := of.done.Load(shard.ID); ok {
		return 0, nil
	}
	rows, err := n.fillShard(ctx, e, of, shard)
	sink.shardDone(rows)
	switch {
	case err == nil:
		of.done.Store(shard.ID, true)
	case errors.Is(err, cluster.ErrMoved):
		of.moved.Add(1)
		if _, known := of.said.LoadOrStore(shard.Relation+sink.address, true); known {
			return rows, nil
		}
		e.Emit.Emit(event.Notice{Table: of.group.String(), Text: "shard " + shard.Relation + " has moved away from node " + sink.address + "; it is filled where it is now"})
		err = nil
	}
	return rows, err
}

// errNodeAway reports that the lease of a node has expired.
var errNodeAway = &pg.SilentError{Unreachable: true}

// movesInterval is the time between two readings of the moves of shards.
const movesInterval = 2 * time.Second

// moving is the signal of a pause while shards of the table's colocation group move.
const moving = "shards"

// pauseWhileMoving pauses the run while shards of the table's colocation group move. It spares the cluster the work: what keeps values
// from being lost is the lock of each batch.
func (e *Executor) pauseWhileMoving(ctx context.Context, table *catalog.Table) {
	defer e.Pace.Resume(moving)
	poll(ctx, movesInterval, func() error {
		reason, err := e.movesOf(ctx, table)
		switch {
		case err != nil:
			return err
		case reason == "":
			e.Pace.Resume(moving)
		default:
			e.Pace.Pause(moving, reason)
		}
		return nil
	})
}

// awaitMoves waits while shards of the table's colocation group move, and reports whether it has waited. A move takes the same locks as a
// change of the table; the build of an index and a rebalance would wait for each other. The wait has no limit: the move may take days.
func (e *Executor) awaitMoves(ctx context.Context, g plan.Group, table *catalog.Table) (waited bool, err error) {
	defer e.Pace.Resume(moving)
	for table != nil && table.Sharding != nil {
		reason, err := e.movesOf(ctx, table)
		if err != nil || reason == "" {
			return waited, err
		}
		if !waited {
			e.Emit.Emit(event.Notice{Table: g.String(), Text: "waiting: " + reason})
		}
		waited = true
		e.Pace.Pause(moving, reason) // for status
		if err := e.sleep(ctx, movesInterval); err != nil {
			return waited, err
		}
	}
	return waited, nil
}

// movesOf names a move of shards of the table's colocation group that is running; "" if there is none.
func (e *Executor) movesOf(ctx context.Context, table *catalog.Table) (reason string, err error) {
	var moves []catalog.ShardMove
	err = pg.Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
		moves, err = inspect.ShardMoves(ctx, tx)
		return err
	})
	for _, m := range moves {
		if m.Runs() && (m.Colocation == table.Sharding.Colocation && m.Colocation != 0 || m.Relation == table.Named().String()) {
			return "a " + m.Kind + " of shards of " + m.Relation + " is running", err
		}
	}
	return "", err
}
