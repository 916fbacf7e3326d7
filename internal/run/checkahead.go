package run

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/journal"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/throttle"
	"github.com/rekey-pg/rekey/problem"
)

// CheckAhead returns what would end a run of the plan after its first change: rights that the role lacks, signals that it cannot read, and
// the same for each node of a cluster whose shards the run fills, which it connects to. It returns an error if the server cannot be queried.
func CheckAhead(ctx context.Context, pool *pgxpool.Pool, nodes *cluster.Nodes, p plan.Plan, signals throttle.Limits) (problem.List, error) {
	if !p.Pending() {
		return nil, nil
	}
	hidden, err := throttle.Check(ctx, pool, p.Server.Role, signals)
	if err != nil {
		return nil, fault.At(err, "", "signals")
	}
	onNodes, err := NewNodeCheck(pool, nodes, signals).Check(ctx, p)
	return append(append(MissingRights(p), hidden...), onNodes...), err
}

// NodeCheck checks the nodes of a cluster for several plans. It connects to each node once. It is not safe for concurrent use.
type NodeCheck struct {
	pool    *pgxpool.Pool
	nodes   *cluster.Nodes
	signals throttle.Limits
	known   map[int32]checkedNode // by group
}

// checkedNode is what was found on a node.
type checkedNode struct {
	server  catalog.Server
	refused problem.List // what would end any run there
}

// NewNodeCheck returns a NodeCheck of the cluster whose coordinator pool connects to.
func NewNodeCheck(pool *pgxpool.Pool, nodes *cluster.Nodes, signals throttle.Limits) *NodeCheck {
	signals.Query, signals.File = "", "" // the run itself reads them
	return &NodeCheck{pool: pool, nodes: nodes, signals: signals, known: map[int32]checkedNode{}}
}

// Check connects to each node whose shards a run of the plan would fill, and returns what would end the run there; nothing without a
// cluster.
func (c *NodeCheck) Check(ctx context.Context, p plan.Plan) (all problem.List, err error) {
	filled := filledShards(p)
	if len(filled) == 0 {
		return nil, nil
	}
	var list []catalog.Node
	err = pg.Read(ctx, c.pool, func(tx pg.Tx) (err error) {
		list, err = cluster.NodesOf(ctx, tx, filled...)
		return err
	})
	if err == nil {
		err = c.connect(ctx, list, p.Server)
	}
	if err != nil {
		return nil, fault.At(err, "", "nodes")
	}
	for _, node := range list {
		found := c.known[node.Group]
		for _, one := range slices.Concat(found.refused, missingRights(p, found.server, true)) {
			refusal := *message.OnNode(node.Address(), one)
			refusal.Kind = problem.Refused // nothing has been changed yet
			all = append(all, &refusal)
		}
	}
	return all, nil
}

// connect checks the nodes that are not known yet, side by side.
func (c *NodeCheck) connect(ctx context.Context, list []catalog.Node, coordinator catalog.Server) error {
	found := make([]checkedNode, len(list))
	err := backfill.Together(ctx, len(list), func(ctx context.Context, i int) error {
		known, ok := c.known[list[i].Group]
		if found[i] = known; ok {
			return nil
		}
		err := c.checkNode(ctx, list[i], coordinator, &found[i])
		if why, ok := errors.AsType[*problem.Problem](err); ok {
			found[i].refused, err = append(found[i].refused, why), nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, node := range list {
		c.known[node.Group] = found[i]
	}
	return nil
}

// checkNode reads the server of a node and what would end any run there.
func (c *NodeCheck) checkNode(ctx context.Context, node catalog.Node, coordinator catalog.Server, found *checkedNode) error {
	pool, err := c.nodes.Pool(ctx, node)
	if err != nil || node.Group == coordinator.Cluster.Group { // the coordinator is checked already
		return err
	}
	server, err := inspect.Server(ctx, pool)
	switch {
	case err != nil:
		return err
	case server.Pooled:
		return message.PoolerDetected()
	}
	if err := journal.CheckRights(ctx, pool, coordinator.Role.Trusts...); err != nil {
		return err
	}
	found.server = server
	found.refused, err = throttle.Check(ctx, pool, server.Role, c.signals)
	return err
}

// filledShards returns the tables whose shards a run of the plan fills.
func filledShards(p plan.Plan) (tables []uint32) {
	if p.Server.Cluster == nil || p.Direction == plan.Down {
		return nil
	}
	for _, g := range p.Targets() {
		for _, t := range p.Fills(g) {
			if table := p.Table(g, t); table != nil && table.Sharding.OnShards() {
				tables = append(tables, table.OID)
			}
		}
	}
	return tables
}
