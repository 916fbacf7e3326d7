package phoenixkit_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
)

// afterV56 returns the references that exist at version 39 and for which another version than V56 makes a uuid column.
func afterV56() []rekey.ProfileReference {
	return []rekey.ProfileReference{
		{Table: "phoenix_kit_email_orphaned_events", Column: "matched_email_log_id", Parent: "phoenix_kit_email_logs", UUIDColumn: "matched_email_log_uuid"},
		{Table: "phoenix_kit_invoices", Column: "subscription_id", Parent: "phoenix_kit_subscriptions", UUIDColumn: "subscription_uuid"},
		{Table: "phoenix_kit_subscriptions", Column: "plan_id", Parent: "phoenix_kit_subscription_plans", UUIDColumn: "plan_uuid"},
		{Table: "phoenix_kit_ai_requests", Column: "account_id", Parent: "phoenix_kit_ai_accounts", UUIDColumn: "account_uuid"},
	}
}

// promoted returns the tables that exist at version 39 and whose uuid V74 makes the primary key, under their names at 40.
func promoted(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/v74_promoted_tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(text))
	if len(all) != 47 {
		t.Fatalf("V74 promotes %d tables, want 47", len(all))
	}
	known := append(phoenixkit.Profile().NamesAt(40), "phoenix_kit_ai_accounts")
	for i, name := range all {
		all[i] = nameAt40(name)
	}
	return slices.DeleteFunc(all, func(name string) bool { return !slices.Contains(known, name) })
}

// v74 returns statements that change a database at version 40 as V56 to V74 change its keys.
func v74(t *testing.T) string {
	t.Helper()
	made := []string{
		`ALTER TABLE phoenix_kit_ai_accounts ADD COLUMN uuid uuid NOT NULL DEFAULT uuid_generate_v7()`,
		`CREATE UNIQUE INDEX phoenix_kit_ai_accounts_uuid_idx ON phoenix_kit_ai_accounts (uuid)`,
	}
	var required, keys, dropped []string
	add := func(r rekey.ProfileReference) {
		table, parent := sqltext.Table{Schema: "public", Name: nameAt40(r.Table)}, sqltext.Table{Schema: "public", Name: nameAt40(r.Parent)}
		uuid, column := sqltext.Name(r.UUIDColumn), sqltext.Name(r.Column)
		made = append(made, sqltext.Format("ALTER TABLE {} ADD COLUMN {} uuid", table, uuid),
			sqltext.Format("UPDATE {} t SET {} = s.uuid FROM {} s WHERE s.id = t.{}", table, uuid, parent, column))
		if r.Column != "plan_id" {
			made = append(made, sqltext.Format("CREATE INDEX ON {} ({})", table, uuid))
		}
		dropped = append(dropped, sqltext.Format("ALTER TABLE {} DROP COLUMN {}", table, column))
	}
	for _, row := range readTable(t, "testdata/v56_uuid_fk_map.tsv") {
		if row["in_v39_catalog"] != "yes" {
			continue
		}
		add(rekey.ProfileReference{Table: row["table"], Column: row["integer_column"], Parent: row["ref_table"], UUIDColumn: row["uuid_column"]})
		table, uuid := sqltext.Table{Schema: "public", Name: nameAt40(row["table"])}, sqltext.Name(row["uuid_column"])
		if row["uuid_not_null"] == "yes" {
			required = append(required, sqltext.Format("DELETE FROM {} WHERE {} IS NULL", table, uuid), sqltext.Format("ALTER TABLE {} ALTER {} SET NOT NULL", table, uuid))
		}
		if name := strings.Trim(row["fk_constraint_name"], "-"); name != "" {
			keys = append(keys, sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (uuid) ON DELETE ", table, sqltext.Name(name), uuid,
				sqltext.Table{Schema: "public", Name: nameAt40(row["ref_table"])})+row["fk_constraint_on_delete"])
		}
	}
	for _, r := range afterV56() {
		add(r)
	}
	required = append(
		required,
		`CREATE UNIQUE INDEX ON phoenix_kit_user_role_assignments (user_uuid, role_uuid)`,
		`CREATE UNIQUE INDEX ON phoenix_kit_user_oauth_providers (user_uuid, provider)`,
		`ALTER TABLE phoenix_kit_users_tokens DROP CONSTRAINT user_id_required_for_non_registration_tokens,
		ADD CONSTRAINT user_uuid_required_for_non_registration_tokens CHECK (context = 'magic_link_registration' OR user_uuid IS NOT NULL)`,
	)
	keys = append(keys, dropIntegerKeys)
	for _, name := range promoted(t) {
		dropped = append(dropped, sqltext.Format("ALTER TABLE {} DROP COLUMN id CASCADE, ADD PRIMARY KEY (uuid)", sqltext.Table{Schema: "public", Name: name}))
	}
	return "SET client_min_messages = warning; " + strings.Join(slices.Concat(made, required, keys, dropped), ";\n")
}

// dropIntegerKeys drops the foreign keys onto integers, as V74 does.
const dropIntegerKeys = `DO $do$DECLARE key record; BEGIN
	FOR key IN SELECT conrelid::regclass AS child, conname FROM pg_constraint JOIN pg_attribute ON attrelid = confrelid AND attnum = confkey[1]
		WHERE contype = 'f' AND confrelid::regclass::text LIKE 'phoenix\_kit\_%' AND attname = 'id' AND atttypid IN ('int4'::regtype, 'int8'::regtype) LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', key.child, key.conname);
	END LOOP; END$do$`

