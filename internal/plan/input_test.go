package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// The tests build a plan from an input that nothing refuses, altered in one respect.

// schemaRun returns the input of up for a schema with two empty tables, t and u, altered.
func schemaRun(alter ...func(*Input)) Input {
	s := Input{
		Server: catalog.Server{
			Version: 150000, Database: "db",
			Role:          catalog.Role{Name: "postgres", Superuser: true, CreateDatabase: true, Trusts: []string{"app"}},
			JournalSchema: catalog.JournalSchema{Exists: true, Usage: true, Tables: true, Write: true, Create: true},
		},
		Schema:    catalog.Schema{Name: "app", Exists: true, Usage: true, Create: true, Relations: []catalog.Table{newTable("t", 1), newTable("u", 2)}},
		Data:      map[sqltext.Table]catalog.Data{},
		Scope:     Scope{Selection: Selection{Naming: Naming{Column: "uuid"}}},
		Direction: Up,
	}
	for _, f := range alter {
		f(&s)
	}
	return s
}

// profileRun returns the input of up for a schema with a profile's version table at a version and its table t, altered.
func profileRun(version string, alter ...func(*Input)) Input {
	s := schemaRun()
	versions := newTable("versions", 3)
	versions.Comment = &version
	s.Schema.Relations = []catalog.Table{newTable("t", 1), versions}
	s.Scope = Scope{Profile: &profile.Profile{
		Name: "library", VersionTable: "versions", Column: "uuid", From: 1, To: 2, VerifyFrom: 4, Last: 5,
		Tables: []profile.Table{{Name: "t", Renamed: &profile.Rename{Version: 3, Name: "renamed"}}, {Name: "missing"}},
	}}
	for _, f := range alter {
		f(&s)
	}
	return s
}

// named returns the name of a table of the schema.
func named(table string) sqltext.Table { return sqltext.Table{Schema: "app", Name: table} }

// adopted returns what the journal says of a table whose column existed before up.
func adopted(table string) map[sqltext.Table]bool { return map[sqltext.Table]bool{named(table): true} }

// newTable returns an ordinary table with a bigint id as its primary key.
func newTable(name string, oid uint32) catalog.Table {
	return catalog.Table{
		OID: oid, Schema: "app", Name: name, Kind: catalog.Ordinary, Persistence: "p", ReplicaIdentity: "d",
		Owner: "app", Owned: true, Rows: 5, Bytes: 100, Attributes: 1,
		Columns: []catalog.Column{{Number: 1, Name: "id", Type: "bigint", Length: 8, Alignment: 8, NotNull: true}},
		Indexes: []catalog.Index{{
			OID: oid + 100, Name: name + "_pkey", Columns: []string{"id"}, Unique: true, Immediate: true, Primary: true, Valid: true, Ready: true,
			Method: "btree", Constraint: name + "_pkey", Definition: "CREATE UNIQUE INDEX ON " + name + " USING btree (id)",
		}},
	}
}

// addColumn adds a column to a table and returns it.
func addColumn(table *catalog.Table, c catalog.Column) *catalog.Column {
	table.Attributes++
	c.Number = table.Attributes
	table.Columns = append(table.Columns, c)
	return &table.Columns[len(table.Columns)-1]
}

// addUUID adds a nullable column uuid to a table and returns it.
func addUUID(table *catalog.Table) *catalog.Column {
	return addColumn(table, catalog.Column{Name: "uuid", Type: "uuid", Length: 16, Alignment: 1})
}

// uniqueIndex returns a valid unique index on columns.
func uniqueIndex(name string, columns ...string) catalog.Index {
	return catalog.Index{
		Name: name, Columns: columns, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree",
		Definition: "CREATE UNIQUE INDEX " + name + " ON app.t USING btree (" + strings.Join(columns, ", ") + ")",
	}
}

// complete gives a table of a schema run everything that up makes, with the mark of a made column.
func complete(s *Input, table *catalog.Table) {
	t := s.Selection.Target(s.Schema.Name, table, Up)
	c, comment := addUUID(table), t.Mark()
	c.NotNull, c.Comment = true, &comment
	c.Default, c.Calls = "app.uuid_generate_v7()", sqltext.Qualified("app", step.FunctionName)
	table.Indexes = append(table.Indexes, uniqueIndex(t.Index, "uuid"))
}

// found gives a table of a schema run a column that existed before up, with the mark of up.
func found(table *catalog.Table, mark string) *catalog.Column {
	c, comment := addUUID(table), `[rekey: found {"of":"app.`+table.Name+`","index":"`+table.Name+`_uuid_idx"`+mark+`}]`
	c.Comment = &comment
	return c
}

// first returns the table t.
func first(s *Input) *catalog.Table { return &s.Schema.Relations[0] }

// onTable returns an alteration of the table t.
func onTable(f func(*catalog.Table)) func(*Input) { return func(s *Input) { f(first(s)) } }

// down plans the way down of a made column of t, with more alterations.
func down(s *Input) {
	s.Direction = Down
	complete(s, first(s))
}

func patterns(t *testing.T, text string) []discover.Pattern {
	t.Helper()
	list, err := discover.ParsePatterns(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// codes returns the codes of problems, separated by spaces.
func codes(found problem.List) string {
	list := make([]string, len(found))
	for i, p := range found {
		list[i] = p.Code
	}
	return strings.Join(list, " ")
}
