package inspect

import (
	"context"
	"errors"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

type relationRow struct {
	OID                                                        int64
	Schema, Name, Kind, Persistence, Owner, Extension, IndexOf string
	ReplicaIdentity                                            string
	Comment                                                    *string
	Owned, OwnerBecomes, Partition, Heirs, OfType              bool
	PartitionKey                                               []string
	RowSecurity, ForceRowSecurity                              bool
	Pages, KnownPages, Bytes                                   int64
	Tuples                                                     float64
	Fillfactor, Attributes, Parents                            int
}

func (r relationRow) table() catalog.Table {
	return catalog.Table{
		OID: uint32(r.OID), Schema: r.Schema, Name: r.Name, Kind: catalog.Kind(r.Kind), Persistence: r.Persistence,
		Owner: r.Owner, OwnerBecomes: r.OwnerBecomes, Owned: r.Owned, Comment: r.Comment, Pages: r.Pages, Rows: r.estimate(), Bytes: r.Bytes,
		Fillfactor: r.Fillfactor, Partition: r.Partition, Parents: r.Parents, PartitionKey: r.PartitionKey, OfType: r.OfType,
		RowSecurity: r.RowSecurity, ForceRowSecurity: r.ForceRowSecurity, ReplicaIdentity: r.ReplicaIdentity,
		Extension: r.Extension, IndexOf: r.IndexOf, Attributes: r.Attributes,
	}
}

// estimate scales the number of rows at the last VACUUM or ANALYZE to the current number of pages, as the planner does. For
// a table that was never analyzed it assumes 100 rows per page.
func (r relationRow) estimate() float64 {
	if r.Tuples < 0 || r.KnownPages == 0 {
		const guess = 100
		return float64(r.Pages * guess)
	}
	return r.Tuples / float64(r.KnownPages) * float64(r.Pages)
}

// namedRelations returns the query for the requested relations of schemas.
func (q Request) namedRelations(schemas []string, take func(relationRow)) pg.Query {
	names := append([]string{}, q.Relations...)
	if q.All {
		names = nil
	}
	return query("relations", take, schemas, names, []int64{})
}

// relations returns the found relations with their columns, indexes and other parts, and the tables below them. For edges it
// also returns, by schema, the oids of the tables of other schemas to which its tables refer.
func relations(ctx context.Context, tx pg.Tx, q Request, found []relationRow) ([]catalog.Table, map[string][]int64, error) {
	trees, err := readBelow(ctx, tx, found)
	if err != nil {
		return nil, nil, err
	}
	more, err := trees.read(ctx, tx, found)
	if err != nil {
		return nil, nil, err
	}
	read := slices.Concat(found, more)
	tables := make([]catalog.Table, len(read))
	at := map[int64]*catalog.Table{}
	oids, columns := []int64{}, []string{}
	for i, row := range read {
		tables[i] = row.table()
		at[row.OID] = &tables[i]
		if !slices.Contains(kindsWithParts(), tables[i].Kind) {
			continue
		}
		oids, columns = append(oids, row.OID), append(columns, row.Name)
	}
	if len(oids) == 0 {
		return tables, nil, nil
	}
	for i, oid := range oids { // tables below a root have the root's column
		if root, ok := trees.top[oid]; ok {
			columns[i] = at[root].Name
		}
		columns[i] = q.columnOf(columns[i])
	}
	if q.Column == "" {
		columns = nil
	}
	queryAll := tx.QueryAll
	if q.endsWithRelations() {
		queryAll = tx.QueryAllLast
	}
	parents, err := readParts(ctx, tx, parts{q, queryAll, columns, oids}, at)
	if err == nil && q.cluster && q.Sizes {
		err = readShardSizes(ctx, tx, at)
	}
	trees.attach(at)
	return tables[:len(found)], parents, err
}

// kindsWithParts returns the kinds of relations whose columns, indexes and other parts are read.
func kindsWithParts() []catalog.Kind {
	return []catalog.Kind{catalog.Ordinary, catalog.Partitioned, catalog.View, catalog.MaterializedView, catalog.Foreign}
}

// The rows of the queries: a part, and the oid of its relation.
type (
	columnRow struct {
		Relation int64
		catalog.Column
		CodeRuns, CodeOwners []string
		CodeBecomes          []bool
	}
	indexRow struct {
		Relation int64
		catalog.Index
	}
	constraintRow struct {
		Relation int64
		catalog.Constraint
	}
	triggerRow struct {
		Relation int64
		catalog.Trigger
	}
	ruleRow struct {
		Relation int64
		catalog.Rule
	}
	publicationRow struct {
		Relation int64
		catalog.Publication
	}
	attachmentRow struct {
		Relation int64
		catalog.Attachment
	}
)

// column returns the column with the code of its default.
func (r columnRow) column() catalog.Column {
	c := r.Column
	for i, runs := range r.CodeRuns {
		c.Code = append(c.Code, catalog.Code{Runs: runs, Owner: catalog.Owner{Name: r.CodeOwners[i], Becomes: r.CodeBecomes[i]}})
	}
	return c
}

// parts says which parts of relations to read.
type parts struct {
	request  Request
	queryAll func(context.Context, ...pg.Query) error
	columns  []string // one per relation, whose dependent objects and publications are read too; nil reads none
	oids     []int64
}

// readParts reads the parts of all relations, with one query per kind of part. For edges it returns, by schema, the oids of the
// tables of other schemas to which its tables refer.
func readParts(ctx context.Context, tx pg.Tx, p parts, at map[int64]*catalog.Table) (parents map[string][]int64, err error) {
	triggers, facts := "triggers", edgeFacts{}
	var more []pg.Query
	if p.request.Edges {
		triggers, more = "trigger_details", facts.queries(p.oids, p.request.creates, at)
	}
	if p.request.cluster {
		more = append(more, sharding(p.oids, at))
	}
	err = p.queryAll(ctx, append([]pg.Query{
		query("columns", func(r columnRow) { appendTo(&at[r.Relation].Columns, r.column()) }, p.oids),
		query("indexes", func(r indexRow) { appendTo(&at[r.Relation].Indexes, r.Index) }, p.oids),
		query("constraints", func(r constraintRow) { appendTo(&at[r.Relation].Constraints, r.Constraint) }, p.oids),
		query(triggers, func(r triggerRow) { appendTo(&at[r.Relation].Triggers, r.Trigger) }, p.oids),
		query("rules", func(r ruleRow) { appendTo(&at[r.Relation].Rules, r.Rule) }, p.oids),
	}, more...)...)
	if err != nil || p.columns == nil && !p.request.Edges {
		return nil, err
	}
	oids, columns := p.oids, p.columns
	if p.request.Edges {
		facts.join(at)
		parents = facts.parentsIn(p.request.Parents, at)
		oids, columns = withKeyColumns(oids, columns, at)
	}
	return parents, errors.Join(
		publications(ctx, tx, p.oids, at),
		readEach(ctx, tx, "attachments", func(r attachmentRow) { appendTo(&at[r.Relation].Attachments, r.Attachment) }, oids, columns),
	)
}

// publications reads the publications of relations. It checks first whether the database has one: most have none, and no
// other query takes as long to plan.
func publications(ctx context.Context, tx pg.Tx, oids []int64, at map[int64]*catalog.Table) error {
	some, err := rows[struct{ Name string }](ctx, tx, "publication")
	if err != nil || len(some) == 0 {
		return err
	}
	return readEach(ctx, tx, "publications", func(r publicationRow) { appendTo(&at[r.Relation].Publications, r.Publication) }, oids)
}

// readEach runs a query and calls take with each row.
func readEach[R any](ctx context.Context, tx pg.Tx, name string, take func(R), args ...any) error {
	return tx.QueryAll(ctx, query(name, take, args...))
}

func appendTo[T any](list *[]T, value T) { *list = append(*list, value) }
