package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// clusterLab is a Citus cluster and the measurements on it.
type clusterLab struct {
	options     options
	say         func(string)
	base        string // URL of a database on the coordinator
	coordinator clusterNode
	workers     []clusterNode
	found       *Citus
}

// clusterNode is a server of the cluster, as pg_dist_node has it.
type clusterNode struct {
	Host string
	Port int
}

func (n clusterNode) address() string { return net.JoinHostPort(n.Host, strconv.Itoa(n.Port)) }

// citusDatabase is the database of a run, on every node.
const citusDatabase = "bench_citus"

// openCluster reads the nodes of the cluster.
func openCluster(ctx context.Context, o options, base string, say func(string)) (*clusterLab, error) {
	l := &clusterLab{options: o, base: base, say: func(line string) { say("Citus: " + line) }}
	session, err := pgx.Connect(ctx, base)
	if err != nil {
		return nil, err
	}
	defer session.Close(context.WithoutCancel(ctx))
	l.coordinator = clusterNode{session.Config().Host, int(session.Config().Port)}
	found, err := session.Query(ctx, "SELECT nodename::text, nodeport::int FROM pg_dist_node WHERE noderole = 'primary' AND groupid > 0 ORDER BY groupid")
	if err != nil {
		return nil, err
	}
	if l.workers, err = pgx.CollectRows(found, pgx.RowToStructByPos[clusterNode]); err != nil {
		return nil, err
	}
	if len(l.workers) == 0 {
		return nil, fmt.Errorf("%s has no workers", l.coordinator.address())
	}
	l.found = &Citus{Workers: len(l.workers), MaxPerNode: o.maxPerNode}
	return l, session.QueryRow(ctx, "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1) || ', Citus ' || extversion FROM pg_extension WHERE extname = 'citus'").Scan(&l.found.Version)
}

// onNode returns the URL of a database on a node; "" is the database of the base URL.
func (l *clusterLab) onNode(n clusterNode, database string) string {
	u, err := url.Parse(l.base)
	if err != nil {
		return l.base // pgx.Connect has accepted it; what it leads to will say what is wrong
	}
	u.Host = n.address()
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}

func (l *clusterLab) nodes() []clusterNode { return append([]clusterNode{l.coordinator}, l.workers...) }

// meters returns the URLs by which the child reads what the servers do: a database that it does not use otherwise.
func (l *clusterLab) meters() *meters {
	m := &meters{Database: citusDatabase, Coordinator: l.onNode(l.coordinator, "")}
	for _, worker := range l.workers {
		m.Workers = append(m.Workers, l.onNode(worker, ""))
	}
	return m
}

// at runs statements one by one on a new session.
func at(ctx context.Context, address string, statements ...string) error {
	session, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	return execute(ctx, session, statements...)
}

func (l *clusterLab) drop(ctx context.Context) error {
	for _, n := range l.nodes() {
		if err := l.dropOn(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// dropOn drops the database on a node. It retries, since the daemons of other nodes connect to it again while they have one.
func (l *clusterLab) dropOn(ctx context.Context, n clusterNode) error {
	const timeout, pause = time.Minute, 100 * time.Millisecond
	for begun := time.Now(); ; {
		err := at(ctx, l.onNode(n, ""), sqltext.Format("DROP DATABASE IF EXISTS {}", sqltext.Name(citusDatabase))+" WITH (FORCE)")
		const inUse = "55006"
		if refused, ok := errors.AsType[*pgconn.PgError](err); !ok || refused.Code != inUse || time.Since(begun) > timeout {
			return err
		}
		if err := rest(ctx, pause); err != nil {
			return err
		}
	}
}

// build creates the database on every node, and the table in so many shards on the first workers.
func (l *clusterLab) build(ctx context.Context, r *CitusFill) error {
	if err := l.drop(ctx); err != nil {
		return err
	}
	for _, n := range l.nodes() {
		if err := at(ctx, l.onNode(n, ""), sqltext.Format("CREATE DATABASE {}", sqltext.Name(citusDatabase))); err != nil {
			return err
		}
		if err := at(ctx, l.onNode(n, citusDatabase), "CREATE EXTENSION citus"); err != nil {
			return err
		}
	}
	session, err := pgx.Connect(ctx, l.onNode(l.coordinator, citusDatabase))
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	if _, err := session.Exec(ctx, "SELECT citus_set_coordinator_host($1, $2)", l.coordinator.Host, l.coordinator.Port); err != nil {
		return err
	}
	for _, n := range l.workers[:r.Workers] {
		if _, err := session.Exec(ctx, "SELECT citus_add_node($1, $2)", n.Host, n.Port); err != nil {
			return err
		}
	}
	if err := execute(ctx, session, citusTableSQL, fmt.Sprintf("SET citus.shard_count = %d", r.Shards), "SELECT create_distributed_table('public.items', 'tenant_id')"); err != nil {
		return err
	}
	const most = 500_000 // rows per statement, so that Ctrl-C takes effect soon
	for from := int64(1); from <= r.Rows; from += most {
		if _, err := session.Exec(ctx, citusRowsSQL, from, min(from+most-1, r.Rows), r.Rows); err != nil {
			return err
		}
	}
	if err := execute(ctx, session, "VACUUM ANALYZE public.items"); err != nil {
		return err
	}
	for _, n := range l.nodes() {
		if err := at(ctx, l.onNode(n, ""), "CHECKPOINT"); err != nil {
			return err
		}
	}
	return nil
}
