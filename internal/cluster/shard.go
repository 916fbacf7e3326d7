package cluster

import (
	"context"
	_ "embed"
	"errors"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/next_shards.sql
var nextShardsSQL string

//go:embed queries/relation.sql
var relationSQL string

// Shard is one shard of a table.
type Shard struct {
	ID       int64
	Schema   string
	Relation string // its name on the node: schema-qualified, quoted
}

// ErrMoved reports that a shard has left the node, or is about to.
var ErrMoved = errors.New("the shard was moved to another node")

// NextShards returns the table's next shards above a number on the nodes of a group, none after the last one. It reads the coordinator's
// metadata. A few shards at a time keep memory flat in the number of shards, and the coordinator's work small.
func NextShards(ctx context.Context, tx pg.Tx, table uint32, group int32, above int64) ([]Shard, error) {
	const atATime = 64
	found, err := tx.Query(ctx, nextShardsSQL, int64(table), group, above, atATime)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (s Shard, err error) {
		return s, row.Scan(&s.ID, &s.Schema, &s.Relation)
	})
}

// Name returns the name of the shard's relation on its node, or ErrMoved if the node does not have it.
func (s Shard) Name(ctx context.Context, tx pg.Tx) (name string, err error) {
	err = tx.QueryRow(ctx, relationSQL, s.Relation).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrMoved
	}
	return name, err
}

// Preconditions keep the shard on its node until the transaction ends, as the writes of the cluster do: a move or a split of the
// shard waits for them before it ends, and they wait while it ends. The second one fails with ErrMoved if the shard has left.
func (s Shard) Preconditions() []pg.Precondition {
	const share = 5 // ShareLock
	return []pg.Precondition{
		{ // after a split the shard does not exist any more; the function, which does not use the query's snapshot, fails then
			Query: sqltext.Format("SELECT pg_catalog.lock_shard_metadata({}, ARRAY[s.shardid]) FROM pg_catalog.pg_dist_shard s WHERE s.shardid = {}", share, s.ID),
			Err:   ErrMoved, Code: pgerrcode.InternalError,
		},
		{Query: s.placedHere(), Err: ErrMoved},
	}
}

// placedHere returns a query that returns a row if the node has the shard, as its own metadata say. Rows that a move leaves on the node for
// a while do not count.
func (s Shard) placedHere() string {
	return sqltext.Format("SELECT FROM pg_catalog.pg_dist_placement p JOIN pg_catalog.pg_dist_local_group g ON g.groupid = p.groupid"+
		" WHERE p.shardid = {} AND p.shardstate = 1", s.ID)
}

//go:embed queries/nodes.sql
var nodesSQL string

// NodesOf returns the nodes that have a placement of one of the tables, from the coordinator's metadata.
func NodesOf(ctx context.Context, tx pg.Tx, tables ...uint32) ([]catalog.Node, error) {
	found, err := tx.Query(ctx, nodesSQL, tables)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (n catalog.Node, err error) {
		n.Active, n.Primary = true, true
		return n, row.Scan(&n.ID, &n.Group, &n.Host, &n.Port)
	})
}
