package citustest_test

import (
	"testing"

	"github.com/rekey-pg/rekey"
)

// TestNames takes a schema with characters of regular expressions in its name, and tables whose names are quoted, too long for the
// number of a shard, or like the name of a shard, up and down.
func TestNames(t *testing.T) {
	c := newCluster(t, `CREATE SCHEMA "a+b (C).é'$x";
SET search_path = "a+b (C).é'$x";
SET citus.shard_count = 4;
CREATE TABLE "T.x" ("Id" bigserial, "Tenant" text NOT NULL, v text, "createdAt" timestamptz NOT NULL DEFAULT now(), PRIMARY KEY ("Id", "Tenant"));
SELECT create_distributed_table('"T.x"', 'Tenant');
INSERT INTO "T.x" ("Tenant", v) SELECT 't' || i % 20, i FROM generate_series(1, 2000) i;
CREATE TABLE t_102008 (k uuid DEFAULT gen_random_uuid(), id bigserial, PRIMARY KEY (k, id));
SELECT create_distributed_table('t_102008', 'k', colocate_with => 'none');
INSERT INTO t_102008 (id) SELECT generate_series(1, 500);
CREATE TABLE "Äöü_a_name_of_exactly_sixty_three_bytes_which_is_as_long_as_they" (k int, id bigserial, PRIMARY KEY (k, id));
SELECT create_distributed_table('"Äöü_a_name_of_exactly_sixty_three_bytes_which_is_as_long_as_they"', 'k', colocate_with => 'none');
INSERT INTO "Äöü_a_name_of_exactly_sixty_three_bytes_which_is_as_long_as_they" (k) SELECT generate_series(1, 500);
CREATE TABLE "Local" (id bigserial PRIMARY KEY);
SELECT citus_add_local_table_to_metadata('"Local"');
INSERT INTO "Local" SELECT generate_series(1, 500);
RESET search_path;
CREATE TABLE "public.T" (k int, id bigserial, PRIMARY KEY (k, id));
SELECT create_distributed_table('"public.T"', 'k', colocate_with => 'none');
INSERT INTO "public.T" (k) SELECT generate_series(1, 500)`)
	for schema, rows := range map[string]int64{"a+b (C).é'$x": 3500, "public": 500} {
		m := c.migrator(t, schema, rekey.Options{})
		p, err := m.Plan(t.Context(), rekey.Up)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range p.Groups {
			if table.Table != "" && table.Bytes == 0 {
				t.Errorf("%s: the plan has no size of %s", schema, table.Table)
			}
		}
		if result := c.up(t, schema, nil); result.Rows != rows {
			t.Errorf("%s: up filled %d rows of %d", schema, result.Rows, rows)
		}
		report, err := m.Verify(t.Context())
		if err != nil || !report.OK {
			t.Errorf("%s: verify: %v %q", schema, err, report.Differences)
		}
		if _, err := m.Down(t.Context()); err != nil {
			t.Errorf("%s: down: %v", schema, err)
		}
	}
}

// TestOperatorsOfOthers has operators of others in the search_path of the database on each node. What rekey asks the nodes through the
// coordinator calls none of them.
func TestOperatorsOfOthers(t *testing.T) {
	c := newCluster(t, tables)
	m := c.migrator(t, "app", rekey.Options{})
	before, err := m.Plan(t.Context(), rekey.Up)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes[1:] {
		statements := []string{"SET citus.enable_ddl_propagation = off;\nCREATE SCHEMA foreign_ops"}
		for operator, types := range map[string][][2]string{
			"=": {{"oid", "regclass"}, {"oid", "oid"}, {"int8", "int8"}, {"int4", "int4"}, {"name", "name"}, {"name", "text"}, {"text", "text"}, {"int8", "int4"}},
			"<": {{"float4", "int4"}, {"float4", "float8"}, {"float4", "float4"}}, ">": {{"int8", "int4"}, {"int8", "int8"}}, ">=": {{"float8", "int4"}, {"float8", "float8"}},
		} {
			for _, two := range types {
				statements = append(statements,
					"CREATE OR REPLACE FUNCTION foreign_ops.called("+two[0]+", "+two[1]+") RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''a foreign operator was called''; END'",
					"CREATE OPERATOR foreign_ops."+operator+" (LEFTARG = "+two[0]+", RIGHTARG = "+two[1]+", FUNCTION = foreign_ops.called)")
			}
		}
		for _, two := range [][3]string{{"text", "text", "||"}, {"int8", "int8", "+"}, {"int8", "int8", "/"}, {"float8", "float8", "*"}, {"float8", "float8", "/"}, {"int8", "int4", "*"}, {"float8", "int8", "*"}, {"float8", "int8", "/"}} {
			statements = append(statements,
				"CREATE OR REPLACE FUNCTION foreign_ops.made("+two[0]+", "+two[1]+") RETURNS "+two[0]+" LANGUAGE plpgsql AS 'BEGIN RAISE ''a foreign operator was called''; END'",
				"CREATE OPERATOR foreign_ops."+two[2]+" (LEFTARG = "+two[0]+", RIGHTARG = "+two[1]+", FUNCTION = foreign_ops.made)")
		}
		on(t, n.URL, statements...)
		on(t, n.URL, "SET citus.enable_ddl_propagation = off;\nDO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = foreign_ops, pg_catalog, public', current_database()); END $$")
	}
	after, err := m.Plan(t.Context(), rekey.Up)
	if err != nil {
		t.Fatal(err)
	}
	if after.Rows != before.Rows || after.Forecast.All.WAL != before.Forecast.All.WAL || after.Forecast.All.TableBefore != before.Forecast.All.TableBefore {
		t.Errorf("the plan has %d rows and %+v in place of %d and %+v", after.Rows, after.Forecast.All, before.Rows, before.Forecast.All)
	}
}
