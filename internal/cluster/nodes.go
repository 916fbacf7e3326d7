// Package cluster connects to the nodes of a Citus cluster and finds the shards of a table on them.
package cluster

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/identity.sql
var identitySQL string

// DefaultMaxPerNode is the default of Nodes.MaxPerNode.
const DefaultMaxPerNode = 8

// MinPerNode is the smallest MaxPerNode: ownConnections, and two for the batches and the lease.
const MinPerNode = 6

// ownConnections are the connections to a node that are not the pool's: the session, the probe, the flusher and a VACUUM.
const ownConnections = 4

// Nodes opens a pool for each node of a cluster, at its first use. It is safe for concurrent use.
type Nodes struct {
	// Coordinator has the configuration of the pools, which differ from it in the host and the port.
	Coordinator *pgxpool.Pool
	// Configs has the configuration of nodes to which the host and port of pg_dist_node do not lead, by "host:port".
	Configs map[string]*pgxpool.Config
	// MaxPerNode is the greatest number of connections to each node at a time. Default: DefaultMaxPerNode.
	MaxPerNode int

	mu    sync.Mutex
	pools map[int32]*nodePool
}

// nodePool is the pool of a node, nil before its first use. Nodes are connected to side by side, each of them once.
type nodePool struct {
	mu   sync.Mutex
	pool *pgxpool.Pool
}

// Pool returns the pool of a node, which connects directly to the node and sees its shards. It returns a problem if the node cannot
// be reached, or if the address leads to another node or database; if the context has ended, its cause.
func (n *Nodes) Pool(ctx context.Context, node catalog.Node) (*pgxpool.Pool, error) {
	known := n.of(node)
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.pool != nil {
		return known.pool, nil
	}
	if _, named := n.Configs[node.Address()]; !named && node.Group != 0 && n.bySocket() {
		return nil, message.NodeBySocket(node.Address())
	}
	pool, err := pgxpool.NewWithConfig(ctx, n.config(node))
	if err != nil {
		return nil, unreachable(ctx, node, err)
	}
	if err := n.check(ctx, pool, node); err != nil {
		pool.Close()
		return nil, err
	}
	known.pool = pool
	return pool, nil
}

// of returns the entry of a node.
func (n *Nodes) of(node catalog.Node) *nodePool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pools == nil {
		n.pools = map[int32]*nodePool{}
	}
	if n.pools[node.Group] == nil {
		n.pools[node.Group] = &nodePool{}
	}
	return n.pools[node.Group]
}

// Limit returns the greatest number of connections to each node at a time: MaxPerNode, but at least MinPerNode.
func (n *Nodes) Limit() int { return max(cmp.Or(n.MaxPerNode, DefaultMaxPerNode), MinPerNode) }

// check returns a problem if the pool does not lead to the node.
func (n *Nodes) check(ctx context.Context, pool *pgxpool.Pool, node catalog.Node) error {
	var group int32
	var database string
	err := pg.Read(ctx, pool, func(tx pg.Tx) error { return tx.QueryRow(ctx, identitySQL).Scan(&group, &database) })
	switch {
	case err != nil:
		return unreachable(ctx, node, err)
	case group != node.Group:
		return message.WrongNode(node.Address(), fmt.Sprintf("It has the group %d in place of %d", group, node.Group))
	case database != n.Coordinator.Config().ConnConfig.Database && n.Coordinator.Config().ConnConfig.Database != "":
		return message.WrongNode(node.Address(), "It has another database")
	}
	return nil
}

// unreachable returns the problem of a node that does not answer, or why the context has ended.
func unreachable(ctx context.Context, node catalog.Node, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return message.NodeUnreachable(node.Address(), fault.Reason(err), err)
}

// bySocket reports whether the coordinator is reached by a Unix-domain socket. Its configuration then has no TLS; sslmode does not matter.
func (n *Nodes) bySocket() bool {
	return strings.HasPrefix(n.Coordinator.Config().ConnConfig.Host, "/")
}

// Close closes all pools.
func (n *Nodes) Close() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, known := range n.pools {
		known.close()
	}
	n.pools = nil
}

func (p *nodePool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pool != nil {
		p.pool.Close()
	}
}

// config returns the configuration of a node's pool. Its connections belong to rekey alone, so that they may have settings of their
// own: they see shards, may write to them, and what they create stays on the node.
func (n *Nodes) config(node catalog.Node) *pgxpool.Config {
	config, named := n.Configs[node.Address()]
	if named {
		config = config.Copy()
	} else if config = n.Coordinator.Config(); node.Group != 0 { // the coordinator has been reached; it may be called localhost
		moveTo(&config.ConnConfig.Config, node.Host, uint16(node.Port))
	}
	config.MaxConns, config.MinConns, config.MinIdleConns = int32(n.Limit()-ownConnections), 0, 0
	parameters := maps.Clone(config.ConnConfig.RuntimeParams)
	if parameters == nil {
		parameters = map[string]string{}
	}
	maps.Copy(parameters, map[string]string{
		"citus.override_table_visibility":       "off",
		"citus.enable_manual_changes_to_shards": "on",
		"citus.enable_ddl_propagation":          "off",
	})
	config.ConnConfig.RuntimeParams = parameters
	return config
}

// moveTo changes the server of a configuration. It keeps a second attempt with or without TLS, and omits other hosts.
func moveTo(config *pgconn.Config, host string, port uint16) {
	var fallbacks []*pgconn.FallbackConfig
	for _, f := range config.Fallbacks {
		if f.Host != config.Host || f.Port != config.Port {
			continue
		}
		moved := *f
		moved.Host, moved.Port = host, port
		if moved.TLSConfig != nil {
			moved.TLSConfig = moved.TLSConfig.Clone()
			moved.TLSConfig.ServerName = host
		}
		fallbacks = append(fallbacks, &moved)
	}
	config.Host, config.Port, config.Fallbacks = host, port, fallbacks
	if config.TLSConfig != nil {
		config.TLSConfig = config.TLSConfig.Clone()
		config.TLSConfig.ServerName = host
	}
}
