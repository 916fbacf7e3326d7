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

//go:embed queries/cutoffs.sql
var cutoffsQuery string

// Cutoff records when a column got its default and how its existing rows are filled.
type Cutoff struct {
	At     time.Time // when the column got its default
	Filled bool      // the backfill has begun; the fields below are set
	Source string    // "column", "now" or "random"
	Column string    // the creation-time column if Source is "column"; "" if the table has none
	Zone   string    // the time zone in which Column is read; "" is UTC
	Key    []string  // the columns that order rows with the same time, or all rows if there is no Column
}

// Same reports whether the backfills of both have the same parameters.
func (m Cutoff) Same(other Cutoff) bool {
	return m.Filled == other.Filled && m.Source == other.Source && m.Column == other.Column && m.Zone == other.Zone && slices.Equal(m.Key, other.Key)
}

// SaveCutoffSQL returns a statement that records the column's cutoff, unless one is recorded. It must run after the
// statement that creates the column or sets its default, in the same transaction, so that no value of the default
// is older.
func SaveCutoffSQL(table sqltext.Table, column string) string {
	return sqltext.Format("INSERT INTO rekey.moments (relation, attnum, moment)"+
		" SELECT attrelid, attnum, clock_timestamp() FROM pg_catalog.pg_attribute"+
		" WHERE attrelid = {}::pg_catalog.regclass AND attname = {} AND NOT attisdropped"+
		" ON CONFLICT (relation, attnum) DO NOTHING",
		sqltext.Value(sqltext.Qualified(table.Schema, table.Name)), sqltext.Value(column))
}

// DeleteCutoffSQL returns a statement that deletes the column's cutoff. It must run before the statement that drops
// the column or its default.
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

// BeginFilling records how a column is filled. It returns the earlier record, with the column's cutoff, and whether
// the table has checkpoints of an earlier backfill. If the journal was lost and there is no cutoff, it records the
// current time.
func BeginFilling(ctx context.Context, tx pg.Tx, c Column, m Cutoff) (before Cutoff, checkpoints bool, err error) {
	var source, column, zone *string
	err = tx.QueryAll(ctx, pg.Query{
		SQL: beginFilling, Args: []any{c.Relation, c.Number, m.Source, m.Column, m.Zone, m.Key},
		Read: func(rows pgx.Rows) error {
			_, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) {
				return struct{}{}, row.Scan(&before.At, &source, &column, &zone, &before.Key, &checkpoints)
			})
			return err
		},
	})
	before.setFilling(source, column, zone)
	return before, checkpoints, err
}

// setFilling sets how the column was filled. The arguments are nil if its backfill has not begun.
func (m *Cutoff) setFilling(source, column, zone *string) {
	if m.Filled = source != nil; m.Filled {
		m.Source, m.Column, m.Zone = *source, *column, *zone
	}
}

// LoadCutoffs returns the cutoffs of the tables' columns.
func LoadCutoffs(ctx context.Context, tx pg.Tx, relations ...uint32) (map[Column]Cutoff, error) {
	rows, err := tx.Query(ctx, cutoffsQuery, int8s(relations))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cutoffs := map[Column]Cutoff{}
	for rows.Next() {
		var c Column
		var m Cutoff
		var source, column, zone *string
		if err := rows.Scan(&c.Relation, &c.Number, &m.At, &source, &column, &zone, &m.Key); err != nil {
			return nil, err
		}
		m.setFilling(source, column, zone)
		cutoffs[c] = m
	}
	return cutoffs, rows.Err()
}
