package rekey

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/run"
	"github.com/rekey-pg/rekey/problem"
)

// direct returns the pool that connects to the server itself.
func (m *Migrator) direct() *pgxpool.Pool {
	if m.options.Direct != nil {
		return m.options.Direct
	}
	return m.pool
}

// nodes returns the nodes of the cluster, if there is one. It connects to none; the caller must close what others open.
func (m *Migrator) nodes() *cluster.Nodes {
	return &cluster.Nodes{Coordinator: m.direct(), Configs: m.options.Cluster.Nodes, MaxPerNode: m.options.Cluster.MaxPerNode}
}

// limitNodes adds to a plan that fills rows of a cluster how many connections to each node that takes.
func (m *Migrator) limitNodes(doc *Plan) {
	if doc.Cluster != nil && doc.Command == Up && doc.Rows > 0 {
		doc.Cluster.MaxPerNode = m.nodes().Limit()
	}
}

// checkAhead returns what would end a run of the plan after its first change.
func (m *Migrator) checkAhead(ctx context.Context, p plan.Plan) (problem.List, error) {
	nodes := m.nodes()
	defer nodes.Close()
	return run.CheckAhead(ctx, m.pool, nodes, p, m.signals())
}
