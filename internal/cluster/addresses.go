package cluster

import (
	"maps"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
)

// CheckAddresses returns a problem if a configuration is for an address that no node of the server's cluster has.
func (n *Nodes) CheckAddresses(server catalog.Server) error {
	if n == nil || len(n.Configs) == 0 {
		return nil
	}
	given := slices.Sorted(maps.Keys(n.Configs))
	if server.Cluster == nil {
		return message.NoCluster(given[0])
	}
	if !server.Cluster.Supported() || !server.Cluster.OnCoordinator() {
		return nil // the plan refuses the server, whose nodes may be unknown
	}
	var known []string
	for _, node := range server.Cluster.Nodes {
		known = append(known, node.Address())
	}
	for _, address := range given {
		if !slices.Contains(known, address) {
			return message.UnknownNode(address, known)
		}
	}
	return nil
}
