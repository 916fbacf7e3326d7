package verify

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/internal/fault"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/problem"
)

// nodeReader reads shards on the nodes that have them. It is safe for concurrent use.
type nodeReader struct {
	coordinator *pgxpool.Pool
	nodes       *cluster.Nodes
	trusts      []string

	mu      sync.Mutex
	servers map[int32]catalog.Server // by group
	away    map[int32]error          // the nodes that could not be reached, which are not tried again
}

// pool returns the pool of a node, or the error of an earlier attempt to reach it.
func (r *nodeReader) pool(ctx context.Context, node catalog.Node) (*pgxpool.Pool, error) {
	r.mu.Lock()
	err := r.away[node.Group]
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	pool, err := r.nodes.Pool(ctx, node)
	if err != nil && ctx.Err() == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.away == nil {
			r.away = map[int32]error{}
		}
		r.away[node.Group] = err
	}
	return pool, err
}

// server returns the properties of the server of a node.
func (r *nodeReader) server(ctx context.Context, node catalog.Node, pool *pgxpool.Pool) (catalog.Server, error) {
	r.mu.Lock()
	server, known := r.servers[node.Group]
	r.mu.Unlock()
	if known {
		return server, nil
	}
	server, err := inspect.Server(ctx, pool)
	if err != nil {
		return server, err
	}
	server.Role.Trusts = r.trusts
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.servers == nil {
		r.servers = map[int32]catalog.Server{}
	}
	r.servers[node.Group] = server
	return server, nil
}

// read calls work with a shard on its node, in a read-only transaction with one snapshot. It returns a [nodeError] if that fails, and
// [cluster.ErrMoved] if the shard has left the node.
func (r *nodeReader) read(ctx context.Context, p cluster.Placement, work func(pg.Tx, catalog.Table) error) error {
	err := r.readOn(ctx, p, work)
	if err == nil || errors.Is(err, cluster.ErrMoved) || ctx.Err() != nil {
		return err
	}
	return &nodeError{node: p.Node, err: err}
}

func (r *nodeReader) readOn(ctx context.Context, p cluster.Placement, work func(pg.Tx, catalog.Table) error) error {
	pool, err := r.pool(ctx, p.Node)
	if err != nil {
		return err
	}
	server, err := r.server(ctx, p.Node, pool)
	if err != nil {
		return err
	}
	table, err := describeShard(ctx, pool, p.Shard)
	if err != nil {
		return err
	}
	err = guard.Reading(server, table).Read(ctx, pool, func(tx pg.Tx) error {
		if _, err := p.NameHere(ctx, tx); err != nil {
			return err
		}
		return work(tx, *table)
	})
	if serverErr, ok := errors.AsType[*pgconn.PgError](err); ok && serverErr.Code == pgerrcode.UndefinedTable {
		return cluster.ErrMoved // dropped after the move
	}
	return err
}

// describeShard reads the shard's own columns and indexes.
func describeShard(ctx context.Context, pool *pgxpool.Pool, shard cluster.Shard) (table *catalog.Table, err error) {
	err = pg.Read(ctx, pool, func(tx pg.Tx) error {
		name, err := shard.NameHere(ctx, tx)
		if err != nil {
			return err
		}
		schema, err := inspect.Schema(ctx, tx, inspect.Request{Schema: shard.Schema, Relations: []string{name}})
		if err != nil {
			return err
		}
		if table = schema.Relation(name); table == nil {
			return cluster.ErrMoved
		}
		return nil
	})
	return table, err
}

// nodeError is an error of one node of a cluster.
type nodeError struct {
	node catalog.Node
	err  error
}

func (e *nodeError) Error() string { return "node " + e.node.Address() + ": " + e.err.Error() }

func (e *nodeError) Unwrap() error { return e.err }

// notRead returns why rows on a node could not be read, "" for an error that has nothing to do with reaching the node.
func notRead(err error) string {
	at, ok := errors.AsType[*nodeError](err)
	if !ok {
		return ""
	}
	serverErr, _ := errors.AsType[*pgconn.PgError](err)
	found, _ := errors.AsType[*problem.Problem](err)
	switch {
	case found != nil && slices.Contains([]string{"node_unreachable", "wrong_node"}, found.Code):
		return found.Message
	case serverErr != nil && serverErr.Code == pgerrcode.InsufficientPrivilege:
		return "the role may not read the shards on node " + at.node.Address()
	case pg.Lost(err):
		return "node " + at.node.Address() + " went away: " + fault.Reason(at.err)
	default:
		return ""
	}
}
