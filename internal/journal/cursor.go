package journal

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/cursors.sql
var cursorsQuery string

// Cursor is how far the filling of one region of a table has come. A filenode other than the table's
// present one tells that the rows have moved since (VACUUM FULL, CLUSTER, TRUNCATE): such a cursor is
// worthless.
type Checkpoint struct {
	Relation uint32 // pg_class.oid
	Filenode uint32 // pg_relation_filenode
	Column   int16  // pg_attribute.attnum
	Region   int64
	State    []byte // the filling's own
	Rows     int64  // filled so far
}

const saveCursor = `INSERT INTO rekey.cursors AS c (relation, filenode, attnum, region, state, filled)
VALUES ($1::oid, $2::oid, $3, $4, $5, $6)
ON CONFLICT (relation, attnum, region)
DO UPDATE SET filenode = excluded.filenode, state = excluded.state, filled = excluded.filled`

// SaveCursor writes a cursor, over the one of the same relation, column and region. It belongs in the
// transaction that fills the rows.
func SaveCheckpoint(ctx context.Context, tx pg.Tx, c Checkpoint) error {
	state := c.State
	if state == nil {
		state = []byte{}
	}
	_, err := tx.Exec(ctx, saveCursor, c.Relation, c.Filenode, c.Column, c.Region, state, c.Rows)
	return err
}

// LoadCursors reads a table's cursors, by column and region.
func LoadCheckpoints(ctx context.Context, tx pg.Tx, relation uint32) ([]Checkpoint, error) {
	rows, err := tx.Query(ctx, cursorsQuery, relation)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Checkpoint, err error) {
		err = row.Scan(&c.Relation, &c.Filenode, &c.Column, &c.Region, &c.State, &c.Rows)
		return c, err
	})
}

// ForgetCursors deletes a table's cursors.
func DeleteCheckpoints(ctx context.Context, tx pg.Tx, relation uint32) error {
	_, err := tx.Exec(ctx, "DELETE FROM rekey.cursors WHERE relation = $1::oid", relation)
	return err
}
