package verify

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	// chunkPages is how many pages of a child one transaction reads: longer snapshots delay vacuum.
	chunkPages = 4000
	// tidRanges is the first major version that reads a range of pages without the rest of the table.
	tidRanges = 14
	// mostKeys is how many orphans are named.
	mostKeys = 10
)

// edgeCount counts the rows of one edge in one pass. A row is counted under the first fault that it has.
type edgeCount struct {
	edge step.Edge
	// pages is the number of pages of a chunk, 0 to read a table in one piece.
	pages  int64
	code   *guard.Watch // of the table in work and of the parent
	counts EdgeReport
}

// countEdge compares the two columns of every row of an edge. Each chunk is a transaction of its own: while applications
// write, the result is of no single instant, but every chunk is.
func countEdge(ctx context.Context, pool *pgxpool.Pool, server catalog.Server, e step.Edge, tables []*catalog.Table, parent *catalog.Table) (EdgeReport, error) {
	c := edgeCount{edge: e}
	if server.Major() >= tidRanges {
		c.pages = chunkPages
	}
	for _, table := range tables {
		c.code = guard.Reading(server, table, parent)
		if err := c.table(ctx, pool, table.Named()); err != nil {
			return c.counts, err
		}
	}
	return c.counts, nil
}

// tablesOf returns the tables that hold the rows of an edge.
func tablesOf(e step.Edge, child *catalog.Table) []*catalog.Table {
	if !e.Tree {
		return []*catalog.Table{child.WithoutBelow()}
	}
	var tables []*catalog.Table
	for _, one := range child.All() {
		if one.Kind == catalog.Ordinary {
			tables = append(tables, one.WithoutBelow())
		}
	}
	return tables
}

func (c *edgeCount) table(ctx context.Context, pool *pgxpool.Pool, table sqltext.Table) error {
	for from := int64(0); ; from += c.pages {
		var pages int64
		err := c.code.Read(ctx, pool, func(tx pg.Tx) error {
			if err := tx.QueryRow(ctx, sqltext.Format("SELECT pg_relation_size({}::regclass) / current_setting('block_size')::bigint", sqltext.Value(sqltext.Qualified(table.Schema, table.Name)))).Scan(&pages); err != nil {
				return err
			}
			return c.chunk(ctx, tx, table, from)
		})
		if err != nil || c.pages == 0 || from+c.pages >= pages {
			return err
		}
	}
}

// chunk counts the pages from a page on.
func (c *edgeCount) chunk(ctx context.Context, tx pg.Tx, table sqltext.Table, from int64) error {
	var n EdgeReport
	where := ""
	if c.pages > 0 {
		where = sqltext.Format(" WHERE c.ctid >= '({},0)'::tid AND c.ctid < '({},0)'::tid", from, from+c.pages)
	}
	integer, uuid := c.columns()
	counts := "SELECT count(*), count(*) FILTER (WHERE " + c.mismatch() + "), count(*) FILTER (WHERE " + c.orphan() + ")," +
		" count(*) FILTER (WHERE NOT (" + c.orphan() + ") AND " + c.complete() + " AND (" + integer + " IS NULL) <> (" + uuid + " IS NULL))," +
		" count(*) FILTER (WHERE " + c.complete() + " AND " + integer + " IS NULL AND " + uuid + " IS NOT NULL)"
	if err := tx.QueryRow(ctx, counts+c.join(table)+where).Scan(&n.Rows, &n.Mismatches, &n.Orphans, &n.OneSided, &n.UUIDOnly); err != nil {
		return err
	}
	c.counts.Rows += n.Rows
	c.counts.Mismatches += n.Mismatches
	c.counts.Orphans += n.Orphans
	c.counts.OneSided += n.OneSided
	c.counts.UUIDOnly += n.UUIDOnly
	if n.Orphans == 0 || len(c.counts.OrphanKeys) >= mostKeys {
		return nil
	}
	if where == "" {
		where = " WHERE true"
	}
	keys, err := readKeys(ctx, tx, "SELECT DISTINCT "+integer+c.join(table)+where+" AND "+c.orphan()+sqltext.Format(" ORDER BY 1 LIMIT {}", mostKeys))
	for _, key := range keys {
		if !slices.Contains(c.counts.OrphanKeys, key) && len(c.counts.OrphanKeys) < mostKeys {
			c.counts.OrphanKeys = append(c.counts.OrphanKeys, key)
		}
	}
	return err
}

func readKeys(ctx context.Context, tx pg.Tx, query string) (keys []string, err error) {
	err = tx.QueryRow(ctx, "SELECT array(SELECT key::text FROM ("+query+") AS found (key))").Scan(&keys)
	return keys, err
}

// join returns the child c with the parent p of each row, if it exists.
func (c *edgeCount) join(table sqltext.Table) string {
	e := c.edge
	table.Only = true
	on := []string{sqltext.Format("p.{} = c.{}", sqltext.Name(e.Key), sqltext.Name(e.Column))}
	for _, part := range e.Parts() {
		on = append(on, sqltext.Format("p.{} = c.{}", sqltext.Name(part.Parent), sqltext.Name(part.Child)))
	}
	return sqltext.Format(" FROM {} AS c LEFT JOIN {} AS p ON ", table, e.Parent) + strings.Join(on, " AND ")
}

// columns returns the two columns of the child.
func (c *edgeCount) columns() (integer, uuid string) {
	return sqltext.Format("c.{}", sqltext.Name(c.edge.Column)), sqltext.Format("c.{}", sqltext.Name(c.edge.UUID))
}

// complete is the condition that the other columns of a composite key have values. Without them a row refers to nothing.
func (c *edgeCount) complete() string {
	conditions := []string{"true"}
	for _, part := range c.edge.Parts() {
		conditions = append(conditions, sqltext.Format("c.{} IS NOT NULL", sqltext.Name(part.Child)))
	}
	return strings.Join(conditions, " AND ")
}

// orphan is the condition of a row whose integer refers to no row of the parent.
func (c *edgeCount) orphan() string {
	integer, _ := c.columns()
	return c.complete() + " AND " + integer + " IS NOT NULL AND " + sqltext.Format("p.{} IS NULL", sqltext.Name(c.edge.Key))
}

// mismatch is the condition of a row whose columns refer to different rows of the parent.
func (c *edgeCount) mismatch() string {
	_, uuid := c.columns()
	return sqltext.Format("p.{} IS NOT NULL AND ", sqltext.Name(c.edge.Key)) + uuid + " IS NOT NULL AND " + uuid + sqltext.Format(" IS DISTINCT FROM p.{}", sqltext.Name(c.edge.ParentUUID))
}
