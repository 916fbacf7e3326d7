package rekey

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
)

// Cluster is the Citus cluster of a database.
type Cluster struct {
	// Citus is the version of Citus on all nodes, such as "13.2.2".
	Citus string `json:"citus"`
	// Coordinator is the host and port of the coordinator, "" if the cluster does not have it as a node.
	Coordinator string `json:"coordinator,omitempty"`
	// Nodes are the primary nodes.
	Nodes []ClusterNode `json:"nodes"`
	// MaxPerNode is how many connections to each node a run opens at most, 0 if there is nothing to fill.
	MaxPerNode int `json:"max_per_node,omitempty"`
}

// ClusterNode is a server of a cluster.
type ClusterNode struct {
	// Address is the host and port at which the cluster reaches the node.
	Address string `json:"address"`
	// Shards is true if the node may get shards.
	Shards bool `json:"shards"`
	// Fault says why the node cannot take part in changes, "" if it can.
	Fault string `json:"fault,omitempty"`
}

// Sharding says how a table is spread over a cluster.
type Sharding struct {
	// Kind is how it is spread.
	Kind ShardingKind `json:"kind"`
	// Column is the distribution column, "" without one.
	Column string `json:"column,omitempty"`
	// Shards is the number of shards.
	Shards int `json:"shards"`
	// Nodes is the number of nodes with a placement of the table.
	Nodes int `json:"nodes"`
	// Colocation is the number of its colocation group, 0 for none.
	Colocation int32 `json:"colocation,omitempty"`
}

// ShardingKind is how a table is spread over a cluster.
type ShardingKind string

// The kinds of sharding.
const (
	HashDistributed   ShardingKind = "distributed"        // by the hash of a column
	AppendDistributed ShardingKind = "append-distributed" // each load makes a shard
	RangeDistributed  ShardingKind = "range-distributed"  // by ranges of a column
	ReferenceTable    ShardingKind = "reference"          // the same rows on every node
	SchemaSharded     ShardingKind = "schema-based"       // all tables of its schema are on one node
	SingleShard       ShardingKind = "single-shard"       // distributed without a column
	CitusLocal        ShardingKind = "local"              // on the coordinator, known to the cluster
)

func clusterOf(p plan.Plan) *Cluster {
	c := p.Server.Cluster
	if c == nil {
		return nil
	}
	doc := &Cluster{Citus: c.Library, Coordinator: c.Coordinator(), Nodes: []ClusterNode{}}
	for _, n := range c.Nodes {
		if !n.Primary {
			continue
		}
		node := ClusterNode{Address: n.Address(), Shards: n.Shards, Fault: n.Fault}
		switch {
		case !n.Active:
			node.Fault = "it is not active"
		case !n.Synced && n.Group != 0:
			node.Fault = "it does not have the metadata of the cluster"
		}
		doc.Nodes = append(doc.Nodes, node)
	}
	return doc
}

func shardingOf(table *catalog.Table) *Sharding {
	if table == nil || table.Sharding == nil {
		return nil
	}
	s := table.Sharding
	return &Sharding{Kind: ShardingKind(s.Kind), Column: s.Column, Shards: s.Shards, Nodes: s.Nodes, Colocation: s.Colocation}
}
