package phoenixkit_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

const (
	insertUser = `INSERT INTO public.phoenix_kit_users (email, hashed_password, inserted_at, updated_at%) VALUES ('x', 'x', now(), now()@)`
	given      = "0198c0de-0000-4000-8000-000000000001" // a UUIDv4 of the application
)

// TestAfterUp checks what an application sees after up.
func TestAfterUp(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, migrated)
		h.mustExec("GRANT USAGE ON SCHEMA public TO writer; GRANT INSERT, SELECT ON public.phoenix_kit_users TO writer;" +
			"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO writer; CREATE SCHEMA decoy; CREATE SCHEMA decoy2;" +
			"CREATE FUNCTION decoy.gen_random_uuid() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';" +
			"CREATE FUNCTION decoy.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz';" +
			"CREATE FUNCTION decoy.overlay(text, text, int, int) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';" +
			"CREATE FUNCTION decoy.uuidv7() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'; GRANT USAGE ON SCHEMA decoy TO PUBLIC")
		for _, path := range []string{`''`, "pg_catalog", "decoy, pg_catalog", "public", "decoy2"} {
			t.Run("insert without a uuid with search_path "+path, func(t *testing.T) { withoutUUID(t, h, path) })
		}
		t.Run("insert with a uuid", func(t *testing.T) {
			sql := strings.NewReplacer("%", ", uuid", "@", ", '"+given+"'").Replace(insertUser) + " RETURNING uuid::text"
			if got := returned(t, h, "public", sql); got != given {
				t.Errorf("uuid %s, want %s", got, given)
			}
		})
		t.Run("lookup by uuid uses the index", func(t *testing.T) {
			h.mustExec("INSERT INTO phoenix_kit_users (email, hashed_password, inserted_at, updated_at) SELECT 'n' || n, 'x', now(), now() FROM generate_series(1, 2000) n; ANALYZE phoenix_kit_users")
			if got := plan(t, h, "SELECT * FROM public.phoenix_kit_users WHERE uuid = '"+given+"'"); !strings.Contains(got, "Index Scan using phoenix_kit_users_uuid_idx") {
				t.Error(got)
			}
		})
		t.Run("values of one statement are distinct UUIDv7", func(t *testing.T) {
			const sql = `SELECT count(DISTINCT uuid) || ' ' || bool_and(substr(uuid::text, 15, 1) = '7' AND substr(uuid::text, 20, 1) IN ('8', '9', 'a', 'b'))
				FROM public.phoenix_kit_users WHERE hashed_password = 'x'`
			if got := queryOne[string](h, sql); got != "2000 true" {
				t.Error(got)
			}
		})
	})
}

func withoutUUID(t *testing.T, h *database, path string) {
	sql := strings.NewReplacer("%", "", "@", "").Replace(insertUser) + " RETURNING uuid::text"
	got := returned(t, h, path, sql)
	if len(got) != 36 || got[14] != '7' || !strings.ContainsRune("89ab", rune(got[19])) {
		t.Errorf("%q is not a UUIDv7", got)
	}
}

// returned runs a statement as a role that may only insert, rolls it back, and returns its value.
func returned(t *testing.T, h *database, path, sql string) string {
	t.Helper()
	var value string
	rollback := errors.New("rolled back")
	err := pgx.BeginFunc(t.Context(), h.pool(writer), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL search_path = "+path); err != nil {
			return err
		}
		if err := tx.QueryRow(t.Context(), sql, pgx.QueryExecModeExec).Scan(&value); err != nil {
			return err
		}
		return rollback
	})
	if !errors.Is(err, rollback) {
		t.Fatal(err)
	}
	return value
}

