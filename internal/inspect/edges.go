package inspect

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// foreignKeyRow is a foreign key with the oids of its two tables.
type foreignKeyRow struct {
	catalog.ForeignKey
	Child, Parent                                    int64
	ChildSchema, ChildName, ParentSchema, ParentName string
}

func (r foreignKeyRow) key() catalog.ForeignKey {
	k := r.ForeignKey
	k.Child = sqltext.Table{Schema: r.ChildSchema, Name: r.ChildName}
	k.Parent = sqltext.Table{Schema: r.ParentSchema, Name: r.ParentName}
	return k
}

type (
	policyRow struct {
		Relation int64
		catalog.Policy
	}
	rightsRow struct {
		Relation                                                 int64
		MayReference, OwnerBypassesRLS, OwnerCreates, Subscribed bool
	}
	defaultRow struct {
		Relation int64
		Number   int
		Text     string
	}
	indexDetailsRow struct {
		Relation, Index int64
		Comment         *string
		Uses            []string

		ConstraintComment *string
		Statistics        []int32
		Users             []string
		Dependents        []string
	}
)

// edgeFacts has what the queries for edges return. It becomes part of the tables when all parts of them are read.
type edgeFacts struct {
	keys     []foreignKeyRow
	defaults []defaultRow
	indexes  []indexDetailsRow
}

// queries returns the queries for what only edges need of the relations. creates is the schema in which their owners may have
// to create functions; "" is each relation's own.
func (f *edgeFacts) queries(oids []int64, creates string, at map[int64]*catalog.Table) []pg.Query {
	return []pg.Query{
		query("foreign_keys", func(r foreignKeyRow) { f.keys = append(f.keys, r) }, oids),
		query("integer_defaults", func(r defaultRow) { f.defaults = append(f.defaults, r) }, oids),
		query("index_details", func(r indexDetailsRow) { f.indexes = append(f.indexes, r) }, oids),
		query("policies", func(r policyRow) { appendTo(&at[r.Relation].Policies, r.Policy) }, oids),
		query("rights", func(r rightsRow) {
			t := at[r.Relation]
			t.MayReference, t.OwnerBypassesRLS, t.OwnerCreates, t.Subscribed = r.MayReference, r.OwnerBypassesRLS, r.OwnerCreates, r.Subscribed
		}, oids, creates),
	}
}

// join adds the facts to the tables.
func (f *edgeFacts) join(at map[int64]*catalog.Table) {
	for _, r := range f.keys {
		if child, ok := at[r.Child]; ok {
			appendTo(&child.ForeignKeys, r.key())
		}
		if parent, ok := at[r.Parent]; ok {
			appendTo(&parent.ReferencedBy, r.key())
		}
	}
	for _, r := range f.defaults {
		columns := at[r.Relation].Columns
		if i := slices.IndexFunc(columns, func(c catalog.Column) bool { return c.Number == r.Number }); i >= 0 {
			columns[i].Default = r.Text
		}
	}
	for _, r := range f.indexes {
		indexes := at[r.Relation].Indexes
		if i := slices.IndexFunc(indexes, func(i catalog.Index) bool { return int64(i.OID) == r.Index }); i >= 0 {
			index := &indexes[i]
			index.Uses, index.Comment = r.Uses, r.Comment
			index.ConstraintComment, index.Statistics, index.Users = r.ConstraintComment, r.Statistics, r.Users
			index.Dependents = r.Dependents
		}
	}
}

// parentsIn returns, by schema, the oids of the tables in some other schemas to which its tables refer.
func (f *edgeFacts) parentsIn(others []string, at map[int64]*catalog.Table) map[string][]int64 {
	parents := map[string][]int64{}
	for _, r := range f.keys {
		if at[r.Child] != nil && r.ParentSchema != r.ChildSchema && slices.Contains(others, r.ParentSchema) && !slices.Contains(parents[r.ChildSchema], r.Parent) {
			parents[r.ChildSchema] = append(parents[r.ChildSchema], r.Parent)
		}
	}
	return parents
}

// withKeyColumns adds to the pairs of relations and columns the columns that an edge can have: all integers and uuids.
func withKeyColumns(oids []int64, columns []string, at map[int64]*catalog.Table) ([]int64, []string) {
	known := map[int64]string{}
	for i, oid := range oids {
		if columns != nil {
			known[oid] = columns[i]
		}
	}
	all := slices.Clone(oids[:len(columns)])
	for _, oid := range oids {
		for _, c := range at[oid].Columns {
			if c.Name != known[oid] && (c.Integer() || c.Plain() == "uuid") {
				all, columns = append(all, oid), append(columns, c.Name)
			}
		}
	}
	return all, columns
}

// readParents adds to a schema the tables of other schemas that its foreign keys refer to, or that the request names.
func (q Request) readParents(ctx context.Context, tx pg.Tx, parents []int64, schema *catalog.Schema) error {
	found, err := q.named(ctx, tx)
	if err == nil && len(parents) > 0 {
		var more []relationRow
		more, err = rows[relationRow](ctx, tx, "relations", []string{}, []string{}, parents)
		found = append(found, more...)
	}
	if err != nil || len(found) == 0 {
		return err
	}
	slices.SortFunc(found, func(a, b relationRow) int { return int(a.OID - b.OID) })
	found = slices.CompactFunc(found, func(a, b relationRow) bool { return a.OID == b.OID })
	tables, _, err := relations(ctx, tx, Request{Edges: true, creates: schema.Name, cluster: q.cluster}, found)
	schema.OtherSchemas = append(tables, schema.OtherSchemas...)
	return err
}

// named returns the relations of other schemas that the request names.
func (q Request) named(ctx context.Context, tx pg.Tx) ([]relationRow, error) {
	if len(q.Also) == 0 {
		return nil, nil
	}
	var schemas, names []string
	for _, t := range q.Also {
		schemas, names = append(schemas, t.Schema), append(names, t.Name)
	}
	found, err := rows[relationRow](ctx, tx, "relations", schemas, names, []int64{})
	return slices.DeleteFunc(found, func(r relationRow) bool {
		return r.Schema == q.Schema || !slices.Contains(q.Also, sqltext.Table{Schema: r.Schema, Name: r.Name})
	}), err
}
