package message

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/visible"
	"github.com/rekey-pg/rekey/problem"
)

// CitusTooOld returns the refusal of a version of Citus that rekey does not support.
func CitusTooOld(version string, oldest int) *problem.Problem {
	return refused("citus_too_old", "", fmt.Sprintf("the cluster is older than Citus %d", oldest), "It is Citus "+version+".",
		fmt.Sprintf("Upgrade the cluster to Citus %d or later first.", oldest))
}

// CitusVersions returns the refusal of a cluster in the middle of an upgrade. Different has the nodes with their versions.
func CitusVersions(different []string) *problem.Problem {
	return refused("citus_versions", "", "the versions of Citus differ in the cluster: an upgrade has not ended", sentence(list(different)),
		"Install one version of the library on all nodes, restart them, and run in the database on every node: ALTER EXTENSION citus UPDATE;")
}

// OnWorker returns the refusal of a session on a worker; coordinator is host:port, "" if it is unknown.
func OnWorker(coordinator, database string) *problem.Problem {
	hint := "Connect to the coordinator. Its address: SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0;"
	if coordinator != "" {
		hint = "Connect to the coordinator: --database-url postgres://" + coordinator + "/" + database
	}
	return refused("citus_worker", "", "the session is on a worker of a Citus cluster", "Only its coordinator can change the tables of the cluster.", hint)
}

// NodeInactive returns the refusal of a cluster with a node that is not active.
func NodeInactive(address string) *problem.Problem {
	return refused("citus_node", "", "node "+address+" of the cluster is not active", "Changes of tables would not reach it.",
		"Activate it: SELECT citus_activate_node("+nodeArguments(address)+"); or remove it: SELECT citus_remove_node("+nodeArguments(address)+");")
}

// NodeUnsynced returns the refusal of a cluster with a node that does not have the cluster's metadata.
func NodeUnsynced(address string) *problem.Problem {
	return refused("citus_node", "", "node "+address+" does not have the metadata of the cluster", "It has hasmetadata or metadatasynced false in pg_dist_node.",
		"SELECT start_metadata_sync_to_all_nodes();")
}

// NodeSilent returns the refusal of a cluster with a node that does not answer the coordinator.
func NodeSilent(address, reason string) *problem.Problem {
	return refused("citus_node", "", "node "+address+" does not answer the coordinator", "The reason: "+strings.TrimSpace(reason)+".",
		"Start it, and see: SELECT * FROM citus_check_cluster_node_health();")
}

// nodeArguments returns host:port as arguments of Citus's functions: 'host', port.
func nodeArguments(address string) string {
	at := strings.LastIndexByte(address, ':')
	return "'" + strings.ReplaceAll(strings.Trim(address[:at], "[]"), "'", "''") + "', " + address[at+1:]
}

// DistributedKind returns the refusal of a table that is distributed in a way that rekey does not support: kind is such as
// "append-distributed".
func DistributedKind(table, kind string) *problem.Problem {
	return refused("distributed_kind", table, table+" is "+kind, "rekey supports tables that are distributed by hash, reference tables, local tables and distributed schemas.",
		"Distribute it by hash: SELECT undistribute_table('"+strings.ReplaceAll(table, "'", "''")+"'); and create_distributed_table. Or exclude it: "+excluded(table))
}

// excluded returns the flag that excludes a table.
func excluded(table string) string {
	_, name, _ := strings.Cut(table, ".")
	return "--exclude " + visible.Word(name)
}

// DistributedChildren returns the refusal of a table of a cluster with children by inheritance.
func DistributedChildren(table string) *problem.Problem {
	return refused("distributed_children", table, table+" is distributed over a Citus cluster and has children by inheritance",
		"The rows of the children are in no shard of the table.", "Exclude it: "+excluded(table))
}

