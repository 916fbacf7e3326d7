package phoenixkit_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// leg contains what PhoenixKit's migrations change, on the way to a version, in what rekey made. Taken from a database
// on which all of them ran.
type leg struct {
	version  int
	changes  string
	function string // the edition of PhoenixKit's function at the version
}

// walk returns the changes from 40 to the last known version.
func walk() []leg {
	const rename = `ALTER TABLE % RENAME TO `
	var promoted strings.Builder
	for _, table := range phoenixkit.Profile().NamesAt(74) {
		promoted.WriteString(strings.ReplaceAll("ALTER TABLE % DROP COLUMN id CASCADE; ALTER TABLE % ADD PRIMARY KEY (uuid);\n", "%", table))
	}
	return []leg{
		{41, "", "v40"},
		{44, strings.ReplaceAll(rename, "%", "phoenix_kit_db_sync_connections") + "phoenix_kit_sync_connections;" +
			strings.ReplaceAll(rename, "%", "phoenix_kit_db_sync_transfers") + "phoenix_kit_sync_transfers;", "v40"},
		{56, "CREATE UNIQUE INDEX phoenix_kit_sync_connections_uuid_idx ON phoenix_kit_sync_connections (uuid);", "v56"},
		{65, strings.ReplaceAll(rename, "%", "phoenix_kit_subscription_plans") + "phoenix_kit_subscription_types;", "v56"},
		{73, "CREATE UNIQUE INDEX phoenix_kit_subscription_types_uuid_unique_index ON phoenix_kit_subscription_types (uuid);", "v56"},
		{74, promoted.String(), "v56"},
		{82, "", "v56"},
		{135, "", "later"},
		{163, "", "later"},
		{180, "", "later"},
	}
}

func (l leg) sql() string { return l.changes + recorded(strconv.Itoa(l.version)) }

// edition returns PhoenixKit's function as one of its migrations creates it.
func edition(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/uuid_generate_v7_" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "ALTER FUNCTION public.uuid_generate_v7() OWNER TO {owner};\n"
}

// inSubtest returns the database for a subtest.
func (h *database) inSubtest(t *testing.T) *database {
	sub := *h
	sub.t = t
	return &sub
}

// checkComplete expects that status, plan and verify report nothing, and that up changes only the ignored lines.
func (h *database) checkComplete(version int, ignored func(line string) bool) {
	h.t.Helper()
	o := phoenixkit.Options{Version: 40}
	status, err := phoenixkit.Status(h.t.Context(), h.pool(owner), o)
	if err != nil || !status.Complete || len(status.Refusals) > 0 || len(status.Notes) > 0 || status.Version != version {
		h.t.Errorf("status: complete %t, version %d, %v, %v, %v", status.Complete, status.Version, status.Refusals, status.Notes, err)
	}
	made, err := phoenixkit.Plan(h.t.Context(), h.pool(owner), o)
	if err != nil || len(made.Refusals) > 0 || len(made.Absent) > 0 || made.VerifyOnly != (version >= 74) {
		h.t.Errorf("plan: %v, absent %v, verify only %t, %v", made.Refusals, made.Absent, made.VerifyOnly, err)
	}
	report, err := phoenixkit.Verify(h.t.Context(), h.pool(owner), o)
	if err != nil || len(report.Tables) != 33 || (report.Integrity != nil) != (version >= 135) {
		h.t.Errorf("verify: %d tables, %+v, %v", len(report.Tables), report.Integrity, err)
	}
	if report.Integrity != nil && report.Integrity.Tables < 33 {
		h.t.Errorf("PhoenixKit's rule was checked on %d tables", report.Integrity.Tables)
	}
	before := slices.DeleteFunc(h.fingerprint("public"), ignored)
	if _, err := h.up(owner); err != nil {
		h.t.Errorf("up: %v", err)
	}
	if diff := cmp.Diff(before, slices.DeleteFunc(h.fingerprint("public"), ignored)); diff != "" {
		h.t.Errorf("up changed a complete database (-before +after)\n%s", diff)
	}
	if marks := queryOne[int64](h, `SELECT count(*) FROM pg_description WHERE description LIKE '%[rekey: %'`); marks > 0 {
		h.t.Errorf("%d columns have a mark", marks)
	}
}

// TestWalk follows PhoenixKit's migrations to the last version, with rekey's function. The catalogue is complete at
// each version.
func TestWalk(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, full)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		nothing := func(string) bool { return false }
		h.checkComplete(40, nothing)
		for _, l := range walk() {
			h.mustExec("SET ROLE " + filled("{owner}") + ";" + l.sql())
			if !t.Run(strconv.Itoa(l.version), func(t *testing.T) {
				h.inSubtest(t).checkComplete(l.version, nothing)
			}) {
				break
			}
		}
	})
}

