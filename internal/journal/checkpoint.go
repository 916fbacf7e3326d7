package journal

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/checkpoints.sql
var checkpointsQuery string

// Checkpoint is the progress of the backfill in one region of a table. If the filenode differs from the table's
// current one, the rows have moved since (VACUUM FULL, CLUSTER, TRUNCATE), and the checkpoint must not be used.
type Checkpoint struct {
	Relation uint32 // pg_class.oid
	Filenode uint32 // pg_relation_filenode
	Column   int16  // pg_attribute.attnum
	Region   int64
	State    []byte // opaque state of the backfill
	Rows     int64  // number of rows filled so far
}

const upsertCheckpoint = `INSERT INTO rekey.cursors AS c (relation, filenode, attnum, region, state, filled)
VALUES ($1::oid, $2::oid, $3, $4, $5, $6)
ON CONFLICT (relation, attnum, region)
DO UPDATE SET filenode = excluded.filenode, state = excluded.state, filled = excluded.filled`

// SaveCheckpoint saves a checkpoint. It replaces a checkpoint of the same relation, column and region. It must be
// called in the transaction that fills the rows.
func SaveCheckpoint(ctx context.Context, tx pg.Tx, c Checkpoint) error {
	state := c.State
	if state == nil {
		state = []byte{}
	}
	_, err := tx.Exec(ctx, upsertCheckpoint, c.Relation, c.Filenode, c.Column, c.Region, state, c.Rows)
	return err
}

// LoadCheckpoints returns a table's checkpoints, ordered by column and region.
func LoadCheckpoints(ctx context.Context, tx pg.Tx, relation uint32) ([]Checkpoint, error) {
	rows, err := tx.Query(ctx, checkpointsQuery, relation)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Checkpoint, err error) {
		err = row.Scan(&c.Relation, &c.Filenode, &c.Column, &c.Region, &c.State, &c.Rows)
		return c, err
	})
}

// DeleteCheckpoints deletes a table's checkpoints.
func DeleteCheckpoints(ctx context.Context, tx pg.Tx, relation uint32) error {
	_, err := tx.Exec(ctx, "DELETE FROM rekey.cursors WHERE relation = $1::oid", relation)
	return err
}
