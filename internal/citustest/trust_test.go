package citustest_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// newOwner creates a role without privileges on every node, and makes it the owner of a schema app with a distributed table.
func newOwner(t *testing.T, c *cluster) (role string) {
	t.Helper()
	role = fmt.Sprintf("rekey_owner_%d", time.Now().UnixNano())
	for _, n := range c.Nodes {
		on(t, n.URL, "SET citus.enable_ddl_propagation = off;\nCREATE ROLE "+sqltext.Ident(role)+" LOGIN")
		t.Cleanup(func() {
			on(t, n.URL, "SET citus.enable_ddl_propagation = off;\nDROP OWNED BY "+sqltext.Ident(role)+" CASCADE;\nDROP ROLE "+sqltext.Ident(role))
		})
	}
	on(t, c.URL, "CREATE SCHEMA app AUTHORIZATION "+role+`;
SET citus.shard_count = 4;
SET ROLE `+role+`;
CREATE TABLE app.events (tenant_id int NOT NULL, id bigserial, payload text, PRIMARY KEY (tenant_id, id));
SELECT create_distributed_table('app.events', 'tenant_id');
INSERT INTO app.events (tenant_id, payload) SELECT i % 50, 'p' FROM generate_series(1, 2000) i`)
	return role
}

// TestTablesOfAnotherRole takes tables of another role up and down, as a role with more privileges that trusts it.
func TestTablesOfAnotherRole(t *testing.T) {
	c := newCluster(t)
	trusting := rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: []string{newOwner(t, c)}}}
	if _, err := c.migrator(t, "app", rekey.Options{}).Up(t.Context()); refusal(err) != "untrusted_shards" {
		t.Errorf("without trust: %v", err)
	}
	if result, err := c.migrator(t, "app", trusting).Up(t.Context()); err != nil || result.Rows != 2000 {
		t.Errorf("up filled %d rows: %v", result.Rows, err)
	}
	report, err := c.migrator(t, "app", trusting).Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("verify: %v %q", err, report.Differences)
	}
	if _, err := c.migrator(t, "app", trusting).Down(t.Context()); err != nil {
		t.Errorf("down: %v", err)
	}
}

// TestRightsOnANode lets a role make its journal on all nodes but one. The run is refused before it changes anything.
func TestRightsOnANode(t *testing.T) {
	c := newCluster(t)
	role := newOwner(t, c)
	grant := func(n node) {
		on(t, n.URL, "SET citus.enable_ddl_propagation = off;\nGRANT CREATE ON DATABASE "+query[string](t, c.URL, "SELECT quote_ident(current_database())")+" TO "+role)
	}
	grant(c.Nodes[0])
	as := func(address string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.User(role)
		return u.String()
	}
	m, err := rekey.New(newPool(t, as(c.URL)), rekey.Schema{Name: "app"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); code(err) != "no_journal_schema" || !strings.Contains(err.Error(), "node "+c.Nodes[1].address()) {
		t.Errorf("up: %v", err)
	}
	if query[bool](t, c.URL, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attname = 'uuid' AND attrelid = 'app.events'::regclass)") {
		t.Error("a table was changed before the run was refused")
	}
	for _, n := range c.Nodes[1:] {
		grant(n)
	}
	if result, err := m.Up(t.Context()); err != nil || result.Rows != 2000 {
		t.Errorf("up filled %d rows: %v", result.Rows, err)
	}
}

// TestCodeOnAShard has functions of the owner in a check and in an index that only the shards on one node have. No command calls them, before
// the uuid column exists and after; autovacuum calls them as the owner, which does not count.
func TestCodeOnAShard(t *testing.T) {
	for _, exists := range []bool{false, true} {
		c := newCluster(t)
		role := newOwner(t, c)
		if exists {
			on(t, c.URL, "ALTER TABLE app.events ADD COLUMN uuid uuid")
		}
		on(t, c.Nodes[1].URL, "SET ROLE "+role+`;
SET citus.override_table_visibility = off;
SET citus.enable_manual_changes_to_shards = on;
SET citus.enable_ddl_propagation = off;
CREATE SEQUENCE app.calls;
CREATE FUNCTION app.evil(text) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM nextval(''app.calls'') WHERE current_user <> ''`+role+`''; RETURN true; END';
DO $$ DECLARE shard regclass; BEGIN FOR shard IN SELECT oid FROM pg_class WHERE relname ~ '^events_[0-9]+$' AND relkind = 'r' LOOP
EXECUTE format('ALTER TABLE %s ADD CONSTRAINT own CHECK (app.evil(payload)) NOT VALID', shard); EXECUTE format('CREATE INDEX ON %s ((app.evil(''x'')))', shard); END LOOP; END $$;
ALTER SEQUENCE app.calls RESTART`)
		m := c.migrator(t, "app", rekey.Options{})
		if _, err := m.Up(t.Context()); refusal(err) != "untrusted_shards" {
			t.Errorf("up: %v", err)
		}
		if _, err := m.Verify(t.Context()); refusal(err) != "untrusted_shards" {
			t.Errorf("verify: %v", err)
		}
		if doc, err := m.Plan(t.Context(), rekey.Up); err != nil || refusal(doc.Refusals) != "untrusted_shards" {
			t.Errorf("plan: %v %v", err, doc.Refusals)
		}
		if _, err := m.Status(t.Context()); err != nil {
			t.Errorf("status: %v", err)
		}
		if _, err := m.Diagnose(t.Context(), rekey.Up); err != nil {
			t.Errorf("doctor: %v", err)
		}
		if query[bool](t, c.Nodes[1].URL, "SELECT is_called FROM app.calls") {
			t.Errorf("a function was called; the column existed: %t", exists)
		}
	}
}