// TestWalkWithPhoenixKitsFunction does the same with PhoenixKit's function of each edition. It ignores what up does to the
// function.
func TestWalkWithPhoenixKitsFunction(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, full)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		function := func(line string) bool { return strings.HasPrefix(line, "function ") }
		for _, l := range append([]leg{{40, "", "v40"}}, walk()...) {
			h.setUp("SET ROLE {owner};" + l.sql() + "RESET ROLE;" + edition(t, l.function))
			t.Run(strconv.Itoa(l.version), func(t *testing.T) {
				h.inSubtest(t).checkComplete(l.version, function)
			})
		}
	})
}

// TestWalkBack: up runs at every version up to 65, PhoenixKit migrates back to 40, and down restores 39 exactly.
func TestWalkBack(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, full)
		before := h.shape("public")
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		for _, l := range walk() {
			if l.version > 65 {
				break
			}
			h.mustExec("SET ROLE " + filled("{owner}") + ";" + l.sql())
			if _, err := h.up(owner); err != nil {
				t.Fatal(err)
			}
		}
		// The index that V56 created stays, under a name that rekey once used.
		h.mustExec(`ALTER TABLE phoenix_kit_sync_connections RENAME TO phoenix_kit_db_sync_connections;
			ALTER TABLE phoenix_kit_sync_transfers RENAME TO phoenix_kit_db_sync_transfers;
			ALTER TABLE phoenix_kit_subscription_types RENAME TO phoenix_kit_subscription_plans;` + recorded("40"))
		h.checkComplete(40, func(string) bool { return false })
		if _, err := h.down(owner); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, h.shape("public")); diff != "" {
			t.Errorf("down did not restore version 39 (-before +after)\n%s", diff)
		}
		equals(39, full)(h)
	})
}

// An equivalent index with another name is accepted, and only its owner drops it.
func TestIndexWithAnotherName(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, migrated)
		h.mustExec("ALTER INDEX phoenix_kit_users_uuid_idx RENAME TO mine")
		before := h.fingerprint("public")
		if result, err := h.up(owner); err != nil || !result.NothingToDo {
			t.Errorf("%+v, %v", result, err)
		}
		if _, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Error(err)
		}
		result, err := h.down(owner)
		if !errors.Is(err, problem.ErrRefused) || len(result.Problems) != 1 || !strings.Contains(result.Problems[0].Message, "index mine") {
			t.Errorf("%v", err)
		}
		if diff := cmp.Diff(before, h.fingerprint("public")); diff != "" {
			t.Errorf("the database changed\n%s", diff)
		}
		for name, definition := range map[string]string{
			"partial":          "UNIQUE INDEX mine ON phoenix_kit_users (uuid) WHERE id > 0",
			"of two columns":   "UNIQUE INDEX mine ON phoenix_kit_users (uuid, id)",
			"of an expression": "UNIQUE INDEX mine ON phoenix_kit_users ((uuid::text))",
			"not unique":       "INDEX mine ON phoenix_kit_users (uuid)",
		} {
			h.mustExec("DROP INDEX mine; CREATE " + definition)
			report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
			if !errors.Is(err, problem.ErrDiffers) || !slices.Equal(report.Differences, []string{"phoenix_kit_users: no unique index"}) {
				t.Errorf("%s: %v, %v", name, report.Differences, err)
			}
		}
	})
}

// Above the last known version rekey reads, adds a note, and refuses to write.
func TestVersionAboveTheLastKnown(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, migrated)
		h.mustExec("ALTER TABLE phoenix_kit_users DROP COLUMN id CASCADE; ALTER TABLE phoenix_kit_users ADD PRIMARY KEY (uuid);" +
			"ALTER TABLE phoenix_kit_email_templates DROP COLUMN id CASCADE; ALTER TABLE phoenix_kit_email_templates ADD PRIMARY KEY (uuid);" + recorded("181"))
		o := phoenixkit.Options{Version: 40}
		checkNote := func(command string, notes []string, err error) {
			t.Helper()
			if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "Version 181 is newer") {
				t.Errorf("%s: %q, %v", command, notes, err)
			}
		}
		status, err := phoenixkit.Status(t.Context(), h.pool(owner), o)
		checkNote("status", status.Notes, err)
		made, err := phoenixkit.Plan(t.Context(), h.pool(owner), o)
		checkNote("plan", made.Notes, err)
		report, err := phoenixkit.Verify(t.Context(), h.pool(owner), o)
		checkNote("verify", report.Notes, err)
		if report.Integrity == nil {
			t.Error("PhoenixKit's rule was not checked")
		}
		if len(made.Refusals) > 0 || !status.Complete {
			t.Errorf("%v, complete %t", made.Refusals, status.Complete)
		}
		before := h.fingerprint("public")
		result, err := h.up(owner)
		if !errors.Is(err, problem.ErrRefused) || result.Problems[0].Code != "unknown_version" {
			t.Errorf("up: %v", err)
		}
		if _, err := rekeytest.Script(t.Context(), h.pool(owner), rekeytest.Setup{Scope: phoenixkit.Profile().In("public")}, rekey.ScriptPsql); !errors.Is(err, problem.ErrRefused) {
			t.Errorf("sql: %v", err)
		}
		if diff := cmp.Diff(before, h.fingerprint("public")); diff != "" {
			t.Errorf("the database changed\n%s", diff)
		}
	})
}

