package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// KeyCandidate describes a column that is to become the primary key of its table.
type KeyCandidate struct {
	Relation      int64
	Name          string // of the table
	Kind          string
	Owner         string
	OwnerBecomes  bool   // see [catalog.Owner]
	Type          string // format_type
	Required      bool   // NOT NULL, validated
	HasPrimaryKey bool   // the table has a primary key
	Unique        bool   // a valid index keeps the column unique
}

// KeyCandidates returns every table of a schema that has the column and whose name begins with prefix, sorted by name.
func KeyCandidates(ctx context.Context, tx pg.Tx, schema, prefix, column string) ([]KeyCandidate, error) {
	return rows[KeyCandidate](ctx, tx, "key_candidates", schema, prefix, column)
}

// DuplicateUUIDs returns the number of values of a text column that would be duplicates as uuids, which ignore the case of
// letters. It scans the table.
func DuplicateUUIDs(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) (duplicates int64, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("SELECT count({}) - count(DISTINCT lower({}::text)) FROM {}",
		sqltext.Name(column), sqltext.Name(column), table)).Scan(&duplicates)
	return duplicates, err
}
