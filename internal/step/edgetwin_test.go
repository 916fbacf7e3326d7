package step_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestTwins(t *testing.T) {
	on := func(name, definition string, columns ...string) catalog.Index {
		return catalog.Index{OID: 1, Name: name, Method: "btree", Valid: true, Columns: columns, Definition: "CREATE INDEX " + name + " ON app.\"a USING b\" " + definition}
	}
	with := func(i catalog.Index, change func(*catalog.Index)) catalog.Index {
		change(&i)
		return i
	}
	predicate := func(text string) func(*catalog.Index) {
		return func(i *catalog.Index) { i.Predicate, i.Uses = text, []string{"p_id"} }
	}
	uses := func(i *catalog.Index) { i.Uses = []string{"p_id"} }
	for name, c := range map[string]struct {
		index     catalog.Index
		want      string // the twin's name, definition and predicate
		uncertain string
	}{
		"plain":            {on("c_p_id_idx", "USING btree (p_id)", "p_id"), `c_p_uuid_idx USING btree ("p_uuid") `, ""},
		"order":            {on("p_id_x", "USING btree (x, p_id DESC NULLS LAST)", "x", "p_id"), `p_uuid_x USING btree (x, "p_uuid" DESC NULLS LAST) `, ""},
		"options":          {with(on("x_p_id", "USING btree (p_id) INCLUDE (y, x) WITH (fillfactor='70')", "p_id"), func(i *catalog.Index) { i.Included = []string{"y", "x"} }), `x_p_uuid USING btree ("p_uuid") INCLUDE ("y", "x") WITH (fillfactor='70') `, ""},
		"included":         {with(on("i", "USING btree (x) INCLUDE (p_id)", "x"), func(i *catalog.Index) { i.Included = []string{"p_id"} }), `i_p_uuid USING btree (x) INCLUDE ("p_uuid") `, ""},
		"not distinct":     {on("p_id", "USING btree (p_id) NULLS NOT DISTINCT", "p_id"), `p_uuid USING btree ("p_uuid") `, ""},
		"predicate":        {with(on("i", "USING btree (x) WHERE (p_id IS NOT NULL)", "x"), predicate("((p_id IS NOT NULL) AND (y = 'p_id'::text))")), `i_p_uuid USING btree (x) (("p_uuid" IS NOT NULL) AND (y = 'p_id'::text))`, ""},
		"expression":       {with(on("i", "USING btree (lower(x), ((p_id IS NULL)), y COLLATE \"C\" text_pattern_ops)", "", "", "y"), uses), `i_p_uuid USING btree (lower(x), (("p_uuid" IS NULL)), y COLLATE "C" text_pattern_ops) `, ""},
		"array":            {with(on("i", "USING btree ((x[1]), f(a, b), p_id)", "", "", "p_id"), uses), `i_p_uuid USING btree ((x[1]), f(a, b), "p_uuid") `, ""},
		"hash":             {with(on("i", "USING hash (p_id)", "p_id"), func(i *catalog.Index) { i.Method = "hash" }), `i_p_uuid USING hash ("p_uuid") `, ""},
		"another column":   {on("i", "USING btree (x)", "x"), "", ""},
		"not valid":        {with(on("i", "USING btree (p_id)", "p_id"), func(i *catalog.Index) { i.Valid = false }), "", ""},
		"gin":              {with(on("i", "USING gin (p_id)", "p_id"), func(i *catalog.Index) { i.Method = "gin" }), "", "i: its method is gin"},
		"operator class":   {on("i", "USING btree (p_id my_ops)", "p_id"), "", "i: the column has an operator class or a collation of its own"},
		"computes":         {with(on("i", "USING btree (((p_id % 10)))", ""), uses), "", "i: an expression of it computes with the column"},
		"a field":          {with(on("i", "USING btree (((x).p_id IS NULL))", ""), uses), "", "i: an expression of it computes with the column"},
		"computes where":   {with(on("i", "USING btree (x) WHERE (p_id > 5)", "x"), predicate("(p_id > 5)")), "", "i: its predicate computes with the column"},
		"is true":          {with(on("i", "USING btree (x) WHERE (p_id IS DISTINCT FROM 5)", "x"), predicate("(p_id IS DISTINCT FROM 5)")), "", "i: its predicate computes with the column"},
		"no definition":    {with(on("i", "", "p_id"), func(i *catalog.Index) { i.Definition = "'" }), "", "i: its definition has an unknown form"},
		"not closed":       {with(on("i", "USING btree (p_id", "p_id"), func(*catalog.Index) {}), "", "i: its definition has an unknown form"},
		"something behind": {on("i", "USING btree (p_id) SOMETHING NEW", "p_id"), "", "i: its definition has an unknown form"},
	} {
		table := &catalog.Table{Schema: "app", Name: "c", Kind: catalog.Ordinary, Indexes: []catalog.Index{c.index}}
		twins, without := step.Twins(table, "p_id", "p_uuid")
		got, why := "", ""
		for _, twin := range twins {
			got = twin.Name + " " + twin.Definition + " " + twin.Predicate
		}
		for _, reason := range without {
			why = reason
		}
		if got != c.want || why != c.uncertain {
			t.Errorf("%s: %q %q, want %q %q", name, got, why, c.want, c.uncertain)
		}
	}
}

