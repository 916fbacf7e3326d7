package rehearse

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/tables.sql
var tablesSQL string

//go:embed queries/references.sql
var referencesSQL string

//go:embed queries/sequences.sql
var sequencesSQL string

// table is a table whose rows are copied. A partitioned table includes its partitions.
type table struct {
	OID     uint32
	Schema  string
	Name    string
	Root    bool // it has partitions
	Rows    float64
	Bytes   int64
	Columns []string // that can be written
	Key     string   // the integer column of its primary key, if that is one column
	Always  bool     // the key is GENERATED ALWAYS AS IDENTITY
	Plain   []string // columns of no key or index, for updates
}

func (t table) named() sqltext.Table {
	return sqltext.Table{Schema: t.Schema, Name: t.Name, Only: !t.Root}
}

// reference is a foreign key between two copied tables.
type reference struct {
	Child, Parent             uint32
	ChildColumns, ParentNames []string
	Types                     []string // of the parent's columns
}

func readTables(ctx context.Context, tx pgx.Tx, schema string) ([]table, error) {
	found, err := tx.Query(ctx, tablesSQL, schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByNameLax[table])
}

func readReferences(ctx context.Context, tx pgx.Tx, schema string) ([]reference, error) {
	found, err := tx.Query(ctx, referencesSQL, schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (r reference, err error) {
		return r, row.Scan(&r.Child, &r.Parent, &r.ChildColumns, &r.ParentNames, &r.Types)
	})
}

// bernoulli is the number of rows below which single rows are sampled, and whole pages above it.
const bernoulli = 100_000

// sampleOf returns the query for a share of a table's rows.
func sampleOf(t table, share float64) string {
	sql := "SELECT " + columnList(t.Columns) + " FROM " + sqltext.Format("{}", t.named())
	if share >= 1 {
		return sql
	}
	method := "SYSTEM"
	if t.Rows < bernoulli {
		method = "BERNOULLI"
	}
	return sql + fmt.Sprintf(" TABLESAMPLE %s (%g) REPEATABLE (1)", method, 100*share)
}

func columnList(columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = sqltext.Ident(c)
	}
	return strings.Join(quoted, ", ")
}

// copyRows copies the rows of a query on the source into a table.
func copyRows(ctx context.Context, source pgx.Tx, to *pgx.Conn, t table, query string) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		_, err := source.Conn().PgConn().CopyTo(ctx, writer, "COPY ("+query+") TO STDOUT")
		_ = writer.CloseWithError(err)
		sent <- err
	}()
	into := t.named().All()
	tag, err := to.PgConn().CopyFrom(ctx, reader, sqltext.Format("COPY {}", into)+" ("+columnList(t.Columns)+") FROM STDIN")
	_ = reader.CloseWithError(err)
	if failed := <-sent; failed != nil && err == nil {
		err = failed
	}
	return tag.RowsAffected(), err
}

// keysAtOnce is how many missing parents are fetched by one query.
const keysAtOnce = 2000

// fetchParents copies the parents that copied rows refer to until no row lacks one. It returns the number of rows.
func fetchParents(ctx context.Context, source pgx.Tx, to *pgx.Conn, tables []table, references []reference) (rows int64, err error) {
	for again := true; again; {
		again = false
		for _, r := range references {
			n, err := fetchParentsOf(ctx, source, to, tables, r)
			rows += n
			if err != nil {
				return rows, err
			}
			again = again || n > 0
		}
	}
	return rows, nil
}

// fetchParentsOf copies the parents that lack for one reference. A key that the source has not either, since the constraint is not valid
// there, ends it.
func fetchParentsOf(ctx context.Context, source pgx.Tx, to *pgx.Conn, tables []table, r reference) (rows int64, err error) {
	child, parent := tableOf(tables, r.Child), tableOf(tables, r.Parent)
	for child != nil && parent != nil {
		keys, err := missingKeys(ctx, to, *child, *parent, r)
		if err != nil || len(keys) == 0 {
			return rows, err
		}
		n, err := copyRows(ctx, source, to, *parent, byKeys(*parent, r, keys))
		rows += n
		if err != nil || n == 0 {
			return rows, err
		}
	}
	return rows, nil
}

func tableOf(tables []table, oid uint32) *table {
	at := slices.IndexFunc(tables, func(t table) bool { return t.OID == oid })
	if at < 0 {
		return nil
	}
	return &tables[at]
}

// missingKeys returns keys of parents that rows of the child refer to and that were not copied, as text.
func missingKeys(ctx context.Context, to *pgx.Conn, child, parent table, r reference) ([][]string, error) {
	var values, given, same []string
	for i, c := range r.ChildColumns {
		name := "c." + sqltext.Ident(c)
		values, given = append(values, name+"::text"), append(given, name+" IS NOT NULL")
		same = append(same, "p."+sqltext.Ident(r.ParentNames[i])+" = "+name)
	}
	sql := fmt.Sprintf("SELECT DISTINCT ARRAY[%s] FROM %s c WHERE %s AND NOT EXISTS (SELECT FROM %s p WHERE %s) LIMIT %d",
		strings.Join(values, ", "), sqltext.Format("{}", child.named()), strings.Join(given, " AND "), sqltext.Format("{}", parent.named()), strings.Join(same, " AND "), keysAtOnce)
	found, err := to.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[[]string])
}

// byKeys returns the query for the rows with these keys.
func byKeys(parent table, r reference, keys [][]string) string {
	arrays := make([]string, len(r.ParentNames))
	for i := range r.ParentNames {
		values := make([]string, len(keys))
		for n, key := range keys {
			values[n] = sqltext.Literal(key[i])
		}
		arrays[i] = "ARRAY[" + strings.Join(values, ", ") + "]::" + r.Types[i] + "[]"
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE (%s) IN (SELECT * FROM unnest(%s))",
		columnList(parent.Columns), sqltext.Format("{}", parent.named()), columnList(r.ParentNames), strings.Join(arrays, ", "))
}

// copySequences sets each sequence of the schema to the source's value.
func copySequences(ctx context.Context, source pgx.Tx, to *pgx.Conn, schema string) error {
	found, err := source.Query(ctx, sequencesSQL, schema)
	if err != nil {
		return err
	}
	type sequence struct {
		Name string
		Last int64
	}
	list, err := pgx.CollectRows(found, pgx.RowToStructByPos[sequence])
	if err != nil {
		return err
	}
	for _, s := range list {
		name := sqltext.Format("{}", sqltext.Table{Schema: schema, Name: s.Name})
		if _, err := to.Exec(ctx, "SELECT pg_catalog.setval($1::text::regclass, $2)", name, s.Last); err != nil {
			return err
		}
	}
	return nil
}
