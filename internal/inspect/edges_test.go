package inspect_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

func TestMain(m *testing.M) { servertest.Main(m) }

const edges = `
CREATE SCHEMA app; CREATE SCHEMA crm; CREATE SCHEMA other;
CREATE TABLE crm.customers (id bigint PRIMARY KEY, uuid uuid NOT NULL UNIQUE, region int NOT NULL);
ALTER TABLE crm.customers OWNER TO pg_monitor;
ALTER TABLE crm.customers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON crm.customers FOR SELECT TO pg_monitor USING (true);
CREATE POLICY writers ON crm.customers AS RESTRICTIVE FOR INSERT WITH CHECK (region > 0);
CREATE TABLE crm.unrelated (id bigint PRIMARY KEY);
CREATE TABLE app.tenants (id int PRIMARY KEY);
CREATE TABLE app.orders (
	tenant_id int NOT NULL, id bigint, customer_id bigint DEFAULT 7, parent_id bigint, old_id int,
	doubled bigint GENERATED ALWAYS AS (parent_id * 2) STORED,
	PRIMARY KEY (tenant_id, id),
	CONSTRAINT to_customer FOREIGN KEY (customer_id) REFERENCES crm.customers ON DELETE SET DEFAULT ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT to_parent FOREIGN KEY (tenant_id, parent_id) REFERENCES app.orders (tenant_id, id) MATCH SIMPLE ON DELETE RESTRICT,
	CONSTRAINT to_tenant FOREIGN KEY (tenant_id) REFERENCES app.tenants MATCH FULL ON DELETE CASCADE);
COMMENT ON CONSTRAINT to_tenant ON app.orders IS 'mine';
CREATE INDEX by_expression ON app.orders ((old_id + 1)) INCLUDE (customer_id) WHERE parent_id > 0;
COMMENT ON INDEX app.by_expression IS 'twin';
CREATE VIEW app.by_parent AS SELECT parent_id FROM app.orders;
CREATE STATISTICS app.both_columns ON customer_id, parent_id FROM app.orders;
ALTER TABLE app.orders ADD CONSTRAINT positive CHECK (customer_id > 0);
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS 'BEGIN RETURN NEW; END';
REVOKE ALL ON FUNCTION app.touch() FROM PUBLIC;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF parent_id ON app.orders FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION app.touch();
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON app.orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TABLE other.notes (id bigint PRIMARY KEY, tenant int REFERENCES app.tenants);
CREATE TABLE app.logs (id bigint, at date, tenant_id int REFERENCES app.tenants, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE app.logs_1 PARTITION OF app.logs FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE app.lines (id bigint PRIMARY KEY, log_id bigint, log_at date, FOREIGN KEY (log_id, log_at) REFERENCES app.logs);
CREATE TABLE app.tree (id bigint, log_id bigint, log_at date, CONSTRAINT to_log FOREIGN KEY (log_id, log_at) REFERENCES app.logs) PARTITION BY HASH (id);
CREATE TABLE app.tree_0 PARTITION OF app.tree FOR VALUES WITH (MODULUS 1, REMAINDER 0);
`

// readSchema reads the schema app after the statements.
func readSchema(t *testing.T, c *server.Cluster, statements string, q inspect.Request) catalog.Schema {
	t.Helper()
	db := servertest.Database(t, c)
	pool, err := pgxpool.New(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	q.Schema = "app"
	var schema catalog.Schema
	if err := pg.Read(t.Context(), pool, func(tx pg.Tx) error {
		schema, err = inspect.Schema(t.Context(), tx, q)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return schema
}

func names(keys []catalog.ForeignKey) []string {
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.Child.String() + " " + k.Name + " " + k.Parent.String()
		if k.Above != 0 {
			list[i] += " (copy)"
		}
	}
	slices.Sort(list)
	return list
}

func TestEdges(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		schema := readSchema(t, c, edges, inspect.Request{All: true, Edges: true, Parents: []string{"crm"}, Also: []sqltext.Table{{Schema: "other", Name: "notes"}}})
		orders := schema.Relation("orders")
		t.Run("foreign keys", func(t *testing.T) { testForeignKeys(t, schema) })
		t.Run("triggers", func(t *testing.T) { testTriggers(t, orders) })
		t.Run("other schemas", func(t *testing.T) { testOtherSchemas(t, schema) })
		t.Run("columns", func(t *testing.T) { testColumns(t, orders) })
	})
}

