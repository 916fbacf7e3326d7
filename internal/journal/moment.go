package journal

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/moments.sql
var momentsQuery string

// Moment is what is known of the values of a column.
type Cutoff struct {
	At     time.Time // when the column got its default
	Filled bool      // the filling has begun, and the rest says how
	Source string    // column, now or random
	Column string    // with the source column: the creation-time column, "" if there is none
	Zone   string    // in which that was read; "" is UTC
	Key    []string  // by which rows of one instant stand, and all where there is no column
}

// Same reports whether another filling went by the same.
func (m Cutoff) Same(other Cutoff) bool {
	return m.Filled == other.Filled && m.Source == other.Source && m.Column == other.Column && m.Zone == other.Zone && slices.Equal(m.Key, other.Key)
}

// StampSQL is a statement that notes the moment of a column: it belongs behind the one that makes the
// column or gives it its default, in its transaction, so that no value which the default gives is older.
// A moment that is known stays.
func SaveCutoffSQL(table sqltext.Table, column string) string {
	return sqltext.Format("INSERT INTO rekey.moments (relation, attnum, moment)"+
		" SELECT attrelid, attnum, clock_timestamp() FROM pg_catalog.pg_attribute"+
		" WHERE attrelid = {}::pg_catalog.regclass AND attname = {} AND NOT attisdropped"+
		" ON CONFLICT (relation, attnum) DO NOTHING",
		sqltext.Value(sqltext.Qualified(table.Schema, table.Name)), sqltext.Value(column))
}

// UnstampSQL is a statement that forgets the moment of a column: it belongs before the one that takes
// the column or its default away.
func DeleteCutoffSQL(relation uint32, column int) string {
	return sqltext.Format("DELETE FROM rekey.moments WHERE relation = {}::pg_catalog.oid AND attnum = {}", relation, column)
}

const beginFilling = `WITH noted AS (
    INSERT INTO rekey.moments AS m (relation, attnum, moment, source, "column", zone, key)
    VALUES ($1::oid, $2, clock_timestamp(), $3, $4, $5, coalesce($6::text[], '{}'))
    ON CONFLICT (relation, attnum) DO UPDATE
    SET source = excluded.source, "column" = excluded."column", zone = excluded.zone, key = excluded.key
    RETURNING moment
)
SELECT noted.moment, b.source, b."column", b.zone, b.key, EXISTS (SELECT FROM rekey.cursors c WHERE c.relation = $1::oid)
FROM noted LEFT JOIN rekey.moments b ON b.relation = $1::oid AND b.attnum = $2`

// BeginFilling notes by what a column is filled. It returns what was noted before, with the column's moment, and whether
// the table has cursors of an earlier filling. A moment that was not noted, since the journal was lost, is now.
func BeginFilling(ctx context.Context, tx pg.Tx, c Column, m Cutoff) (before Cutoff, cursors bool, err error) {
	var source, column, zone *string
	err = tx.QueryAll(ctx, pg.Query{
		SQL: beginFilling, Args: []any{c.Relation, c.Number, m.Source, m.Column, m.Zone, m.Key},
		Read: func(rows pgx.Rows) error {
			_, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) {
				return struct{}{}, row.Scan(&before.At, &source, &column, &zone, &before.Key, &cursors)
			})
			return err
		},
	})
	before.noted(source, column, zone)
	return before, cursors, err
}

// noted says by what the column was filled; nil where its filling has not begun.
func (m *Cutoff) noted(source, column, zone *string) {
	if m.Filled = source != nil; m.Filled {
		m.Source, m.Column, m.Zone = *source, *column, *zone
	}
}

// LoadMoments reads what is known of each column of the tables.
func LoadCutoffs(ctx context.Context, tx pg.Tx, relations ...uint32) (map[Column]Cutoff, error) {
	rows, err := tx.Query(ctx, momentsQuery, oids(relations))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	moments := map[Column]Cutoff{}
	for rows.Next() {
		var c Column
		var m Cutoff
		var source, column, zone *string
		if err := rows.Scan(&c.Relation, &c.Number, &m.At, &source, &column, &zone, &m.Key); err != nil {
			return nil, err
		}
		m.noted(source, column, zone)
		moments[c] = m
	}
	return moments, rows.Err()
}
