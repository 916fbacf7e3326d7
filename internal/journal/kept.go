package journal

import (
	"context"
	_ "embed"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/kept.sql
var keptQuery string

// Column is a column of a table.
type Column struct {
	Relation uint32 // pg_class.oid
	Number   int16  // pg_attribute.attnum
}

// Kept is what a column was like before the first up.
type Original struct {
	OtherVersions int64 // values of another version than 7
	// Adopted tells that the column was there. The mark in its comment says so, too, and more; but a
	// comment is soon overwritten, and down must not take the column for ours then.
	Adopted bool
}

// SaveKept notes what a column was like. The count that was noted first stays, and what was once adopted
// stays adopted.
func SaveOriginal(ctx context.Context, tx pg.Tx, c Column, k Original) error {
	_, err := tx.Exec(ctx, `INSERT INTO rekey.kept AS k (relation, attnum, found, adopted) VALUES ($1::oid, $2, $3, $4)
		ON CONFLICT (relation, attnum) DO UPDATE SET adopted = true WHERE excluded.adopted AND NOT k.adopted`,
		c.Relation, c.Number, k.OtherVersions, k.Adopted)
	return err
}

// KeepNoneSQL is a statement that notes of a column that it had no value of another version: it belongs behind the one
// that makes the column, in its transaction. What was noted before stays.
func SaveNoOriginalSQL(table sqltext.Table, column string) string {
	return sqltext.Format("INSERT INTO rekey.kept (relation, attnum, found, adopted)"+
		" SELECT attrelid, attnum, 0, false FROM pg_catalog.pg_attribute"+
		" WHERE attrelid = {}::pg_catalog.regclass AND attname = {} AND NOT attisdropped"+
		" ON CONFLICT (relation, attnum) DO NOTHING",
		sqltext.Value(sqltext.Qualified(table.Schema, table.Name)), sqltext.Value(column))
}

// LoadKept reads what each column of the tables was like.
func LoadOriginals(ctx context.Context, tx pg.Tx, relations ...uint32) (map[Column]Original, error) {
	rows, err := tx.Query(ctx, keptQuery, oids(relations))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	kept := map[Column]Original{}
	for rows.Next() {
		var c Column
		var k Original
		if err := rows.Scan(&c.Relation, &c.Number, &k.OtherVersions, &k.Adopted); err != nil {
			return nil, err
		}
		kept[c] = k
	}
	return kept, rows.Err()
}

// oids are numbers of a type that the protocol has an array for.
func oids(relations []uint32) []int64 {
	numbers := make([]int64, len(relations))
	for i, relation := range relations {
		numbers[i] = int64(relation)
	}
	return numbers
}
