package setting

import (
	"net"
	"strconv"

	"github.com/rekey-pg/rekey/internal/visible"
)

// checkNodes checks the addresses of the nodes that are reached in another way. Whether the cluster has them is known later.
func (c *checker) checkNodes() {
	seen := map[string]bool{}
	for _, address := range c.Nodes {
		switch {
		case !isAddress(address): // it is not repeated: it may be a part of a connection string
			c.addDetail("bad_node_url", c.Style.name("node-url")+" does not name a node", "The value is not repeated here, since it may contain a password.",
				"Name the node as pg_dist_node does: "+c.nodeExample())
		case seen[address]:
			c.add("bad_node_url", c.Style.name("node-url")+" names node "+visible.Line(address)+" more than once", "A node has one address.")
		}
		seen[address] = true
	}
}

func (c *checker) nodeExample() string {
	if c.Style == Flags {
		return c.Style.with("node-url", "10.0.0.1:5432=postgres://user@host:port/database")
	}
	return c.Style.with("node-url", `{"10.0.0.1:5432": config}`)
}

// isAddress reports whether a text is a host and a port, as [net.JoinHostPort] writes them.
func isAddress(text string) bool {
	const bits = 16
	host, port, err := net.SplitHostPort(text)
	number, fault := strconv.ParseUint(port, 10, bits)
	return err == nil && fault == nil && number > 0 && host != "" && !visible.Secret(text) && net.JoinHostPort(host, strconv.FormatUint(number, 10)) == text
}
