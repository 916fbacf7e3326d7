package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/problem"
)

// NodeUnreachable returns the problem of a node of a cluster to which rekey cannot connect; address is its host and port in
// pg_dist_node.
func NodeUnreachable(address, reason string, cause error) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Failed, Code: "node_unreachable", Message: "could not connect to node " + address + " of the cluster",
		Detail: "The reason: " + reason + ". Rows are filled on the nodes that hold them, over direct connections.",
		Hint:   "If another address leads to the node from here: --node-url " + address + "=postgres://user@host:port/database", Cause: cause,
	}
}

// WrongNode returns the refusal of an address that leads to another node than the one it was given for.
func WrongNode(address, found string) *problem.Problem {
	return refused("wrong_node", "", "the address of node "+address+" leads to another server", found+".",
		"Name the node's own address: --node-url "+address+"=postgres://user@host:port/database")
}

// NodeBySocket returns the refusal of a connection to a node with the settings of a Unix-domain socket, which have no TLS.
func NodeBySocket(address string) *problem.Problem {
	return refused("node_by_socket", "", "the coordinator is reached by a Unix-domain socket, and node "+address+" by TCP",
		"The settings of a socket have no TLS, so that they do not fit a connection over a network.",
		"Connect to the coordinator by TCP: --database-url postgres://user@host:port/database; or name the node: --node-url "+address+"=postgres://user@host:port/database")
}

// ShardsNotFound returns the problem of shards of a table that no node has on which the coordinator's metadata place them.
func ShardsNotFound(table string, shards int64, retryTimeout time.Duration) *problem.Problem {
	return &problem.Problem{
		Kind: problem.Stopped, Code: "shards_not_found", Table: table,
		Message: fmt.Sprintf("%s of %s could not be found within %s (--lock-retry-timeout)", Counted(int(shards), "shard", "shards"), table, Duration(retryTimeout)),
		Detail:  "The nodes on which pg_dist_placement of the coordinator places them report that they do not have them.",
		Hint:    keptHint + "Compare pg_dist_placement on the coordinator and the nodes, " + again,
	}
}

// OnNode returns a problem of the server of a node with the node's address. One that names the node already stays as it is.
func OnNode(address string, p *problem.Problem) *problem.Problem {
	if strings.Contains(p.Message, address) {
		return p
	}
	named := *p
	named.Message = "node " + address + ": " + p.Message
	return &named
}
