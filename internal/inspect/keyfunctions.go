package inspect

import (
	"context"
	"slices"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// KeyName is a primary key that a function may name.
type KeyName struct {
	Table      sqltext.Table
	Constraint string
}

// KeyFunction is a function whose text may contain a statement that the switch of a primary key changes.
type KeyFunction struct {
	Key      KeyName
	Function string // as pg_describe_object writes it
	// Names says that the text has ON CONFLICT ON CONSTRAINT with the name of the primary key. ByValue says that it has the statement
	// with a name that is put together at run time. Groups says that it has GROUP BY and names the table.
	Names, ByValue, Groups bool
}

// KeyFunctions returns the functions of the database whose text names one of the primary keys in ON CONFLICT ON CONSTRAINT, or one of
// the tables together with GROUP BY. PostgreSQL records no dependency for the text of a function. The text is not returned: it can
// contain secrets.
func KeyFunctions(ctx context.Context, tx pg.Tx, keys []KeyName) ([]KeyFunction, error) {
	type function struct {
		Function, Source, Path string
		SQL                    bool
	}
	functions, err := rows[function](ctx, tx, "key_functions")
	if err != nil || len(functions) == 0 {
		return nil, err
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Table.Name
	}
	schemas, err := schemasOf(ctx, tx, names)
	if err != nil {
		return nil, err
	}
	var found []KeyFunction
	for _, f := range functions {
		text := readFunction(f.Source, f.SQL)
		path := text.path(f.Path, schemas)
		for _, k := range keys {
			one := KeyFunction{Key: k, Function: f.Function, Groups: text.groups(k, path)}
			one.Names, one.ByValue = text.conflicts(k, path)
			if one.Names || one.ByValue || one.Groups {
				found = append(found, one)
			}
		}
	}
	return found, nil
}

// schemasOf returns the schemas that have a relation with one of the names, by name.
func schemasOf(ctx context.Context, tx pg.Tx, names []string) (map[string][]string, error) {
	type relation struct{ Name, Schema string }
	schemas := map[string][]string{}
	err := readEach(ctx, tx, "schemas_with_relation", func(r relation) { schemas[r.Name] = append(schemas[r.Name], r.Schema) }, names)
	return schemas, err
}

// path returns the search path of a function with a setting, which is "" for none.
func (f functionText) path(setting string, schemas map[string][]string) searchPath {
	path := searchPath{schemas: schemas}
	if setting != "" && !f.has("search_path") { // else the function may set another one
		path.pinned = pathElements(setting)
	}
	return path
}

// searchPath resolves names without a schema in the text of a function.
type searchPath struct {
	pinned  []string            // the function's own setting; nil if it has none
	schemas map[string][]string // the schemas that have a relation of a name
}

func pathElements(setting string) []string {
	elements := []string{}
	tokens, _ := sqltext.Tokens(setting)
	for _, t := range tokens {
		if name, ok := t.Name(); ok {
			elements = append(elements, name)
		}
	}
	return elements
}

// reaches reports whether the name of a table may mean the table, without a schema. Without a setting of the function's own it may.
func (p searchPath) reaches(t sqltext.Table) bool {
	if p.pinned == nil {
		return true
	}
	for _, element := range p.pinned {
		if element == "$user" || element == t.Schema {
			return true
		}
		if slices.Contains(p.schemas[t.Name], element) {
			return false
		}
	}
	return false
}