func testForeignKeys(t *testing.T, schema catalog.Schema) {
	t.Helper()
	orders := schema.Relation("orders")
	app := func(name string) sqltext.Table { return sqltext.Table{Schema: "app", Name: name} }
	comment := "mine"
	want := []catalog.ForeignKey{{
		Name: "to_customer", Child: app("orders"), Parent: sqltext.Table{Schema: "crm", Name: "customers"},
		ChildColumns: []string{"customer_id"}, ParentColumns: []string{"id"}, Index: schema.Find("crm", "customers").Index("customers_pkey").OID,
		OnDelete: catalog.SetDefault, OnUpdate: catalog.Cascade, Match: catalog.MatchSimple, Deferrable: true, Deferred: true, Validated: true, ChildOwned: true,
	}, {
		Name: "to_parent", Child: app("orders"), Parent: app("orders"), ChildColumns: []string{"tenant_id", "parent_id"}, ParentColumns: []string{"tenant_id", "id"},
		Index: orders.Index("orders_pkey").OID, OnDelete: catalog.Restrict, OnUpdate: catalog.NoAction, Match: catalog.MatchSimple, Validated: true, ChildOwned: true,
	}, {
		Name: "to_tenant", Child: app("orders"), Parent: app("tenants"), ChildColumns: []string{"tenant_id"}, ParentColumns: []string{"id"},
		Index: schema.Relation("tenants").Index("tenants_pkey").OID, OnDelete: catalog.Cascade, OnUpdate: catalog.NoAction, Match: catalog.MatchFull,
		Validated: true, ChildOwned: true, Comment: &comment,
	}}
	got := slices.Clone(orders.ForeignKeys)
	for i := range got {
		got[i].OID = 0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for table, want := range map[string][]string{
		"orders":  {"app.orders to_parent app.orders"},
		"tenants": {"app.logs logs_tenant_id_fkey app.tenants", "app.logs_1 logs_tenant_id_fkey app.tenants (copy)", "app.orders to_tenant app.tenants", "other.notes notes_tenant_fkey app.tenants"},
		"logs":    {"app.lines lines_log_id_log_at_fkey app.logs", "app.tree to_log app.logs", "app.tree_0 to_log app.logs (copy)"},
		"logs_1":  {},
	} {
		if diff := cmp.Diff(want, names(schema.Relation(table).ReferencedBy)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", table, diff)
		}
	}
	// PostgreSQL makes a foreign key for each partition of the parent, and drops it with the one onto the whole.
	var depends []string
	for _, a := range schema.Relation("lines").Attachments {
		if a.Kind == "foreign key" && !slices.Contains(depends, a.Name) {
			depends = append(depends, a.Name)
		}
	}
	if !slices.Equal(depends, []string{"lines_log_id_log_at_fkey"}) {
		t.Errorf("foreign keys that depend on columns of lines: %q", depends)
	}
	if got := names(schema.Relation("tree").Below[0].ForeignKeys); !slices.Equal(got, []string{"app.tree_0 to_log app.logs (copy)"}) {
		t.Errorf("partition %q", got)
	}
}

func testTriggers(t *testing.T, orders *catalog.Table) {
	t.Helper()
	got := orders.Trigger("touch")
	if got == nil {
		t.Fatal("no trigger")
	}
	if !got.Before || !got.Row || !got.OnInsert || !got.OnUpdate || got.OnDelete || got.Constraint || !got.Definer || got.Public || !got.OwnerBecomes ||
		got.When != "((new.parent_id IS NOT NULL))" || got.Calls().String() != "app.touch" || got.FunctionOwner == "" || len(got.Config) != 1 ||
		len(got.Source) != 32 || !slices.Equal(got.Of, []string{"parent_id"}) {
		t.Errorf("%+v", *got)
	}
	late := orders.Trigger("late")
	if late == nil || !late.Constraint || !late.Deferrable || !late.Deferred || late.Before || !late.OnDelete || late.When != "" {
		t.Errorf("%+v", late)
	}
}

func testOtherSchemas(t *testing.T, schema catalog.Schema) {
	t.Helper()
	customers := schema.Find("crm", "customers")
	if customers == nil || schema.Find("other", "notes") == nil || schema.Find("crm", "unrelated") != nil {
		t.Fatalf("%+v", schema.OtherSchemas)
	}
	if !customers.UniqueOn("uuid") || customers.Column("region") == nil || !customers.MayReference || customers.OwnerBypassesRLS || customers.OwnerCreates {
		t.Errorf("%+v", *customers)
	}
	want := []catalog.Policy{
		{Name: "all_rows", Command: "r", Permissive: true, OfOwner: true, Using: "true"},
		{Name: "writers", Command: "a", OfOwner: true},
	}
	if diff := cmp.Diff(want, customers.Policies); diff != "" {
		t.Errorf("policies (-want +got)\n%s", diff)
	}
	if customers.HidesFromOwner() {
		t.Error("the policy shows every row")
	}
}

func testColumns(t *testing.T, orders *catalog.Table) {
	t.Helper()
	if got := orders.Column("customer_id").Default; got != "7" {
		t.Errorf("default %q", got)
	}
	index := orders.Index("by_expression")
	if index.Comment == nil || *index.Comment != "twin" {
		t.Errorf("comment %v", index.Comment)
	}
	for column, want := range map[string]bool{"old_id": true, "customer_id": true, "parent_id": true, "tenant_id": false} {
		if index.Holds(column) != want {
			t.Errorf("index holds %s: %t", column, !want)
		}
	}
	var got []string
	for _, a := range orders.Attachments {
		if a.Column == "parent_id" || a.Column == "customer_id" {
			got = append(got, a.Column+" "+a.Kind+" "+a.Name)
		}
	}
	want := []string{
		"customer_id constraint positive", "customer_id foreign key to_customer", "customer_id index by_expression", "customer_id statistics both_columns",
		"parent_id foreign key to_parent", "parent_id generated column doubled", "parent_id index by_expression", "parent_id statistics both_columns",
		"parent_id trigger touch", "parent_id view app.by_parent",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dependent objects (-want +got)\n%s", diff)
	}
}

func TestNewForeignKeys(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		if c.Major < 15 {
			t.Skip("ON DELETE SET NULL (columns) came with PostgreSQL 15, PERIOD and NOT ENFORCED with 18")
		}
		schema := readSchema(t, c, `CREATE SCHEMA app; CREATE TABLE app.p (a int, b int, PRIMARY KEY (a, b));
			CREATE TABLE app.c (a int, b int, CONSTRAINT f FOREIGN KEY (a, b) REFERENCES app.p ON DELETE SET NULL (b));`,
			inspect.Request{Relations: []string{"c"}, Edges: true})
		k := schema.Relation("c").ForeignKey("f")
		if k == nil || !slices.Equal(k.SetColumns, []string{"b"}) || k.NotEnforced || k.Period {
			t.Errorf("%+v", k)
		}
		if c.Major < 18 {
			return
		}
		schema = readSchema(t, c, `CREATE SCHEMA app; CREATE EXTENSION btree_gist;
			CREATE TABLE app.p (a int, d daterange, PRIMARY KEY (a, d WITHOUT OVERLAPS));
			CREATE TABLE app.c (a int, d daterange, CONSTRAINT f FOREIGN KEY (a, PERIOD d) REFERENCES app.p (a, PERIOD d));
			CREATE TABLE app.q (a int PRIMARY KEY);
			ALTER TABLE app.c ADD CONSTRAINT g FOREIGN KEY (a) REFERENCES app.q NOT ENFORCED`,
			inspect.Request{Relations: []string{"c"}, Edges: true})
		f, g := schema.Relation("c").ForeignKey("f"), schema.Relation("c").ForeignKey("g")
		if f == nil || g == nil || !f.Period || f.NotEnforced || g.Period || !g.NotEnforced || g.Validated {
			t.Errorf("%+v %+v", f, g)
		}
	})
}
