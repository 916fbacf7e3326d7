package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Keyed describes the column of one table that a kit wants to be its key.
type KeyCandidate struct {
	Name          string
	Type          string // format_type
	Required      bool   // NOT NULL, proved
	HasPrimaryKey bool   // the table has a primary key
	Unique        bool   // a valid index keeps the column unique
}

// KeyedTables reads every table of a schema whose name begins with prefix and that has the column, by name.
func KeyCandidates(ctx context.Context, tx pg.Tx, schema, prefix, column string) ([]KeyCandidate, error) {
	return rows[KeyCandidate](ctx, tx, "key_candidates", schema, prefix, column)
}

// Alike counts the values of a column that another row has too, as they would be as uuids: text in capitals is the same uuid.
// It scans the table.
func DuplicateUUIDs(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) (alike int64, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("SELECT count({}) - count(DISTINCT lower({}::text)) FROM {}",
		sqltext.Name(column), sqltext.Name(column), table)).Scan(&alike)
	return alike, err
}
