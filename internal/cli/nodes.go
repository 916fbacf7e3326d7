package cli

import (
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/setting"
)

// cluster registers the flags of the commands that connect to the nodes of a cluster, or plan it.
func (f *flags) cluster(cmd *cobra.Command) {
	set := cmd.Flags()
	set.IntVar(&f.maxPerNode, "max-per-node", 0, "connections to each node of a cluster, "+setting.Range("max-per-node")+" (default "+setting.Format("max-per-node", setting.DefaultNumber("max-per-node"))+")")
	set.StringArrayVar(&f.connection.nodeURLs, "node-url", nil, "how to connect to a node, which pg_dist_node has as HOST:PORT; the others get their own address and the settings of the direct connection; repeatable")
}

// nodeAddresses returns the addresses of nodes in --node-url, "" for a value without one.
func (c connection) nodeAddresses() (all []string) {
	for _, value := range c.nodeURLs {
		address, _, found := strings.Cut(value, "=")
		if !found {
			address = ""
		}
		all = append(all, address)
	}
	return all
}

// nodeConfigs returns the configurations of --node-url, by the addresses of the nodes. It does not connect.
func (c connection) nodeConfigs(getenv func(string) string) (map[string]*pgxpool.Config, error) {
	var configs map[string]*pgxpool.Config
	for _, value := range c.nodeURLs {
		address, url, _ := strings.Cut(value, "=")
		config, err := connection{url: url, source: "--node-url " + address, getenv: getenv}.parse()
		if err != nil {
			return nil, err
		}
		if configs == nil {
			configs = map[string]*pgxpool.Config{}
		}
		configs[address] = config
	}
	return configs, nil
}