// keyFacts returns a line for each column, constraint, index, sequence, trigger and trigger function of PhoenixKit's tables. The names
// of foreign keys and indexes are left out, and so is the index that a foreign key depends on if it is the uuid's own.
func (h *database) keyFacts() []string {
	h.t.Helper()
	return queryOne[[]string](h, `SELECT array_agg(substring(line FROM 13) ORDER BY line COLLATE "C") FROM (
		SELECT format('%s.%s %s%s', attrelid::regclass, attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' NOT NULL' END)
		FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE attnum > 0 AND NOT attisdropped AND relnamespace = 'public'::regnamespace AND relkind = 'r'
		UNION ALL SELECT format('%s %s', conrelid::regclass, CASE contype WHEN 'f' THEN '' ELSE conname || ' ' END || pg_get_constraintdef(oid)
			|| CASE WHEN contype = 'f' AND conindid::regclass::text <> confrelid::regclass || '_uuid_idx' THEN ' ON INDEX ' || conindid::regclass ELSE '' END)
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
		UNION ALL SELECT format('%s %sINDEX%s', indrelid::regclass, CASE WHEN indisunique THEN 'UNIQUE ' END, substring(pg_get_indexdef(indexrelid) FROM ' USING .*'))
		FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT format('phoenix_kit_%s', oid::regclass) FROM pg_class
		WHERE relkind = 'S' AND relname <> 'phoenix_kit_id_seq' AND relnamespace = 'public'::regnamespace
		UNION ALL SELECT format('phoenix_kit_%s', p.oid::regprocedure) FROM pg_proc p JOIN pg_language l ON l.oid = prolang
		WHERE pronamespace = 'public'::regnamespace AND lanname = 'plpgsql'
		UNION ALL SELECT format('%s %s', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal) AS f (line)
		WHERE line LIKE 'phoenix\_kit\_%'`)
}

// journey runs an ordinary schema run to a phase, with every reference that exists at version 39.
func (h *database) journey(to rekey.Phase) event.Result {
	h.t.Helper()
	schema := rekey.Schema{Name: "public", Exclude: []string{"phoenix_kit_post_*_assignments"}}
	parents := map[string]string{}
	for _, r := range append(phoenixkit.Profile().References, afterV56()...) {
		parents[r.Table+"."+r.Column] = r.Parent
	}
	for _, row := range readTable(h.t, "testdata/integer_references_without_fk.tsv") {
		schema.References = append(schema.References, rekey.Reference{Table: row["table"], Column: row["column"], Parent: parents[row["table"]+"."+row["column"]]})
	}
	result, err := rekeytest.Up(h.t.Context(), h.pool(owner), rekeytest.Setup{Scope: schema, Options: rekey.Options{
		To: to, Confirm: "public", Soak: rekey.NoSoak,
		Accept: []rekey.HazardName{"group-by", "on-conflict-constraint", "lost-objects", "integer-reads"},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	return result
}

// explained returns the differences that the document explains: "-" is in V74's catalogue only, "+" in rekey's.
func explained(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/explanation/phoenixkit-v74.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(text), "```") {
		if after, found := strings.CutPrefix(block, "diff\n"); found && i%2 == 1 {
			lines = append(lines, strings.Split(strings.TrimSpace(after), "\n")...)
		}
	}
	slices.Sort(lines)
	return lines
}

// TestContractedIsV74 takes a database at version 39 to phase contracted by an ordinary schema run, which finds no version table and so
// does not recognize PhoenixKit, and compares its keys with those that PhoenixKit's own V74 leaves behind. Every difference is in the
// document.
func TestContractedIsV74(t *testing.T) {
	t.Parallel()
	versions := servertest.Versions(t)
	c := servertest.Cluster(t, versions[len(versions)-1])
	h, other := build(t, c, full), build(t, c, full)
	if _, err := other.up(owner); err != nil {
		t.Fatal(err)
	}
	if err := other.exec(owner, v74(t)); err != nil {
		t.Fatal(err)
	}
	h.mustExec("DROP TABLE phoenix_kit")
	for _, to := range []rekey.Phase{rekey.Linked, rekey.Switched, rekey.Contracted} {
		if h.journey(to).NothingToDo {
			t.Errorf("nothing to do up to %s", to)
		}
	}
	if !h.journey(rekey.Contracted).NothingToDo {
		t.Error("a contracted schema still has something to do")
	}
	want, got := other.keyFacts(), h.keyFacts()
	for _, name := range promoted(t) {
		short := strings.TrimPrefix(name, "phoenix_kit_")
		if !slices.Contains(got, short+" "+name+"_pkey PRIMARY KEY (uuid)") || slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, short+".id ") }) {
			t.Errorf("the uuid of %s is not its only key", name)
		}
	}
	if diff := cmp.Diff(explained(t), compared(want, got)); diff != "" {
		t.Errorf("the document explains other differences (-document +database)\n%s", diff)
	}
}

// compared returns the lines of one list only, sorted.
func compared(want, got []string) (lines []string) {
	for _, line := range want {
		if !slices.Contains(got, line) {
			lines = append(lines, "-"+line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			lines = append(lines, "+"+line)
		}
	}
	slices.Sort(lines)
	return lines
}
