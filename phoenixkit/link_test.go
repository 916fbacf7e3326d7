package phoenixkit_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
)

func toLinked(o *phoenixkit.Options) { o.To = rekey.Linked }

// linked returns a database at version 40 whose foreign keys are linked.
func linked(t *testing.T, c *server.Cluster) *database {
	t.Helper()
	h := build(t, c, full)
	if _, err := h.up(owner); err != nil {
		t.Fatal(err)
	}
	if _, err := h.up(owner, toLinked); err != nil {
		t.Fatal(err)
	}
	return h
}

// TestLink links all 51 foreign keys under V56's names, and takes them back. It runs on the oldest version; TestContractedIsV74 links
// them on the newest.
func TestLink(t *testing.T) {
	t.Run("oldest", func(t *testing.T) {
		t.Parallel()
		h := build(t, servertest.Cluster(t, servertest.Versions(t)[0]), full)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		before := h.shape("public")
		if _, err := h.up(owner, toLinked); err != nil {
			t.Fatal(err)
		}
		p, err := phoenixkit.Plan(t.Context(), h.pool(owner), phoenixkit.Options{Version: 40, Options: rekey.Options{To: rekey.Linked}})
		if err != nil {
			t.Fatal(err)
		}
		expanded := map[string]bool{}
		for _, g := range p.Groups {
			expanded[g.Table] = expanded[g.Table] || g.Edge == ""
		}
		edges, others := 0, 0 // others: of tables without a uuid of their own
		for _, e := range p.Edges {
			if e.Progress == rekey.EdgeLinked {
				edges++
				if !expanded[e.Table] {
					others++
				}
			}
		}
		if edges != 51 || others != 24 { // docs/how-to/phoenixkit-link.md has the numbers
			t.Errorf("%d edges are linked, %d of them on tables without a uuid; want 51 and 24", edges, others)
		}
		if n := h.v56Keys(); n != 51 {
			t.Errorf("%d foreign keys have V56's names, want 51", n)
		}
		if report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{Version: 40}); err != nil {
			t.Errorf("%v: %v", err, report.Differences)
		}
		if _, err := phoenixkit.Down(t.Context(), h.pool(owner), phoenixkit.Options{Version: 39, Options: rekey.Options{To: rekey.Expanded}}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, h.shape("public")); diff != "" {
			t.Errorf("down did not restore the expanded schema (-before +after)\n%s", diff)
		}
	})
}

// v56 returns the statements with which V56 makes and fills the uuid columns of foreign keys, on the tables that exist.
func v56(t testing.TB, tables []string) string {
	t.Helper()
	var columns, required, keys []string
	for _, row := range readTable(t, "testdata/v56_uuid_fk_map.tsv") {
		constraint := strings.Trim(row["fk_constraint_name"], "-")
		if row["in_v39_catalog"] != "yes" || constraint == "" || !slices.Contains(tables, row["table"]) {
			continue
		}
		table, uuid := sqltext.Table{Schema: "public", Name: row["table"]}, sqltext.Name(row["uuid_column"])
		parent := sqltext.Table{Schema: "public", Name: row["ref_table"]}
		columns = append(
			columns,
			sqltext.Format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} uuid", table, uuid),
			sqltext.Format("UPDATE {} t SET {} = s.uuid FROM {} s WHERE s.id = t.{} AND t.{} IS NULL", table, uuid, parent, sqltext.Name(row["integer_column"]), uuid),
			sqltext.Format("CREATE INDEX IF NOT EXISTS {} ON {} ({})", sqltext.Name(row["table"]+"_"+row["uuid_column"]+"_idx"), table, uuid),
		)
		if row["uuid_not_null"] == "yes" {
			required = append(
				required,
				sqltext.Format("UPDATE {} SET {} = uuid_generate_v7() WHERE {} IS NULL", table, uuid, uuid),
				sqltext.Format("ALTER TABLE {} ALTER {} SET NOT NULL", table, uuid),
			)
		}
		keys = append(keys, sqltext.Format("DO $do$BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = {} AND conrelid = {}::regclass)"+
			" THEN ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (uuid); END IF; END$do$",
			sqltext.Value(constraint), sqltext.Value(sqltext.Qualified("public", row["table"])), table, sqltext.Name(constraint), uuid, parent))
	}
	return strings.Join(slices.Concat(columns, required, keys), ";\n") + ";"
}

// dropTriggers is the statement of the document that drops rekey's triggers and their functions.
func dropTriggers(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/how-to/phoenixkit-link.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "```sql\n")
	statement, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("the document has no statement")
	}
	return statement
}