func plan(t *testing.T, h *database, sql string) string {
	t.Helper()
	rows, err := h.admin.Query(t.Context(), "EXPLAIN "+sql)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// faults returns changes after up that verify must report.
func faults() []struct{ name, made, want string } {
	return []struct{ name, made, want string }{
		{"a UUIDv4 inserted later", strings.NewReplacer("%", ", uuid", "@", ", '"+given+"'").Replace(insertUser), "phoenix_kit_users: 1 value that is not UUIDv7"},
		{"NULL values", "ALTER TABLE phoenix_kit_users ALTER uuid DROP NOT NULL; UPDATE phoenix_kit_users SET uuid = NULL WHERE id < 3", "phoenix_kit_users: 2 rows without a value"},
		{"no NOT NULL", "ALTER TABLE phoenix_kit_users ALTER uuid DROP NOT NULL", "phoenix_kit_users: no NOT NULL"},
		{"no default", "ALTER TABLE phoenix_kit_users ALTER uuid DROP DEFAULT", "phoenix_kit_users: no default"},
		{"another default", "ALTER TABLE phoenix_kit_users ALTER uuid SET DEFAULT gen_random_uuid()", "phoenix_kit_users: no default"},
		{"no index", "DROP INDEX phoenix_kit_users_uuid_idx", "phoenix_kit_users: no unique index"},
		{"an invalid index", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'phoenix_kit_users_uuid_idx'::regclass", "phoenix_kit_users: no unique index"},
		{
			"a duplicate value, without the index", "DROP INDEX phoenix_kit_users_uuid_idx; UPDATE phoenix_kit_users SET uuid = (SELECT max(uuid::text)::uuid FROM phoenix_kit_users)",
			"phoenix_kit_users: 1 value that occurs more than once",
		},
		{"no column", "ALTER TABLE phoenix_kit_users DROP uuid", "phoenix_kit_users: no column"},
		{"a function that makes UUIDv4", "CREATE OR REPLACE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'", "function public.uuid_generate_v7()"},
		{"no EXECUTE for an inserting role", "REVOKE EXECUTE ON FUNCTION uuid_generate_v7() FROM PUBLIC; GRANT INSERT ON phoenix_kit_users TO writer", "no EXECUTE for writer"},
		{"another version", "COMMENT ON TABLE phoenix_kit IS '39'", "version 39 is recorded, expected 40"},
	}
}

// TestVerifyReportsDifferences makes each change and expects verify to report it with ErrDiffers.
func TestVerifyReportsDifferences(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for _, fault := range faults() {
			t.Run(fault.name, func(t *testing.T) {
				t.Parallel()
				h := build(t, c, migrated)
				h.mustExec(fault.made)
				report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
				if !errors.Is(err, problem.ErrDiffers) || report.OK {
					t.Fatalf("%v, %v", report.OK, err)
				}
				if all := strings.Join(report.Differences, "\n"); !strings.Contains(all, fault.want) {
					t.Errorf("missing %q in\n%s", fault.want, all)
				}
			})
		}
	})
}

// TestExistingValuesAreKept: values of other versions that existed before up are kept and are no difference. Values
// written later are.
func TestExistingValuesAreKept(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		h.setUp(halfFilled)
		before := queryOne[string](h, "SELECT string_agg(uuid::text, ' ' ORDER BY id) FROM phoenix_kit_users WHERE uuid IS NOT NULL")
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		if after := queryOne[string](h, "SELECT string_agg(uuid::text, ' ' ORDER BY id) FROM phoenix_kit_users WHERE id < 4"); after != before {
			t.Errorf("uuids %s, want %s", after, before)
		}
		checkKept := func(want, wrong int64) {
			t.Helper()
			report, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{})
			if (wrong == 0) != (err == nil) || report.Tables[0].Kept != want || report.Tables[0].NotV7 != wrong {
				t.Errorf("kept %d, not v7 %d, want %d and %d: %v", report.Tables[0].Kept, report.Tables[0].NotV7, want, wrong, err)
			}
		}
		checkKept(3, 0)
		h.mustExec(strings.NewReplacer("%", ", uuid", "@", ", '"+given+"'").Replace(insertUser))
		checkKept(3, 1)
		h.mustExec("DROP SCHEMA rekey CASCADE") // without the journal, the mark still has the count
		checkKept(3, 1)
	})
}

// TestVerifyPrivileges: verify reads all tables or none, and reports which privilege the role lacks.
func TestVerifyPrivileges(t *testing.T) {
	const mayRead = "GRANT USAGE ON SCHEMA public TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA public TO stranger;"
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for _, test := range []struct{ name, role, made, want string }{
			{name: "a role that may only read", role: stranger, made: mayRead},
			{
				name: "a role that may not read", role: stranger, made: "GRANT USAGE ON SCHEMA public TO stranger",
				want: `GRANT SELECT ON "public"."phoenix_kit_users" TO "stranger"`,
			},
			{
				name: "an owner with forced row-level security", role: owner,
				made: "ALTER TABLE phoenix_kit_users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
				want: `ALTER ROLE "Phoenix ""Owner""" BYPASSRLS`,
			},
		} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				h := build(t, c, migrated)
				h.mustExec(test.made)
				report, err := phoenixkit.Verify(t.Context(), h.pool(test.role), phoenixkit.Options{Options: rekey.Options{Permissions: rekey.PermissionOptions{TrustOwners: []string{owner}}}})
				if test.want == "" {
					if err != nil || !report.OK {
						t.Errorf("%v, %v", report.Differences, err)
					}
					return
				}
				p, ok := errors.AsType[*problem.Problem](err)
				if !ok || !errors.Is(err, problem.ErrRefused) || p.Code != "unreadable" || !strings.Contains(p.Hint, test.want) {
					t.Errorf("%v", err)
				}
			})
		}
	})
}
