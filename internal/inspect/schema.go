package inspect

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Request says what to read of a schema.
type Request struct {
	Schema    string
	Relations []string          // names of relations of any kind
	Tables    []string          // a subset of Relations, whose inserting roles must be able to call Function
	All       bool              // reads every relation of the schema and ignores Relations
	Column    string            // reads the objects that depend on this column, and its publications; "" reads neither
	Columns   map[string]string // by table, where it is not Column
	Function  string            // name of a function without arguments; "" reads none

	// Edges reads foreign keys with both ends, all of triggers and indexes, policies, rights, and the objects that depend on
	// any integer or uuid column.
	Edges   bool
	Parents []string        // with Edges: other schemas whose tables are read into OtherSchemas if a foreign key refers to them
	Also    []sqltext.Table // with Edges: further tables of other schemas to read into OtherSchemas

	Sizes bool // reads the sizes of tables that are spread over a cluster, from all of its nodes

	creates string // see edgeFacts.queries
	cluster bool   // the database has Citus
}

func (q Request) columnOf(table string) string {
	if own, ok := q.Columns[table]; ok {
		return own
	}
	return q.Column
}

// Schema reads a schema. If the schema does not exist, the result has Exists false; that is no error.
func Schema(ctx context.Context, tx pg.Tx, q Request) (catalog.Schema, error) {
	many, err := Schemas(ctx, tx, q, []string{q.Schema})
	if err != nil {
		return catalog.Schema{Name: q.Schema}, err
	}
	schema := many[0]
	if q.Function == "" || !schema.Exists {
		return schema, nil
	}
	err = Functions(ctx, tx, q.Function, many, func(catalog.Schema) []string { return q.Tables })
	return many[0], err
}

// endsWithRelations reports whether nothing is read after the parts of the relations.
func (q Request) endsWithRelations() bool {
	return !q.All && q.Column == "" && q.Function == "" && !q.Edges && !q.Sizes
}

type schemaRow struct {
	Name          string
	Usage, Create bool
	Cluster       bool
}

// Schemas reads several schemas with as many queries as one, in the order of names. It does not read their functions.
func Schemas(ctx context.Context, tx pg.Tx, q Request, names []string) ([]catalog.Schema, error) {
	schemas := make([]catalog.Schema, len(names))
	at := map[string]*catalog.Schema{}
	for i, name := range names {
		schemas[i].Name = name
		at[name] = &schemas[i]
	}
	var named []relationRow
	err := tx.QueryAll(
		ctx,
		query("schema", func(row schemaRow) {
			s := at[row.Name]
			s.Exists, s.Usage, s.Create = true, row.Usage, row.Create
			q.cluster = row.Cluster
		}, names),
		q.namedRelations(names, func(row relationRow) { named = append(named, row) }),
	)
	if err != nil {
		return nil, err
	}
	tables, parents, err := relations(ctx, tx, q, named)
	for _, t := range tables {
		appendTo(&at[t.Schema].Relations, t)
	}
	for i := range schemas {
		schemas[i].SetPlaces()
		if err == nil && q.All {
			err = readOtherSchemas(ctx, tx, &schemas[i])
		}
		if err == nil && q.Edges {
			err = q.readParents(ctx, tx, parents[schemas[i].Name], &schemas[i])
		}
	}
	return schemas, err
}

// Functions sets Function of each schema that has a function without arguments of that name. tables returns the tables whose
// inserting roles must be able to call it; it is called only for a schema that has the function.
func Functions(ctx context.Context, tx pg.Tx, name string, schemas []catalog.Schema, tables func(catalog.Schema) []string) error {
	names := make([]string, len(schemas))
	for i, schema := range schemas {
		names[i] = schema.Name
	}
	withFunction, err := schemasWithFunction(ctx, tx, name, names)
	if err != nil || len(withFunction) == 0 {
		return err
	}
	at := map[string]*catalog.Schema{}
	oids, schemaOf := []int64{}, []string{}
	for i, schema := range schemas {
		at[schema.Name] = &schemas[i]
		if !slices.Contains(withFunction, schema.Name) {
			continue
		}
		for _, table := range tables(schema) {
			if t := schema.Relation(table); t != nil {
				for _, each := range t.All() {
					oids, schemaOf = append(oids, int64(each.OID)), append(schemaOf, schema.Name)
				}
			}
		}
	}
	return readEach(ctx, tx, "function", func(r functionRow) {
		at[r.Schema].Function = &catalog.Function{
			OID: uint32(r.OID), Schema: r.Schema, Name: name, Owner: r.Owner, Owned: r.Owned, OwnedByRole: r.Own,
			Extension: r.Extension, SourceMD5: r.SourceMD5, Returns: r.Returns, Volatile: r.Volatile,
			ParallelSafe: r.ParallelSafe, Language: r.Language, Unprivileged: r.Unprivileged,
			OwnerBecomes: r.OwnerBecomes, OwnsTables: r.OfTables, Digest: r.Digest, Kind: r.Kind,
			Strict: r.Strict, Definer: r.Definer, Leakproof: r.Leakproof, Config: r.Config,
		}
	}, withFunction, name, oids, schemaOf)
}

// schemasWithFunction returns the subset of schemas that have a function without arguments of that name.
func schemasWithFunction(ctx context.Context, tx pg.Tx, name string, schemas []string) ([]string, error) {
	found, err := tx.QueryPrepared(ctx, queryText("schemas_with_function"), name, schemas)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}

// Overloads returns, by schema, the functions of that name with arguments that can all be omitted. They make a call of the
// function without arguments ambiguous.
func Overloads(ctx context.Context, tx pg.Tx, name string, schemas []string) (map[string][]string, error) {
	overloads := map[string][]string{}
	err := readEach(ctx, tx, "overloads", func(r struct{ Schema, Function string }) {
		overloads[r.Schema] = append(overloads[r.Schema], r.Function)
	}, name, schemas)
	return overloads, err
}

type functionRow struct {
	OID                         int64
	Schema                      string
	Owner, Extension, SourceMD5 string
	Returns, Language           string
	Owned, Own                  bool
	OwnerBecomes, OfTables      bool
	Digest, Kind                string
	Strict, Definer, Leakproof  bool
	Config                      []string
	Volatile, ParallelSafe      bool
	Unprivileged                []string
}

// OtherSchemas returns the schemas of the database except one, PostgreSQL's own and the journal's.
func OtherSchemas(ctx context.Context, tx pg.Tx, except string) ([]string, error) {
	found, err := tx.Query(ctx, queryText("other_schemas"), except)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}
