package cluster

import (
	"context"
	_ "embed"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/next_placement.sql
var nextPlacementSQL string

//go:embed queries/last_shard.sql
var lastShardSQL string

// Placement is a shard with a node that has it.
type Placement struct {
	Shard
	Node catalog.Node
}

// NextPlacement returns the table's first shard above a number, on any node; ok is false if there is none. It reads the
// coordinator's metadata, one shard at a time.
func NextPlacement(ctx context.Context, tx pg.Tx, table uint32, above int64) (p Placement, ok bool, err error) {
	p.Node.Active, p.Node.Primary = true, true
	err = tx.QueryRow(ctx, nextPlacementSQL, int64(table), above).Scan(&p.ID, &p.Schema, &p.Relation, &p.Node.ID, &p.Node.Group, &p.Node.Host, &p.Node.Port)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}

// LastShard returns the highest number of the table's shards, 0 if it has none.
func LastShard(ctx context.Context, tx pg.Tx, table uint32) (id int64, err error) {
	err = tx.QueryRow(ctx, lastShardSQL, int64(table)).Scan(&id)
	return id, err
}

// NameHere returns the name of the shard's relation on the node of the transaction, or ErrMoved if the node does not have the shard.
// Unlike [Shard.Preconditions] it holds up no move: the snapshot of the transaction shows the shard as it was.
func (s Shard) NameHere(ctx context.Context, tx pg.Tx) (string, error) {
	err := tx.QueryRow(ctx, s.placedHere()).Scan()
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrMoved
	}
	if err != nil {
		return "", err
	}
	return s.Name(ctx, tx)
}
