package inspect

import (
	"context"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// sampleDocuments is the number of rows whose arrays or JSON documents a sample reads.
const sampleDocuments = 1000

// DistinctTexts returns some distinct values of a sample of a text column. It reads the first rows of the table.
func DistinctTexts(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) (texts []string, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("SELECT ARRAY(SELECT DISTINCT s.v FROM (SELECT left(c.{}::text, 200) AS v FROM {} c LIMIT {}) s"+
		" WHERE s.v <> '' ORDER BY 1 LIMIT 100)", sqltext.Name(column), table, int64(sampleRows))).Scan(&texts)
	return texts, err
}

// ArrayOverlap is like Overlap, for the elements of the arrays of a column. Elements that are no numbers are no keys.
func ArrayOverlap(ctx context.Context, tx pg.Tx, child sqltext.Table, column string, parent sqltext.Table, key string) (distinct, found int64, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("WITH sample AS (SELECT DISTINCT e.v FROM (SELECT c.{} AS ids FROM {} c LIMIT {}) s"+
		" CROSS JOIN LATERAL (SELECT u.v FROM unnest(s.ids::text[]) AS u (v) WHERE u.v IS NOT NULL LIMIT 100) e)"+
		" SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM {} p WHERE p.{} = CASE WHEN sample.v ~ '^[0-9]+$' AND length(sample.v) < 19 THEN sample.v::int8 END)) FROM sample",
		sqltext.Name(column), child, int64(sampleDocuments), parent, sqltext.Name(key))).Scan(&distinct, &found)
	return distinct, found, err
}

// NumberKeys returns the keys of a sample of the JSON objects in a column that end like the name of an id, and whose value is
// a number or an array that begins with one. Documents that are stored out of line are not read.
func NumberKeys(ctx context.Context, tx pg.Tx, table sqltext.Table, column string) (keys []string, err error) {
	err = tx.QueryRow(ctx, sqltext.Format("SELECT ARRAY(SELECT DISTINCT left(e.key, 63) FROM (SELECT c.{} AS document FROM {} c LIMIT {}) s"+
		" CROSS JOIN LATERAL (SELECT k.key, k.value FROM jsonb_each(CASE WHEN pg_column_size(s.document) < 2000 AND jsonb_typeof(s.document) = 'object'"+
		" THEN s.document::jsonb ELSE jsonb_build_object() END) k LIMIT 200) e"+
		" WHERE e.key ~ '(_id|Id)s?$' AND (jsonb_typeof(e.value) = 'number' OR jsonb_typeof(e.value) = 'array' AND jsonb_typeof(e.value -> 0) = 'number')"+
		" ORDER BY 1 LIMIT 100)", sqltext.Name(column), table, int64(sampleDocuments))).Scan(&keys)
	return keys, err
}
