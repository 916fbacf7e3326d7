package run

import (
	"context"
	"errors"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/backfill/ordered"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/step"
)

// fillShards fills the rows of a table whose shards are on the nodes of a cluster, on all nodes side by side. A shard that moves away
// is left out: the coordinator finds its rows without a value afterwards, and the step fills again.
func (e *Executor) fillShards(ctx context.Context, g plan.Group, t step.Target, table *catalog.Table, st *groupState) error {
	cutoff, err := e.beginSharded(ctx, g, t, table)
	if err != nil {
		return err
	}
	var nodes []catalog.Node
	err = pg.Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
		nodes, err = cluster.NodesOf(ctx, tx, table.OID)
		return err
	})
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
	filled := make([]int64, len(nodes))
	for _, n := range nodes {
		events.node(n.Address())
	}
	err = backfill.Together(ctx, max(len(nodes), 1), func(ctx context.Context, i int) (err error) {
		defer func() {
			if err != nil && ctx.Err() != nil { // another node's error has ended this one
				err = context.Cause(ctx)
			}
		}()
		if i < len(nodes) {
			filled[i], err = e.fillNode(ctx, nodes[i], shardsOf{g, t, table, cutoff, hold}, events)
		}
		return err
	})
	for _, rows := range filled {
		e.totals.rows += rows
	}
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
			rows, err := n.fillShard(ctx, e, of, shard)
			filled += rows
			sink.shardDone(rows)
			if errors.Is(err, cluster.ErrMoved) {
				e.Emit.Emit(event.Notice{Table: of.group.String(), Text: "shard " + shard.Relation + " has moved away from node " + node.Address() + "; it is filled where it is now"})
				err = nil
			}
			if err != nil {
				return filled, above, err
			}
			above = shard.ID
		}
	}
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
		var moves []catalog.ShardMove
		err := pg.Read(ctx, e.Pool, func(tx pg.Tx) (err error) {
			moves, err = inspect.ShardMoves(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		reason := ""
		for _, m := range moves {
			if m.State == "running" && (m.Colocation == table.Sharding.Colocation && m.Colocation != 0 || m.Relation == table.Named().String()) {
				reason = "a " + m.Kind + " of shards of " + m.Relation + " is running"
			}
		}
		if reason == "" {
			e.Pace.Resume(moving)
		} else {
			e.Pace.Pause(moving, reason)
		}
		return nil
	})
}
