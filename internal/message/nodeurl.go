package message

import (
	"strings"

	"github.com/rekey-pg/rekey/problem"
)

// UnknownNode returns the problem of an address of --node-url that no node of the cluster has; known are the addresses of its nodes.
func UnknownNode(address string, known []string) *problem.Problem {
	hint := "List the nodes: SELECT nodename, nodeport FROM pg_dist_node;"
	if near := Nearest(address, known); near != "" {
		hint = "Did you mean: --node-url " + near + "=URL"
	}
	return usage("unknown_node", "the cluster has no node "+address+", which --node-url names", "Its nodes are "+strings.Join(known, ", ")+".", hint)
}

// NoCluster returns the problem of --node-url on a server that belongs to no cluster.
func NoCluster(address string) *problem.Problem {
	return usage("no_cluster", "--node-url names node "+address+", and the database belongs to no Citus cluster", "", "Omit --node-url.")
}
