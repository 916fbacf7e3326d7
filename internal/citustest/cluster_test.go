package citustest_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// cluster is a database of a test on every node of the cluster.
type cluster struct {
	URL   string // of the database on the coordinator
	Nodes []node // the coordinator first
}

// node is a server of the cluster.
type node struct {
	Host string
	Port int
	URL  string // of the test's database on it
}

// newCluster returns a new database on every node of the cluster; it is dropped at the end of the test.
func newCluster(t *testing.T, statements ...string) *cluster {
	t.Helper()
	base := os.Getenv("REKEY_CITUS_URL")
	if base == "" {
		t.Skip("REKEY_CITUS_URL is not set: no Citus cluster")
	}
	name := databaseName()
	c := &cluster{}
	for _, n := range nodesOf(t, base) {
		n.URL = onNode(t, base, n.Host, n.Port, name)
		c.Nodes = append(c.Nodes, n)
		on(t, onNode(t, base, n.Host, n.Port, ""), "CREATE DATABASE "+sqltext.Ident(name))
		t.Cleanup(func() { dropDatabase(t, onNode(t, base, n.Host, n.Port, ""), name) })
		on(t, n.URL, "CREATE EXTENSION citus")
	}
	c.URL = c.Nodes[0].URL
	on(t, c.URL, fmt.Sprintf("SELECT citus_set_coordinator_host('%s', %d)", c.Nodes[0].Host, c.Nodes[0].Port))
	for _, n := range c.Nodes[1:] {
		on(t, c.URL, fmt.Sprintf("SELECT citus_add_node('%s', %d)", n.Host, n.Port))
	}
	on(t, c.URL, statements...)
	return c
}

func databaseName() string {
	return fmt.Sprintf("rekey_citus_%d_%d", os.Getpid(), time.Now().UnixNano())
}

// dropDatabase drops a database, which a process of the extension may use for some seconds more.
func dropDatabase(t *testing.T, address, name string) {
	t.Helper()
	conn := connect(t, address)
	defer closeConn(conn)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		_, err := conn.Exec(context.Background(), "DROP DATABASE IF EXISTS "+sqltext.Ident(name)+" WITH (FORCE)")
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("the database was not dropped: %v", err)
			return
		}
	}
}

// nodesOf returns the primary nodes of the cluster, the coordinator first.
func nodesOf(t *testing.T, base string) (nodes []node) {
	t.Helper()
	conn := connect(t, base)
	defer closeConn(conn)
	found, err := conn.Query(t.Context(), "SELECT nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid")
	if err != nil {
		t.Fatal(err)
	}
	nodes, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (n node, err error) { return n, row.Scan(&n.Host, &n.Port) })
	if err != nil || len(nodes) < 2 {
		t.Fatalf("the cluster of REKEY_CITUS_URL has the nodes %v: %v", nodes, err)
	}
	return nodes
}

// onNode returns the URL of a database on a node; "" is the database of the base URL.
func onNode(t *testing.T, base, host string, port int, database string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = net.JoinHostPort(host, strconv.Itoa(port))
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), address) // also in clean-up functions, when t.Context() has ended
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func closeConn(conn *pgx.Conn) { _ = conn.Close(context.Background()) }

// on runs statements, one by one, on a new connection.
func on(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn := connect(t, address)
	defer closeConn(conn)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, all := range statements {
		for statement := range strings.SplitSeq(all, ";\n") {
			if _, err := conn.Exec(ctx, statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
	}
}

// Pool returns a pool on the coordinator.
func (c *cluster) Pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return newPool(t, c.URL)
}

func newPool(t *testing.T, address string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// needTwoWorkers skips a test that moves shards from one worker to another, and so cannot run on a cluster with one.
func needTwoWorkers(t *testing.T, c *cluster) {
	t.Helper()
	if len(c.Nodes) < 3 {
		t.Skip("the test moves shards between two workers, and the cluster of REKEY_CITUS_URL has one")
	}
}
