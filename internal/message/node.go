package message

import "github.com/rekey-pg/rekey/problem"

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
