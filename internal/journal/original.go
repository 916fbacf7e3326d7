package journal

import (
	"context"
	_ "embed"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/originals.sql
var originalsQuery string

// Column is a column of a table.
type Column struct {
	Relation uint32 // pg_class.oid
	Number   int16  // pg_attribute.attnum
}

// Original describes a column as it was before the first up.
type Original struct {
	OtherVersions int64 // number of values that are not UUIDv7
	// Adopted is true if the column existed. Its mark, a comment, says so too, but a comment is easily overwritten,
	// and then down must not drop the column as one of rekey's.
	Adopted bool
}

// SaveOriginal records what a column was like. The first recorded count is kept, and a column that was once
// recorded as adopted stays so.
func SaveOriginal(ctx context.Context, tx pg.Tx, c Column, k Original) error {
	_, err := tx.Exec(ctx, `INSERT INTO rekey.kept AS k (relation, attnum, found, adopted) VALUES ($1::oid, $2, $3, $4)
		ON CONFLICT (relation, attnum) DO UPDATE SET adopted = true WHERE excluded.adopted AND NOT k.adopted`,
		c.Relation, c.Number, k.OtherVersions, k.Adopted)
	return err
}

// SaveNoOriginalSQL returns a statement that records a column as created by rekey, with no values of other
// versions. It must run after the statement that creates the column, in the same transaction. An earlier record is
// kept.
func SaveNoOriginalSQL(table sqltext.Table, column string) string {
	return sqltext.Format("INSERT INTO rekey.kept (relation, attnum, found, adopted)"+
		" SELECT attrelid, attnum, 0, false FROM pg_catalog.pg_attribute"+
		" WHERE attrelid = {}::pg_catalog.regclass AND attname = {} AND NOT attisdropped"+
		" ON CONFLICT (relation, attnum) DO NOTHING",
		sqltext.Value(sqltext.Qualified(table.Schema, table.Name)), sqltext.Value(column))
}

// LoadOriginals returns the recorded originals of the tables' columns.
func LoadOriginals(ctx context.Context, tx pg.Tx, relations ...uint32) (map[Column]Original, error) {
	rows, err := tx.Query(ctx, originalsQuery, int8s(relations))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	originals := map[Column]Original{}
	for rows.Next() {
		var c Column
		var k Original
		if err := rows.Scan(&c.Relation, &c.Number, &k.OtherVersions, &k.Adopted); err != nil {
			return nil, err
		}
		originals[c] = k
	}
	return originals, rows.Err()
}

// int8s converts OIDs to a type for which the protocol has an array.
func int8s(relations []uint32) []int64 {
	numbers := make([]int64, len(relations))
	for i, relation := range relations {
		numbers[i] = int64(relation)
	}
	return numbers
}
