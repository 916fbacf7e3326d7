package catalog

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Cluster is the Citus cluster of a database, as the node of the session knows it.
type Cluster struct {
	Library   string // version of the loaded library: "13.2.2"
	Extension string // version of the extension in the database: "13.2-1"
	Group     int32  // group of the node of the session; 0 is the coordinator
	Nodes     []Node
	Moves     []ShardMove
	Pending   []PendingTransaction
}

// Node is a server of a cluster.
type Node struct {
	ID, Group int32
	Host      string // pg_dist_node.nodename
	Port      int
	Active    bool
	Primary   bool
	Synced    bool // it has the metadata of the cluster
	Shards    bool // it may get shards
	// Library and Extension are its versions; "" if it did not answer. Fault says why it did not.
	Library, Extension, Fault string
}

// ShardMove is a rebalance, a move, a split or another background job of the cluster that has not ended.
type ShardMove struct {
	Kind       string // move (also a copy), "move or split", rebalance, or the type of a background job
	State      string // running, or the state of a background job
	Relation   string // schema.table, the first of its colocation group; "" if the job is not about one
	Colocation int32  // the colocation group; 0 for none
}

// Runs reports whether shards move now. Other tasks of a job that fails, or is cancelled, may still run.
func (m ShardMove) Runs() bool {
	return slices.Contains([]string{"running", "failing", "cancelling"}, m.State)
}

// PendingTransaction is a prepared transaction of the cluster whose outcome its coordinator has not carried out.
type PendingTransaction struct {
	Node string // host:port
	GID  string
	Age  float64 // seconds
}

// Address returns the node's host and port.
func (n Node) Address() string { return net.JoinHostPort(n.Host, strconv.Itoa(n.Port)) }

// OldestCitus is the oldest major version of Citus that rekey supports.
const OldestCitus = 12

// Supported reports whether rekey can read the cluster: neither its library nor its extension is older than OldestCitus, and both
// have the same version. Citus itself refuses most statements if the versions differ.
func (c Cluster) Supported() bool {
	return majorOf(c.Library) >= OldestCitus && majorOf(c.Extension) >= OldestCitus && c.Matching()
}

// Matching reports whether the library and the extension of the node have the same version.
func (c Cluster) Matching() bool { return SameCitus(c.Library, c.Extension) }

// SameCitus reports whether a library and an extension have the same version: 13.2.2 and 13.2-1.
func SameCitus(library, extension string) bool {
	version, _, _ := strings.Cut(extension, "-")
	rest, found := strings.CutPrefix(library, version)
	return version != "" && found && strings.IndexFunc(rest, isDigit) != 0
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func majorOf(version string) int {
	number, _, _ := strings.Cut(version, ".")
	major, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	return major
}

// OnCoordinator reports whether the session is on the coordinator.
func (c Cluster) OnCoordinator() bool { return c.Group == 0 }

// unlistedNodeID is what Citus uses as the nodeid of a node that pg_dist_node does not list: GLOBAL_PID_NODE_ID_FOR_NODES_NOT_IN_METADATA in its
// source.
const unlistedNodeID = 99999999

// NodeID returns the nodeid of this node as it is in the application names of the cluster's own sessions; 0 without a cluster.
func (c *Cluster) NodeID() int64 {
	if c == nil {
		return 0
	}
	for _, n := range c.Primaries() {
		if n.Group == c.Group {
			return int64(n.ID)
		}
	}
	return unlistedNodeID
}

// Coordinator returns the address of the coordinator; "" if the cluster does not have it.
func (c Cluster) Coordinator() string {
	for _, n := range c.Nodes {
		if n.Group == 0 && n.Primary {
			return n.Address()
		}
	}
	return ""
}

// Primaries returns the active primary nodes.
func (c Cluster) Primaries() []Node {
	return slices.DeleteFunc(slices.Clone(c.Nodes), func(n Node) bool { return !n.Primary || !n.Active })
}

// ShardingKind says how a table is spread over a cluster.
type ShardingKind string

// The kinds of tables of a cluster. A table without a kind is an ordinary one of the coordinator.
const (
	HashDistributed   ShardingKind = "distributed"        // by the hash of a column
	AppendDistributed ShardingKind = "append-distributed" // each load makes a shard
	RangeDistributed  ShardingKind = "range-distributed"  // by ranges of a column
	ReferenceTable    ShardingKind = "reference"          // the same rows on every node
	SchemaSharded     ShardingKind = "schema-based"       // all tables of its schema are on one node
	SingleShard       ShardingKind = "single-shard"       // distributed without a column
	CitusLocal        ShardingKind = "local"              // on the coordinator, known to the cluster
)

// Sharding says how a table is spread over a cluster.
type Sharding struct {
	Kind       ShardingKind
	Column     string // the distribution column; "" without one
	Colocation int32  // its colocation group; 0 for none
	Shards     int
	Nodes      int // on which it has a placement
	Replicas   int // placements of each shard
}

// OnShards reports whether each row of the table is in one shard, so that rows can be filled on the shards' own servers.
func (s *Sharding) OnShards() bool {
	return s != nil && s.Kind != ReferenceTable
}

// Same reports whether two tables are spread in the same way; they may have other shards. Nil is an ordinary table.
func (s *Sharding) Same(other *Sharding) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.Kind == other.Kind && s.Column == other.Column
}

// String describes how the table is spread: "distributed by tenant_id".
func (s *Sharding) String() string {
	switch {
	case s == nil:
		return "an ordinary table"
	case s.Column != "":
		return string(s.Kind) + " by " + s.Column
	default:
		return string(s.Kind)
	}
}
