package cluster

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/problem"
)

// poolConfig parses a connection string.
func poolConfig(t *testing.T, url string) *pgxpool.Config {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// nodesOf returns the nodes of a coordinator to which the test does not connect.
func nodesOf(t *testing.T, url string) *Nodes {
	t.Helper()
	pool, err := pgxpool.NewWithConfig(context.Background(), poolConfig(t, url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &Nodes{Coordinator: pool}
}

// attempts returns the servers to which a configuration connects, in order: with the name in the server's certificate, or "plain".
func attempts(config *pgconn.Config) (list []string) {
	name := func(f *pgconn.FallbackConfig) string {
		if f.TLSConfig == nil {
			return "plain"
		}
		return f.TLSConfig.ServerName
	}
	servers := append([]*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}}, config.Fallbacks...)
	for _, f := range servers {
		list = append(list, net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port)))+" "+name(f))
	}
	return list
}

// TestNodeAddress checks that a node's connections go to the node's host and port alone, with the coordinator's TLS mode.
func TestNodeAddress(t *testing.T) {
	node := catalog.Node{Group: 1, Host: "10.0.0.1", Port: 5433}
	for name, test := range map[string]struct {
		url  string
		want []string
	}{
		"no TLS":              {"postgres://u@c:5432/shop?sslmode=disable", []string{"10.0.0.1:5433 plain"}},
		"TLS, checked":        {"postgres://u@c:5432/shop?sslmode=verify-full", []string{"10.0.0.1:5433 10.0.0.1"}},
		"TLS, if possible":    {"postgres://u@c:5432/shop?sslmode=prefer", []string{"10.0.0.1:5433 10.0.0.1", "10.0.0.1:5433 plain"}},
		"TLS, if necessary":   {"postgres://u@c:5432/shop?sslmode=allow", []string{"10.0.0.1:5433 plain", "10.0.0.1:5433 10.0.0.1"}},
		"several hosts":       {"postgres://u@c:5432,d:5432/shop?sslmode=disable", []string{"10.0.0.1:5433 plain"}},
		"several, with TLS":   {"postgres://u@c:5432,d:5432/shop?sslmode=prefer", []string{"10.0.0.1:5433 10.0.0.1", "10.0.0.1:5433 plain"}},
		"the same other port": {"postgres://u@c:5432,c:6432/shop?sslmode=disable", []string{"10.0.0.1:5433 plain"}},
	} {
		nodes := nodesOf(t, test.url)
		before := attempts(&nodes.Coordinator.Config().ConnConfig.Config)
		if got := attempts(&nodes.config(node).ConnConfig.Config); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		if after := attempts(&nodes.Coordinator.Config().ConnConfig.Config); !slices.Equal(after, before) {
			t.Errorf("%s: the coordinator's configuration was changed to %q", name, after)
		}
	}
}

// TestNamedNode checks that a node with a configuration of its own is reached by it, unchanged except for settings and limits.
func TestNamedNode(t *testing.T) {
	nodes := nodesOf(t, "postgres://u@c:5432/shop?sslmode=disable")
	given := poolConfig(t, "postgres://other@worker1.example.com:6000/shop?sslmode=verify-full&pool_max_conns=99")
	nodes.Configs = map[string]*pgxpool.Config{"10.0.0.1:5432": given}
	config := nodes.config(catalog.Node{Group: 1, Host: "10.0.0.1", Port: 5432})
	if got := attempts(&config.ConnConfig.Config); !slices.Equal(got, []string{"worker1.example.com:6000 worker1.example.com"}) || config.ConnConfig.User != "other" {
		t.Errorf("%q as %s", got, config.ConnConfig.User)
	}
	if config.MaxConns != DefaultMaxPerNode-ownConnections {
		t.Errorf("%d connections", config.MaxConns)
	}
	if given.MaxConns != 99 || len(given.ConnConfig.RuntimeParams) != 0 {
		t.Errorf("the given configuration was changed: %d connections, %v", given.MaxConns, given.ConnConfig.RuntimeParams)
	}
	other := nodes.config(catalog.Node{Group: 2, Host: "10.0.0.1", Port: 5433})
	if got := attempts(&other.ConnConfig.Config); !slices.Equal(got, []string{"10.0.0.1:5433 plain"}) {
		t.Errorf("another node: %q", got)
	}
}

// TestNodeParameters checks that a node's sessions see and write shards, and keep the other settings of the coordinator's.
func TestNodeParameters(t *testing.T) {
	nodes := nodesOf(t, "postgres://u@c:5432/shop?sslmode=disable&application_name=rekey&citus.enable_ddl_propagation=on")
	want := map[string]string{
		"application_name": "rekey", "citus.override_table_visibility": "off", "citus.enable_manual_changes_to_shards": "on",
		"citus.enable_ddl_propagation": "off",
	}
	if got := nodes.config(catalog.Node{Host: "w", Port: 1}).ConnConfig.RuntimeParams; !maps.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := nodes.Coordinator.Config().ConnConfig.RuntimeParams["citus.enable_ddl_propagation"]; got != "on" {
		t.Errorf("the coordinator's setting is now %q", got)
	}
}

// TestConnectionsPerNode checks that the pool and a run's own connections together stay within MaxPerNode.
func TestConnectionsPerNode(t *testing.T) {
	nodes := nodesOf(t, "postgres://u@c:5432/shop?sslmode=disable&pool_min_conns=7&pool_min_idle_conns=7")
	for limit, want := range map[int]int{0: DefaultMaxPerNode, 1: MinPerNode, MinPerNode: MinPerNode, 20: 20} {
		nodes.MaxPerNode = limit
		config := nodes.config(catalog.Node{Host: "w", Port: 1})
		if got := nodes.Limit(); got != want || int(config.MaxConns) != want-ownConnections {
			t.Errorf("%d: limit %d, pool %d", limit, got, config.MaxConns)
		}
		if config.MinConns != 0 || config.MinIdleConns != 0 {
			t.Errorf("%d: opens %d connections without need", limit, config.MinConns+config.MinIdleConns)
		}
	}
}

// TestNodeBySocket checks that the settings of a Unix-domain socket, which have no TLS, are not used over a network.
func TestNodeBySocket(t *testing.T) {
	config, err := pgxpool.ParseConfig("host=/var/run/postgresql user=app dbname=shop sslmode=verify-full")
	if err != nil {
		t.Fatal(err)
	}
	config.MinConns = 0
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	nodes := &Nodes{Coordinator: pool}
	_, err = nodes.Pool(t.Context(), catalog.Node{Group: 1, Host: "10.0.0.2", Port: 5432})
	var refusal *problem.Problem
	if !errors.As(err, &refusal) || refusal.Code != "node_by_socket" {
		t.Errorf("a worker: %v", err)
	}
	if host := nodes.config(catalog.Node{Group: 0, Host: "10.0.0.1", Port: 5432}).ConnConfig.Host; host != "/var/run/postgresql" {
		t.Errorf("the coordinator's own shards are reached at %s", host)
	}
}
