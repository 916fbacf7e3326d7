package citustest_test

import (
	"fmt"
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

// TestTablesOfAnotherRole takes tables of a role that is not trusted up and down, as a role with more privileges.
func TestTablesOfAnotherRole(t *testing.T) {
	c := newCluster(t)
	newOwner(t, c)
	if result := c.up(t, "app", nil); result.Rows != 2000 {
		t.Errorf("up filled %d rows", result.Rows)
	}
	report, err := c.migrator(t, "app", rekey.Options{}).Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("verify: %v %q", err, report.Differences)
	}
	if _, err := c.migrator(t, "app", rekey.Options{}).Down(t.Context()); err != nil {
		t.Errorf("down: %v", err)
	}
}

// TestCodeOnAShard has a function of the owner in a check that only the shards on one node have. No batch calls it.
func TestCodeOnAShard(t *testing.T) {
	c := newCluster(t)
	role := newOwner(t, c)
	on(t, c.Nodes[1].URL, "SET ROLE "+role+`;
SET citus.override_table_visibility = off;
SET citus.enable_manual_changes_to_shards = on;
SET citus.enable_ddl_propagation = off;
CREATE SEQUENCE app.calls;
CREATE FUNCTION app.check_payload(text) RETURNS bool LANGUAGE sql AS 'SELECT nextval(''app.calls'') > 0';
DO $$ DECLARE shard regclass; BEGIN FOR shard IN SELECT oid FROM pg_class WHERE relname ~ '^events_[0-9]+$' AND relkind = 'r' LOOP EXECUTE format('ALTER TABLE %s ADD CONSTRAINT own CHECK (app.check_payload(payload)) NOT VALID', shard); END LOOP; END $$`)
	_, err := c.migrator(t, "app", rekey.Options{}).Up(t.Context())
	if refusal(err) != "table_altered" {
		t.Errorf("up: %v", err)
	}
	if query[bool](t, c.Nodes[1].URL, "SELECT is_called FROM app.calls") {
		t.Error("the function was called")
	}
	if nulls := query[int](t, c.URL, "SELECT count(*) FROM app.events WHERE uuid IS NULL"); nulls == 0 {
		t.Error("the rows were filled")
	}
	if _, err := c.migrator(t, "app", rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: []string{role}}}).Up(t.Context()); err != nil {
		t.Errorf("with a trusted owner: %v", err)
	}
}
