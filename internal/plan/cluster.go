package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// checkCluster refuses a cluster that rekey does not support or cannot read: the session is on a worker, or a node does not answer.
// Unless readOnly is set, it also refuses a cluster with a node that cannot take part in changes.
func checkCluster(s catalog.Server, readOnly bool) *problem.Problem {
	c := s.Cluster
	switch {
	case c == nil:
		return nil
	case !c.Supported() && !c.Matching():
		return message.CitusVersions([]string{versionsOf("this node", c.Library, c.Extension)})
	case !c.Supported():
		return message.CitusTooOld(c.Library, catalog.OldestCitus)
	case !c.OnCoordinator():
		return message.OnWorker(c.Coordinator(), s.Database)
	case readOnly:
		return refuseSilent(c)
	}
	return refuseNodes(c)
}

// refuseSilent refuses a cluster with a node that does not answer: rows of distributed tables cannot be read.
func refuseSilent(c *catalog.Cluster) *problem.Problem {
	for _, n := range c.Nodes {
		if n.Primary && n.Fault != "" {
			return message.NodeSilent(n.Address(), n.Fault)
		}
	}
	return nil
}

// refuseNodes refuses a cluster with a primary node that cannot take part in changes, or in the middle of an upgrade.
func refuseNodes(c *catalog.Cluster) *problem.Problem {
	var different []string
	for _, n := range c.Nodes {
		switch {
		case !n.Primary:
			continue
		case !n.Active:
			return message.NodeInactive(n.Address())
		case n.Group != 0 && !n.Synced:
			return message.NodeUnsynced(n.Address())
		case n.Fault != "":
			return message.NodeSilent(n.Address(), n.Fault)
		case n.Library != c.Library || n.Extension != c.Extension:
			different = append(different, versionsOf(n.Address(), n.Library, n.Extension))
		}
	}
	if different == nil {
		return nil
	}
	return message.CitusVersions(append([]string{versionsOf("the coordinator", c.Library, c.Extension)}, different...))
}

func versionsOf(node, library, extension string) string {
	if extension == "" {
		extension = "none"
	}
	return node + " has library " + library + " and extension " + extension
}

// refusePhase refuses a later phase than expanded on a cluster.
func refusePhase(s Input) problem.List {
	if s.Server.Cluster == nil || s.Direction == Down || !s.Goal.AtLeast(Linked) {
		return nil
	}
	return problem.List{message.PhaseOnCluster(string(s.Goal))}
}

// refuseCluster returns the refusal of a run that changes tables of a cluster.
func refuseCluster(s catalog.Server) problem.List {
	if s.Cluster == nil {
		return nil
	}
	if p := refuseNodes(s.Cluster); p != nil {
		return problem.List{p}
	}
	return nil
}

// refuseSharding returns the refusal of a table for how it is spread over the cluster.
func refuseSharding(g Group, table *catalog.Table) *problem.Problem {
	sharding := table.Sharding
	if sharding == nil {
		return nil
	}
	name := g.Target.String()
	switch {
	case sharding.Kind == catalog.AppendDistributed || sharding.Kind == catalog.RangeDistributed:
		return message.DistributedKind(name, string(sharding.Kind))
	case table.IsTree() && table.Kind != catalog.Partitioned:
		return message.DistributedChildren(name)
	case sharding.Kind == catalog.ReferenceTable && table.PrimaryKey() == nil:
		return message.ReferenceWithoutKey(name)
	case sharding.Kind != catalog.ReferenceTable && sharding.Replicas > 1:
		return message.ShardReplicas(name, sharding.Replicas)
	case g.Order.Source == ByColumn && g.Order.Column.Name == "" && sharding.Column != "" && slices.Equal(g.Order.Key, []string{sharding.Column}):
		return message.ShardOrder(name, table.Name, sharding.Column)
	}
	return nil
}

// shardKeys returns the columns, in addition to the target's, that a unique index of the table must have on a cluster: the distribution
// column.
func shardKeys(table *catalog.Table, column string) []string {
	if table.Sharding == nil || table.Sharding.Kind != catalog.HashDistributed || table.Sharding.Column == column {
		return nil
	}
	return []string{table.Sharding.Column}
}

// clusterNotes returns what a reader should know of the cluster: among which rows values are unique, shards that move, and prepared
// transactions that hold locks.
func clusterNotes(p Plan) []string {
	c := p.Server.Cluster
	if c == nil {
		return nil
	}
	lines := append(uniqueNotes(p), shardNotes(p)...)
	lines = append(lines, message.ShardMoves(c.Moves)...)
	if text, statement := message.PreparedInCluster(c.Pending); text != "" {
		lines = append(lines, text+": "+statement)
	}
	return lines
}

// uniqueNotes returns a note for each distribution column.
func uniqueNotes(p Plan) (lines []string) {
	if p.Direction == Down {
		return nil
	}
	tables := map[string][]string{}
	var columns []string
	for _, g := range p.Targets() {
		table := p.Schema.Named(g.Table)
		if table == nil || g.State == Refused || len(shardKeys(table, g.Target.Column)) == 0 {
			continue
		}
		column := table.Sharding.Column
		if tables[column] == nil {
			columns = append(columns, column)
		}
		tables[column] = append(tables[column], g.Table.Name)
	}
	for _, column := range columns {
		lines = append(lines, fmt.Sprintf("%s: the values are unique in each %s, since a unique index of a distributed table has its distribution column. "+
			"verify counts duplicates over the whole table", someOf(tables[column]), column))
	}
	return lines
}

// Sharded reports whether a group with something to do is about a table of a cluster.
func (p Plan) Sharded() bool {
	return slices.ContainsFunc(p.Targets(), func(g Group) bool {
		table := p.Schema.Named(g.Table)
		return table != nil && table.Sharding != nil && p.workload(g).work
	})
}

// manyShards is the number of shards from which a change of the table takes more than an instant.
const manyShards = 100

// shardNotes returns what differs from an ordinary table in a plan that has something to do: how long locks are held, and what the
// forecast is of.
func shardNotes(p Plan) (lines []string) {
	if !p.Sharded() {
		return nil
	}
	var many []string
	for _, g := range p.Targets() {
		if table := p.Schema.Named(g.Table); table != nil && table.Sharding != nil && table.Sharding.Shards >= manyShards && p.workload(g).work {
			many = append(many, fmt.Sprintf("%s (%d shards)", g.Table.Name, table.Sharding.Shards))
		}
	}
	if many != nil {
		lines = append(lines, someOf(many)+": a change of the table holds its lock until the cluster has changed every shard, some 2 ms each; no wait for a lock is longer than --lock-timeout")
	}
	return append(lines, "the forecast adds up the WAL and the sizes of all nodes, and its time assumes a single server: the nodes fill their shards side by side")
}

// mostTables is how many tables a note names.
const mostTables = 8

func someOf(names []string) string {
	if more := len(names) - mostTables; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostTables], ", "), more)
	}
	return strings.Join(names, ", ")
}

// uniqueInShards is Uniqueness for a table of a cluster.
func uniqueInShards(t step.Target) string {
	return "in each " + strings.Join(t.Keys, ", ") + ", by (" + strings.Join(t.IndexColumns(), ", ") + ")"
}