// TestLaterVersionsAfterLink does what later versions of PhoenixKit do with linked tables. See the document. Its statements are the same
// on all versions, so it runs on the newest.
func TestLaterVersionsAfterLink(t *testing.T) {
	t.Run("newest", func(t *testing.T) {
		t.Parallel()
		versions := servertest.Versions(t)
		h := linked(t, servertest.Cluster(t, versions[len(versions)-1]))
		h.mustExec("DELETE FROM phoenix_kit_users_tokens WHERE user_id IS NULL")
		const dropped = "ALTER TABLE phoenix_kit_admin_notes DROP COLUMN IF EXISTS user_id"
		if err := h.exec(owner, dropped); err == nil || !strings.Contains(err.Error(), "2BP01") {
			t.Errorf("V74 with triggers: %v", err)
		}
		h.mustExec("SET ROLE " + filled("{owner}") + ";" + walk()[1].sql())
		if err := h.exec(owner, "UPDATE phoenix_kit_sync_transfers SET connection_id = NULL; UPDATE phoenix_kit_sync_transfers SET connection_id = (SELECT max(id) FROM phoenix_kit_sync_connections)"); err != nil {
			t.Errorf("after V44 with triggers: %v", err)
		}
		if n := queryOne[int64](h, `SELECT count(*) FROM phoenix_kit_sync_transfers t JOIN phoenix_kit_sync_connections c ON c.id = t.connection_id WHERE t.connection_uuid IS DISTINCT FROM c.uuid`); n != 0 {
			t.Errorf("after V44: %d rows have another uuid than their connection", n)
		}
		h.checkV56()
		if err := h.exec(owner, dropTriggers(t)); err != nil {
			t.Fatal(err)
		}
		if n := queryOne[int64](h, `SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '~rekey%') + (SELECT count(*) FROM pg_proc WHERE proname LIKE 'rekey\_phoenix%')`); n != 0 {
			t.Errorf("%d triggers and functions are left", n)
		}
		if err := h.exec(owner, dropped+"; UPDATE phoenix_kit_sync_transfers SET connection_id = NULL, connection_uuid = NULL"); err != nil {
			t.Errorf("V74 without triggers: %v", err)
		}
		if n := h.v56Keys(); n != 51 {
			t.Errorf("%d uuid foreign keys are left, want 51", n)
		}
	})
}

// v56Keys returns the number of valid foreign keys with V56's names.
func (h *database) v56Keys() int64 {
	h.t.Helper()
	return queryOne[int64](h, `SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND conname LIKE 'fk\_%\_uuid'`)
}

// checkV56 runs V56's statements and expects that they add no column, no foreign key and no value, and only such indexes as the
// integer columns do not have. users_tokens.user_uuid becomes NOT NULL.
func (h *database) checkV56() {
	h.t.Helper()
	before := h.referenceFacts()
	tables := queryOne[[]string](h, "SELECT array_agg(relname::text) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
	h.mustExec(v56(h.t, tables))
	want := []string{
		"-column phoenix_kit_users_tokens.user_uuid f", "+column phoenix_kit_users_tokens.user_uuid t",
		"+index phoenix_kit_sync_connections_approved_by_uuid_idx", "+index phoenix_kit_sync_connections_created_by_uuid_idx",
		"+index phoenix_kit_sync_connections_revoked_by_uuid_idx", "+index phoenix_kit_sync_connections_suspended_by_uuid_idx",
		"+index phoenix_kit_sync_transfers_approved_by_uuid_idx", "+index phoenix_kit_sync_transfers_denied_by_uuid_idx",
	}
	var got []string
	after := h.referenceFacts()
	for _, line := range before {
		if !slices.Contains(after, line) {
			got = append(got, "-"+line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			got = append(got, "+"+line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("V56 did something else (-want +got)\n%s", diff)
	}
}

// referenceFacts returns a line for each uuid column of a reference, each foreign key and each index.
func (h *database) referenceFacts() []string {
	h.t.Helper()
	return queryOne[[]string](h, `SELECT array_agg(line ORDER BY line) FROM (
		SELECT format('column %s.%s %s', attrelid::regclass, attname, attnotnull) FROM pg_attribute
		WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r') AND attname LIKE '%\_uuid'
		UNION ALL SELECT format('key %s %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace AND contype = 'f'
		UNION ALL SELECT format('index %s', c.oid::regclass) FROM pg_class c
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'i') AS f (line)`)
}
