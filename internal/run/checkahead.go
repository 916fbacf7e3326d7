package run

import (
	"context"
	"errors"

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
	onNodes, err := CheckNodes(ctx, pool, nodes, []plan.Plan{p}, signals)
	return append(append(MissingRights(p), hidden...), onNodes...), err
}

// CheckNodes connects to each node of a cluster whose shards runs of the plans would fill, and returns what would end them there.
func CheckNodes(ctx context.Context, pool *pgxpool.Pool, nodes *cluster.Nodes, plans []plan.Plan, signals throttle.Limits) (problem.List, error) {
	filled := filledShards(plans)
	if len(filled) == 0 {
		return nil, nil
	}
	var list []catalog.Node
	err := pg.Read(ctx, pool, func(tx pg.Tx) (err error) {
		list, err = cluster.NodesOf(ctx, tx, filled...)
		return err
	})
	if err != nil {
		return nil, fault.At(err, "", "nodes")
	}
	signals.Query, signals.File = "", "" // the run itself reads them
	found := make([]problem.List, len(list))
	err = backfill.Together(ctx, len(list), func(ctx context.Context, i int) (err error) {
		found[i], err = checkNode(ctx, nodes, list[i], plans, signals)
		if why, ok := errors.AsType[*problem.Problem](err); ok && ctx.Err() == nil {
			found[i], err = append(found[i], why), nil
		}
		return err
	})
	var all problem.List
	for i, ofNode := range found {
		for _, one := range ofNode {
			refusal := *message.OnNode(list[i].Address(), one)
			refusal.Kind = problem.Refused // nothing has been changed yet
			all = append(all, &refusal)
		}
	}
	return all, fault.At(err, "", "nodes")
}

// filledShards returns the tables whose shards runs of the plans fill.
func filledShards(plans []plan.Plan) (tables []uint32) {
	for _, p := range plans {
		if p.Server.Cluster == nil || p.Direction == plan.Down {
			continue
		}
		for _, g := range p.Targets() {
			for _, t := range p.Fills(g) {
				if table := p.Table(g, t); table != nil && table.Sharding.OnShards() {
					tables = append(tables, table.OID)
				}
			}
		}
	}
	return tables
}

// checkNode returns what would end runs of the plans on a node.
func checkNode(ctx context.Context, nodes *cluster.Nodes, node catalog.Node, plans []plan.Plan, signals throttle.Limits) (found problem.List, err error) {
	pool, err := nodes.Pool(ctx, node)
	coordinator := plans[0].Server
	if err != nil || node.Group == coordinator.Cluster.Group { // the coordinator is checked already
		return nil, err
	}
	server, err := inspect.Server(ctx, pool)
	switch {
	case err != nil:
		return nil, err
	case server.Pooled:
		return nil, message.PoolerDetected()
	}
	if err := journal.CheckRights(ctx, pool, coordinator.Role.Trusts...); err != nil {
		return nil, err
	}
	for _, p := range plans {
		p.Server.JournalSchema = server.JournalSchema
		found = append(found, MissingRights(p)...)
	}
	hidden, err := throttle.Check(ctx, pool, server.Role, signals)
	return append(found, hidden...), err
}