// breaches are violations of PhoenixKit's rule at 135, mostly in tables other than the 33.
func breaches() []struct{ name, made, want string } {
	return []struct{ name, made, want string }{
		{"no breach", `CREATE TABLE phoenix_kit_posts (uuid uuid PRIMARY KEY); CREATE TABLE phoenix_kit_by_name (name text PRIMARY KEY, uuid uuid NOT NULL)`, ""},
		{"a column of text", `CREATE TABLE phoenix_kit_posts (uuid varchar(255))`, "phoenix_kit_posts: no type uuid; phoenix_kit_posts: no NOT NULL; phoenix_kit_posts: no primary key"},
		{
			"the same uuid as two texts", `CREATE TABLE phoenix_kit_posts (uuid text PRIMARY KEY);
			INSERT INTO phoenix_kit_posts VALUES ('0198C0DE-0000-7000-8000-00000000000A'), ('0198c0de-0000-7000-8000-00000000000a')`,
			"phoenix_kit_posts: no type uuid; phoenix_kit_posts: 1 value that occurs more than once",
		},
		{
			"duplicate rows", `CREATE TABLE phoenix_kit_posts (id int PRIMARY KEY, uuid uuid NOT NULL); INSERT INTO phoenix_kit_posts SELECT n, '` + given + `' FROM generate_series(1, 3) n`,
			"phoenix_kit_posts: 2 values that occur more than once",
		},
		{"one of the 33", `ALTER TABLE phoenix_kit_users DROP CONSTRAINT phoenix_kit_users_pkey`, "phoenix_kit_users: no primary key"},
		{
			"a difference that verify reports anyway", `ALTER TABLE phoenix_kit_users DROP CONSTRAINT phoenix_kit_users_pkey, ALTER uuid DROP NOT NULL`,
			"phoenix_kit_users: no NOT NULL; phoenix_kit_users: no primary key",
		},
		{
			"a partitioned table", `CREATE TABLE phoenix_kit_logs (uuid uuid, at date) PARTITION BY RANGE (at); CREATE TABLE phoenix_kit_logs_1 PARTITION OF phoenix_kit_logs DEFAULT`,
			"phoenix_kit_logs: no NOT NULL; phoenix_kit_logs: no primary key",
		},
		{"tables that are not PhoenixKit's", `CREATE TABLE "phoenixXkit_posts" (uuid uuid); CREATE VIEW phoenix_kit_all AS SELECT uuid FROM phoenix_kit_users; CREATE TABLE phoenix_kit_plain (id int)`, ""},
	}
}

// From 135 on, verify checks PhoenixKit's rule on all of its tables. It deletes nothing.
func TestPhoenixKitsRule(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for _, b := range breaches() {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				h := build(t, c, migrated)
				h.mustExec("SET ROLE " + filled("{owner}") + `; ALTER TABLE phoenix_kit_users DROP COLUMN id CASCADE; ALTER TABLE phoenix_kit_users ADD PRIMARY KEY (uuid);
					ALTER TABLE phoenix_kit_email_templates DROP COLUMN id CASCADE; ALTER TABLE phoenix_kit_email_templates ADD PRIMARY KEY (uuid);` + recorded("134") + b.made)
				before := h.fingerprint("public")
				report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
				if report.Integrity != nil || err != nil && !strings.Contains(b.name, "anyway") {
					t.Errorf("at 134: %+v, %v", report.Integrity, err)
				}
				if diff := cmp.Diff(before, h.fingerprint("public")); diff != "" {
					t.Errorf("the database changed\n%s", diff)
				}
				h.mustExec(recorded("135"))
				report, err = phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
				if got := strings.Join(report.Differences, "; "); got != b.want || errors.Is(err, problem.ErrDiffers) != (b.want != "") {
					t.Errorf("%s\nwant\n%s: %v", got, b.want, err)
				}
			})
		}
	})
}