// The twin of a second edge holds the uuids of both, also in expressions and predicates, and no twin is copied.
func TestTwinsOfSeveralEdges(t *testing.T) {
	mark := markedEdge().Mark(&catalog.Table{}, &catalog.Table{})
	mark.Indexes = []string{"twin"}
	comment := mark.Comment(nil)
	table := &catalog.Table{
		Schema: "app", Name: "c", Kind: catalog.Ordinary, Columns: []catalog.Column{{Name: "a_uuid", Comment: &comment}},
		Indexes: []catalog.Index{
			{OID: 5, Name: "c_pkey", Method: "btree", Valid: true, Columns: []string{"a_id", "b_id"}, Included: []string{"a_id"}, Definition: "CREATE INDEX c_pkey ON c USING btree (a_id, b_id) INCLUDE (a_id)"},
			{OID: 6, Name: "a_id_b_id", Method: "btree", Valid: true, Columns: []string{"a_id", "b_id"}, Definition: "CREATE INDEX a_id_b_id ON c USING btree (a_id x, b_id)"},
			{
				OID: 7, Name: "a_once", Method: "btree", Valid: true, Columns: []string{"a_id", ""}, Uses: []string{"a_id", "b_id"}, Predicate: "(b_id IS NULL)",
				Definition: "CREATE INDEX a_once ON c USING btree (a_id, ((b_id IS NOT NULL))) WHERE (b_id IS NULL)",
			},
			{
				OID: 8, Name: "b_once", Method: "btree", Valid: true, Columns: []string{"b_id", ""}, Uses: []string{"a_id", "b_id"}, Predicate: "(a_id IS NULL)",
				Definition: "CREATE INDEX b_once ON c USING btree (b_id, ((a_id IS NOT NULL))) WHERE (a_id IS NULL)",
			},
			{Name: "twin", Method: "btree", Valid: true, Columns: []string{"a_uuid", "b_id"}, Definition: "CREATE INDEX twin ON c USING btree (a_uuid, b_id)"},
		},
	}
	twins, _ := step.Twins(table, "b_id", "b_uuid", step.ColumnPair{Integer: "a_id", UUID: "a_uuid"})
	want := []step.IndexTwin{
		{Table: table.Named(), Of: "c_pkey", Name: "c_pkey_b_uuid", Definition: `USING btree ("a_uuid", "b_uuid") INCLUDE ("a_uuid")`},
		{Table: table.Named(), Of: "a_id_b_id", Name: "a_uuid_b_uuid", Definition: `USING btree (a_id x, "b_uuid")`},
		{Table: table.Named(), Of: "a_once", Name: "a_once_b_uuid", Definition: `USING btree ("a_uuid", (("b_uuid" IS NOT NULL)))`, Predicate: `("b_uuid" IS NULL)`},
		{Table: table.Named(), Of: "b_once", Name: "b_once_b_uuid", Definition: `USING btree ("b_uuid", (("a_uuid" IS NOT NULL)))`, Predicate: `("a_uuid" IS NULL)`},
	}
	if diff := cmp.Diff(want, twins); diff != "" {
		t.Error(diff)
	}
}

// A partition's index whose parent has a twin is attached to that twin.
func TestTwinsOfPartitions(t *testing.T) {
	index := func(oid, parent uint32, name, table string) catalog.Index {
		return catalog.Index{OID: oid, Parent: parent, Name: name, Method: "btree", Valid: true, Unique: true, Columns: []string{"p_id"}, Definition: "CREATE UNIQUE INDEX i ON " + table + " USING btree (p_id)"}
	}
	table := &catalog.Table{Schema: "app", Name: "c", Kind: catalog.Partitioned, Indexes: []catalog.Index{index(1, 0, "p_id", "c")}, Below: []catalog.Table{
		{Schema: "parts", Name: "c1", Kind: catalog.Ordinary, Indexes: []catalog.Index{index(2, 1, "c1_p_id", "c1"), index(3, 0, "own", "c1")}},
	}}
	twins, _ := step.Twins(table, "p_id", "p_uuid")
	const definition = `USING btree ("p_uuid")`
	part := sqltext.Table{Schema: "parts", Name: "c1"}
	want := []step.IndexTwin{
		{Table: table.Named(), Of: "p_id", Name: "p_uuid", OfUnique: true, Definition: definition, Partitioned: true},
		{Table: part, Of: "c1_p_id", Name: "c1_p_uuid", Above: sqltext.Table{Schema: "app", Name: "p_uuid"}, OfUnique: true, Definition: definition},
		{Table: part, Of: "own", Name: "own_p_uuid", OfUnique: true, Definition: definition},
	}
	if diff := cmp.Diff(want, twins); diff != "" {
		t.Error(diff)
	}
}
