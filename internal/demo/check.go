package demo

import (
	"context"
	"embed"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
)

//go:embed queries
var queries embed.FS

// table describes one of the tables.
type table struct {
	name    string
	columns []string // the columns before up
	last    int64    // the greatest key before the traffic started
	kind    *kind    // nil if the application does not use the table
}

// share selects the old rows that the application may write: those whose key is divisible by it. It only reads the
// others, which must not change.
const share = 97

// Digest is a checksum of the old columns of the rows that the application does not write.
type Digest struct {
	Rows int64  `json:"rows"`
	Sum  string `json:"sum"`
}

// Account compares the rows that the application has written with its own record of them.
type Account struct {
	Rows     int64  `json:"rows"`              // rows that must exist
	Lost     int64  `json:"lost"`              // deleted or changed by someone else, or present after the application deleted them
	OwnKeys  int64  `json:"own_uuids"`         // rows inserted with a uuid that the application chose
	Kept     int64  `json:"own_uuids_kept"`    // those that still have this uuid
	Replaced int64  `json:"uuids_replaced"`    // rows whose uuid differs from the application's record
	Example  string `json:"example,omitempty"` // describes one lost or replaced row
}

// write returns the text of a query. It replaces names in braces by lists of columns of t, and {} by names.
func write(query string, columns []string, field, key string, args ...any) string {
	text, err := queries.ReadFile("queries/" + query + ".sql")
	if err != nil {
		return err.Error() // cannot happen: the files are embedded
	}
	return weave(string(text), columns, field, key, args...)
}

func weave(text string, columns []string, field, key string, args ...any) string {
	var names []any
	if strings.Contains(text, "{field}") {
		text = strings.Replace(text, "{field}", "t.{}", 1)
		names = append(names, sqltext.Name(field))
	}
	if strings.Contains(text, "{columns}") {
		text = strings.Replace(text, "{columns}", strings.TrimSuffix(strings.Repeat("t.{}, ", len(columns)), ", "), 1)
		for _, column := range columns {
			names = append(names, sqltext.Name(column))
		}
	}
	return sqltext.Format(strings.Replace(text, "{uuid}", key, 1), append(names, args...)...)
}

// SQL expressions for the text of a row's uuid, with and without the column.
const (
	withKey    = "coalesce(t.uuid::text, '')"
	withoutKey = "''"
)

func (t table) relation() sqltext.Table { return sqltext.Table{Schema: schema, Name: t.name} }

// oldColumns reads the columns of the tables before up.
func oldColumns(ctx context.Context, pool *pgxpool.Pool) ([]table, error) {
	var names []string
	for _, t := range phoenixkit.Profile().Tables {
		names = append(names, t.Name)
	}
	rows, err := pool.Query(ctx, write("columns", nil, "", ""), schema, names)
	if err != nil {
		return nil, err
	}
	known := kinds()
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (table, error) {
		var t table
		err := row.Scan(&t.name, &t.columns)
		for i := range known {
			if known[i].table == t.name {
				t.kind = &known[i]
			}
		}
		return t, err
	})
}

// count counts tables and rows, and records the greatest keys.
func count(ctx context.Context, pool *pgxpool.Pool, tables []table) (int, int64, error) {
	var sum int64
	for i := range tables {
		var rows int64
		greatest := write("greatest", nil, "", "", tables[i].relation())
		if err := pool.QueryRow(ctx, greatest).Scan(&tables[i].last, &rows); err != nil {
			return 0, 0, err
		}
		sum += rows
	}
	return len(tables), sum, nil
}

// checksums returns, by table, the checksums of the old columns of the rows that the application does not write.
func checksums(ctx context.Context, pool *pgxpool.Pool, tables []table) (map[string]Digest, error) {
	all := make(map[string]Digest, len(tables))
	for _, t := range tables {
		last, part := t.last, share
		if t.kind == nil {
			last, part = math.MaxInt64, 0
		}
		var d Digest
		query := write("checksum", t.columns, "", "", t.relation())
		if err := pool.QueryRow(ctx, query, last, part).Scan(&d.Rows, &d.Sum); err != nil {
			return nil, err
		}
		all[t.name] = d
	}
	return all, nil
}

// account compares the application's record with the tables. The traffic must be paused.
func (d *Demo) account(ctx context.Context, t *traffic, keyed bool) (Account, error) {
	var a Account
	for _, table := range d.old {
		if table.kind == nil {
			continue
		}
		there, err := written(ctx, d.pool, table, keyed)
		if err != nil {
			return a, err
		}
		a.compare(table.name, t.record(table.name), there, keyed)
	}
	return a, nil
}

func written(ctx context.Context, pool *pgxpool.Pool, t table, keyed bool) (map[int64]row, error) {
	key := withoutKey
	if keyed {
		key = withKey
	}
	lines, err := pool.Query(ctx, write("written", t.columns, t.kind.field, key, t.relation()), t.last, share)
	if err != nil {
		return nil, err
	}
	there := map[int64]row{}
	var r row
	_, err = pgx.ForEachRow(lines, []any{&r.id, &r.value, &r.sum, &r.key}, func() error {
		there[r.id] = r
		return nil
	})
	return there, err
}

// total returns the number of rows and one checksum of all tables, in 8 hexadecimal digits.
func total(all map[string]Digest) (int64, string) {
	var rows int64
	hash := fnv.New32a()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		rows += all[name].Rows
		fmt.Fprintln(hash, name, all[name].Rows, all[name].Sum)
	}
	return rows, fmt.Sprintf("%08x", hash.Sum32())
}
