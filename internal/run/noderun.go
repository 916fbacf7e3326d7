package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/problem"
)

// nodeRun is the part of a run that fills rows on one node of a cluster. It has what a run on a server of its own has: a lease and
// checkpoints in the journal of the node, a pace that its own probe steers, and the signals of the node's standbys. It is used by one
// goroutine at a time, for one table after the other.
type nodeRun struct {
	pool   *pgxpool.Pool
	server catalog.Server
	lease  *journal.Lease
	pace   *pace.Pace
	impact *impactLoop
	watch  *throttle.Watch
	// session inspects one shard after the other. It is closed while a large shard is filled, and opens again.
	session *pg.Session
	end     func(context.Context)

	mu   sync.Mutex
	sink *nodeSink // of the table in work
}

// emit passes an event to the sink of the table in work.
func (n *nodeRun) emit(e event.Event) {
	n.mu.Lock()
	sink := n.sink
	n.mu.Unlock()
	sink.emit(e)
}

// nodeRun returns the run of a node, which it starts at its first use and when its lease was lost.
func (e *Executor) nodeRun(ctx context.Context, node catalog.Node, sink *nodeSink) (*nodeRun, error) {
	e.nodeRuns.Lock()
	n := e.nodeRuns.running[node.Group]
	e.nodeRuns.Unlock()
	if n != nil && n.lease != e.Lease && isLost(n.lease) {
		e.endNodeRun(ctx, node)
		n = nil
	}
	if n == nil {
		var err error
		if n, err = e.startNodeRun(ctx, node, sink); err != nil {
			return nil, err
		}
		e.nodeRuns.Lock()
		defer e.nodeRuns.Unlock()
		e.nodeRuns.running[node.Group] = n
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sink = sink
	return n, nil
}

// nodeRuns are the parts of a run on the nodes of a cluster, by group.
type nodeRuns struct {
	sync.Mutex
	running map[int32]*nodeRun
}

// endNodeRun ends the run of a node, if there is one.
func (e *Executor) endNodeRun(ctx context.Context, node catalog.Node) {
	e.nodeRuns.Lock()
	n := e.nodeRuns.running[node.Group]
	delete(e.nodeRuns.running, node.Group)
	e.nodeRuns.Unlock()
	if n != nil {
		n.end(ctx)
	}
}

// endNodeRuns ends the runs of all nodes.
func (e *Executor) endNodeRuns(ctx context.Context) {
	e.nodeRuns.Lock()
	running := e.nodeRuns.running
	e.nodeRuns.running = map[int32]*nodeRun{}
	e.nodeRuns.Unlock()
	for _, n := range running {
		n.end(ctx)
	}
}

// leaseRetryTimeout is how long to wait for the lease of a node: the run that had the lease of the coordinator before may have been
// killed, and its leases expire at about the same time.
const leaseRetryTimeout = 15 * time.Second

// startNodeRun makes a node ready: its journal, its lease, its pace and its signals.
func (e *Executor) startNodeRun(ctx context.Context, node catalog.Node, sink *nodeSink) (*nodeRun, error) {
	n := &nodeRun{sink: sink}
	var err error
	if n.pool, err = e.Nodes.Pool(ctx, node); err != nil {
		return nil, err
	}
	n.session = pg.NewSession(n.pool)
	if n.server, err = inspect.Server(ctx, n.pool); err != nil {
		return nil, err
	}
	if n.server.Pooled {
		return nil, message.PoolerDetected()
	}
	n.server.Role.Trusts = e.Plan.Server.Role.Trusts
	if node.Group == e.Plan.Server.Cluster.Group { // the coordinator's own shards: the run has all that it needs there
		n.lease, n.pace, n.impact, n.watch, n.end = e.Lease, e.Pace, e.impact, e.Watch, n.session.Close
		return n, nil
	}
	if err := journal.Ensure(ctx, n.pool, n.server.Role.Trusts...); err != nil {
		return nil, err
	}
	if n.lease, err = acquireNodeLease(ctx, n.pool, e.Plan.SchemaName, e.Holder); err != nil {
		return nil, err
	}
	n.pace = pace.New(e.Pace.Speed(), e.Limits.BatchTime)
	n.impact = newImpactLoop(n.pace, event.Sink(n.emit))
	bgCtx, stop := context.WithCancel(e.lifetime)
	followed := followPace(bgCtx, e.Pace, n.pace)
	signals := e.Limits.Signals
	signals.Query, signals.File, signals.Standbys = "", "", nil // the run itself reads them
	n.watch = throttle.Start(bgCtx, n.pool, n.pace, signals, event.Sink(n.emit))
	n.end = func(ctx context.Context) {
		stop()
		n.watch.Wait()
		<-followed
		n.impact.end()
		n.session.Close(ctx)
		release(ctx, n.lease)
	}
	return n, nil
}

// acquireNodeLease acquires the lease of a node, and waits for the lease of a run that was killed to expire.
func acquireNodeLease(ctx context.Context, pool *pgxpool.Pool, schema string, holder journal.Holder) (lease *journal.Lease, err error) {
	for start := time.Now(); ; {
		lease, err = journal.Acquire(ctx, pool, schema, holder)
		if err == nil || !errors.Is(err, problem.ErrRunning) || time.Since(start) > leaseRetryTimeout {
			return lease, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// ofRun is the signal by which the pace of a node is paused while the run is.
const ofRun = "run"

// followPace applies the pauses and the settings of the run's pace to a node's until the context ends; the channel is closed then.
func followPace(ctx context.Context, of, to *pace.Pace) <-chan struct{} {
	ended := make(chan struct{})
	apply := func() <-chan struct{} {
		reason, changed := of.Paused()
		if speed := of.Speed(); speed != to.Speed() {
			to.SetSpeed(speed)
		}
		if longest := of.Longest(); longest != to.Longest() {
			to.SetBatchTime(longest)
		}
		to.SetMaxImpact(of.Limit())
		if reason == "" {
			to.Resume(ofRun)
		} else {
			to.Pause(ofRun, reason)
		}
		return changed
	}
	changed := apply()
	go func() {
		defer close(ended)
		for {
			select {
			case <-changed:
				changed = apply()
			case <-ctx.Done():
				return
			}
		}
	}()
	return ended
}

// fillShard fills the rows of one shard, with the steps and checks of a table of its own. It returns how many it filled.
func (n *nodeRun) fillShard(ctx context.Context, e *Executor, of shardsOf, shard cluster.Shard) (int64, error) {
	var schema catalog.Schema
	var name string
	inspected := time.Now()
	err := n.session.Read(ctx, func(tx pg.Tx) (err error) {
		if name, err = shard.Name(ctx, tx); err != nil {
			return err
		}
		schema, err = inspect.Schema(ctx, tx, inspect.Request{Schema: shard.Schema, Relations: []string{name}})
		return err
	})
	if err != nil {
		return 0, err
	}
	t := of.target
	filling := &shardFilling{shard: shard, cutoff: of.cutoff, hold: of.hold}
	filling.asTables(&schema)
	order := e.Plan.OrderOf(of.group, t, of.table)
	t.Table, t.Index, t.Check, t.Keys, t.Root, t.Pattern, t.Only = name, "", "", nil, sqltext.Table{}, "", false
	group := plan.Group{Table: t.Name(), Target: t, Phase: of.group.Phase, Order: order, Steps: []step.Step{step.FillColumn{Target: t}}}
	sub := &Executor{
		Pool: n.pool, Direct: n.pool, Limits: e.Limits, Pace: n.pace, Watch: n.watch, Lease: n.lease, Emit: event.Sink(n.emit),
		Stop: e.Stop, StopReason: e.StopReason, session: n.session, impact: n.impact, shard: filling,
		lifetime: e.lifetime, next: prefetched{table: group.Table, schema: schema, at: inspected},
		Plan: plan.Plan{
			Direction: plan.Up, SchemaName: shard.Schema, Column: e.Plan.Column, Server: n.server, Schema: schema, Groups: []plan.Group{group},
		},
	}
	st := &groupState{executor: sub, group: group, backfilled: true}
	err = sub.runSteps(ctx, group, st)
	if err != nil && ctx.Err() == nil && !errors.Is(err, cluster.ErrMoved) && n.hasLost(ctx, shard) {
		err = cluster.ErrMoved
	}
	return sub.totals.rows, err
}

// hasLost reports whether the node no longer has a shard, which may be the reason of any error of its filling.
func (n *nodeRun) hasLost(ctx context.Context, shard cluster.Shard) bool {
	err := n.session.Read(ctx, func(tx pg.Tx) error {
		_, err := shard.NameHere(ctx, tx)
		return err
	})
	return errors.Is(err, cluster.ErrMoved)
}

// shardFilling has the settings with which a shard is filled, and a table is not.
type shardFilling struct {
	shard  cluster.Shard
	cutoff time.Time // of the table's column
	hold   *tableHold
}

// asTables makes the relations of a schema tables of their own: a shard of a partition is a partition of a shard. A nil filling, of a
// table, changes nothing.
func (f *shardFilling) asTables(schema *catalog.Schema) {
	for i := range schema.Relations {
		if f != nil {
			schema.Relations[i].Partition, schema.Relations[i].Parents = false, 0
		}
	}
}