// ShardReplicas returns the refusal of a table whose shards have several placements.
func ShardReplicas(table string, replicas int) *problem.Problem {
	return refused("shard_replicas", table, fmt.Sprintf("each shard of %s has %d placements (shard_replication_factor)", table, replicas),
		"Citus writes each of them by a statement of its own, so that a value that a statement makes would differ between them.",
		"Distribute the table again with SET citus.shard_replication_factor = 1; or exclude it: "+excluded(table))
}

// ReferenceWithoutKey returns the refusal of a reference table without a primary key.
func ReferenceWithoutKey(table string) *problem.Problem {
	return refused("reference_without_key", table, "reference table "+table+" has no primary key",
		"Its rows need the same value on every node, which rekey sends row by row, by primary key.", "Add a primary key, "+again)
}

// ShardOrder returns the refusal of a distributed table whose rows only the distribution column could order.
func ShardOrder(table, name, column string) *problem.Problem {
	return refused("shard_order", table, fmt.Sprintf("only the distribution column %s could order the rows of %s", column, table),
		"Rows with neighboring values of it are in different shards, which are filled independently. The table has no creation-time column and no other key.",
		"Fill with the migration's time: --time-source "+name+"=now")
}

// PhaseOnCluster returns the refusal of a phase that rekey does not support on a cluster.
func PhaseOnCluster(phase string) *problem.Problem {
	return refused("citus_phase", "", "phase "+phase+" is not supported on a Citus cluster",
		"It needs triggers, which Citus does not allow on distributed and reference tables.", "Stop at phase expanded: --to expanded")
}

// ScriptOnCluster returns the refusal of a script for a cluster.
func ScriptOnCluster() *problem.Problem {
	return refused("citus_script", "", "no script can fill tables of a Citus cluster",
		"A script fills rows by an UPDATE with a volatile function, which Citus rejects.", "Run rekey up. It fills the shards on the nodes that hold them.")
}

// RehearsalOnCluster returns the refusal of a rehearsal of a cluster.
func RehearsalOnCluster() *problem.Problem {
	return refused("citus_rehearsal", "", "a Citus cluster cannot be rehearsed",
		"The scratch database is on one server without Citus: the rehearsal would try none of the cluster's own statements.", "See what would happen: rekey plan")
}

// ShardMoves returns a sentence on each move of shards that has not ended.
func ShardMoves(moves []catalog.ShardMove) (lines []string) {
	for _, m := range moves {
		of := m.Relation
		if m.Colocation > 0 {
			of += ", or of a table colocated with it,"
		}
		switch {
		case m.Relation == "":
			lines = append(lines, fmt.Sprintf("The background job %s of the cluster is %s: a run waits while it moves shards of the tables", m.Kind, m.State))
		case m.Runs():
			lines = append(lines, fmt.Sprintf("A %s of shards of %s has not ended: a run waits for it", m.Kind, of))
		default:
			lines = append(lines, fmt.Sprintf("A %s of shards of %s is %s: a run waits while it moves them", m.Kind, of, m.State))
		}
	}
	return lines
}

// PreparedInCluster returns a sentence on the prepared transactions of a cluster whose outcome is open, without its period, and the
// statement that decides them; "" if there are none.
func PreparedInCluster(pending []catalog.PendingTransaction) (text, statement string) {
	if len(pending) == 0 {
		return "", ""
	}
	oldest := slices.MaxFunc(pending, func(a, b catalog.PendingTransaction) int { return cmp.Compare(a.Age, b.Age) })
	text = fmt.Sprintf("Node %s has the prepared transaction %s of the cluster, %s old", oldest.Node, oldest.GID, Duration(time.Duration(oldest.Age)*time.Second))
	if more := int64(len(pending) - 1); more > 0 {
		text += " (and " + Number(more) + " more)"
	}
	return text + ". It holds its locks until the coordinator decides it, which it does every citus.recover_2pc_interval, or at once",
		"SELECT recover_prepared_transactions();"
}
