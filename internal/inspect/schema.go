package inspect

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Question says what is to be read of a schema.
type Request struct {
	Schema    string
	Relations []string          // names that are looked up, whatever kind of relation bears them
	Tables    []string          // those of them whose inserters must be able to call Function
	All       bool              // every relation of the schema, whatever Relations says
	Column    string            // what depends on this column of theirs, and where it is published, is read as well; "" reads neither
	Columns   map[string]string // the tables for which it is another column
	Function  string            // "" reads none
}

func (q Request) columnOf(table string) string {
	if own, ok := q.Columns[table]; ok {
		return own
	}
	return q.Column
}

// Schema reads a schema. One that does not exist is a value with Exists false, not an error.
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

// endsWithParts reports whether nothing is read after what belongs to the relations.
func (q Request) endsWithRelations() bool { return !q.All && q.Column == "" && q.Function == "" }

type schemaRow struct {
	Name          string
	Usage, Create bool
}

// Many reads several schemas with as many queries as one, in the order of their names' list; their
// functions are not read.
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
		}, names),
		q.namedRelations(names, func(row relationRow) { named = append(named, row) }),
	)
	if err != nil {
		return nil, err
	}
	tables, err := relations(ctx, tx, q, named)
	for _, t := range tables {
		appendTo(&at[t.Schema].Relations, t)
	}
	for i := range schemas {
		if err == nil && q.All {
			err = readOtherSchemas(ctx, tx, &schemas[i])
		}
	}
	return schemas, err
}

// Functions reads into each of the schemas its function without arguments of that name; tables are those whose
// inserters must be able to call it, and are asked for only where there is one.
func Functions(ctx context.Context, tx pg.Tx, name string, schemas []catalog.Schema, tables func(catalog.Schema) []string) error {
	names := make([]string, len(schemas))
	for i, schema := range schemas {
		names[i] = schema.Name
	}
	having, err := schemasWithFunction(ctx, tx, name, names)
	if err != nil || len(having) == 0 {
		return err
	}
	at := map[string]*catalog.Schema{}
	oids, of := []int64{}, []string{}
	for i, schema := range schemas {
		at[schema.Name] = &schemas[i]
		if !slices.Contains(having, schema.Name) {
			continue
		}
		for _, table := range tables(schema) {
			if t := schema.Relation(table); t != nil {
				for _, one := range t.All() {
					oids, of = append(oids, int64(one.OID)), append(of, schema.Name)
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
	}, having, name, oids, of)
}

// having names those of the schemas that have a function without arguments of that name.
func schemasWithFunction(ctx context.Context, tx pg.Tx, name string, schemas []string) ([]string, error) {
	found, err := tx.QueryPrepared(ctx, queryText("schemas_with_function"), name, schemas)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}

// Overloads gives, by schema, the functions of that name with arguments that may be called without any: beside
// one of them a call of the function without arguments is ambiguous.
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

// Schemas names the schemas of the database beside one, without PostgreSQL's own and the journal's.
func OtherSchemas(ctx context.Context, tx pg.Tx, beside string) ([]string, error) {
	found, err := tx.Query(ctx, queryText("other_schemas"), beside)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[string])
}
