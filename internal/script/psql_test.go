package script_test

import (
	"errors"
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

// The script ends with the recorded catalogue of PhoenixKit 40, like up. The script of down restores the initial
// catalogue.
func TestPsqlEndsLikeUp(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", true)
		before := h.fingerprint()
		h.mustPsql(h.script(40))
		h.complete(40)
		if again := h.files(40, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("the plan is not empty:\n%s", again[0].Text)
		}
		h.mustPsql(h.script(39))
		if diff := cmp.Diff(before, without(h.fingerprint(), "function public.uuid_generate_v7() ")); diff != "" {
			t.Errorf("up and down did not restore the catalogue\n%s", diff)
		}
	})
}

func without(lines []string, begin string) []string {
	var left []string
	for _, line := range lines {
		if !strings.HasPrefix(line, begin) {
			left = append(left, line)
		}
	}
	return left
}

func mustUp(t *testing.T, h *database) {
	t.Helper()
	if _, err := rekeytest.Up(t.Context(), h.pool, h.config(40)); err != nil {
		t.Fatal(err)
	}
}

func mustDown(t *testing.T, h *database) {
	t.Helper()
	if _, err := rekeytest.Down(t.Context(), h.pool, h.config(39)); err != nil {
		t.Fatal(err)
	}
}

// initialStates returns states of a database in which a script may be run.
func initialStates() map[string]string {
	return map[string]string{
		"untouched":       "SELECT 1",
		"an empty column": `ALTER TABLE {users} ADD uuid uuid`,
		"a column with values, a comment and a default": `ALTER TABLE {users} ADD uuid uuid DEFAULT gen_random_uuid();
			COMMENT ON COLUMN {users}.uuid IS 'the shop''s \ own [x]';
			INSERT INTO {tokens} (user_id, token, context, inserted_at) SELECT 1, 'x', 'c', now()`,
		"a column that lacks only the right default": `ALTER TABLE {users} ADD uuid uuid NOT NULL DEFAULT gen_random_uuid();
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid)`,
		"a nullable column with its index": `ALTER TABLE {users} ADD uuid uuid; CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid)`,
		"an interrupted up": `ALTER TABLE {users} ADD uuid uuid; COMMENT ON COLUMN {users}.uuid IS '[rekey: made, not finished]';
			UPDATE {users} SET uuid = gen_random_uuid() WHERE id % 2 = 0;
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid);
			UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{p}.phoenix_kit_users_uuid_idx'::regclass;
			ALTER TABLE {users} ADD CONSTRAINT rekey_uuid_not_null CHECK (uuid IS NOT NULL) NOT VALID`,
		"a CHECK that was not dropped": `ALTER TABLE {users} ADD uuid uuid DEFAULT gen_random_uuid(); UPDATE {users} SET uuid = gen_random_uuid();
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid); COMMENT ON COLUMN {users}.uuid IS '[rekey: made, not finished]';
			ALTER TABLE {users} ADD CONSTRAINT rekey_uuid_not_null CHECK (uuid IS NOT NULL), ALTER uuid SET NOT NULL`,
		"inserting roles without EXECUTE": `ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
			GRANT INSERT ON {users} TO pg_monitor; GRANT INSERT (email) ON {users} TO pg_signal_backend`,
		"version 40 recorded without its columns": `COMMENT ON TABLE {p}.phoenix_kit IS '40'`,
	}
}

func (h *database) setState(sql string) {
	h.t.Helper()
	quoted := h.on("%s", "")
	h.exec(strings.NewReplacer("{users}", h.on("%s", "phoenix_kit_users"), "{tokens}", h.on("%s", "phoenix_kit_users_tokens"),
		"{p}", strings.TrimSuffix(quoted, `.""`)).Replace(sql))
}

// From every state the script ends like up, and verify passes. A script reverses what rekey did, and rekey reverses
// what a script did.
func TestPsqlEndsLikeUpFromEveryState(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		states := initialStates()
		if !newest(t, c) {
			const one = "an interrupted up"
			states = map[string]string{one: states[one]}
		}
		for name, sql := range states {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scripted, ran := build(t, c, awkward, false), build(t, c, awkward, false)
				scripted.setState(sql)
				ran.setState(sql)
				scripted.mustPsql(scripted.script(40))
				mustUp(t, ran)
				same(t, scripted, ran)
				if name != "a column with values, a comment and a default" {
					scripted.verified()
				}
				ran.mustPsql(ran.script(39))
				mustDown(t, scripted)
				same(t, ran, scripted)
			})
		}
	})
}

// A plan that refuses makes no script, and returns the same error as up.
func TestRefusedPlanMakesNoScript(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		h.exec("ALTER TABLE phoenix_kit_users ADD uuid text")
		files, err := rekeytest.Script(t.Context(), h.pool, h.config(40), rekey.ScriptPsql)
		_, want := rekeytest.Up(t.Context(), h.pool, h.config(40))
		if !errors.Is(err, problem.ErrRefused) || err.Error() != want.Error() || files != nil {
			t.Errorf("error %v, want %v", err, want)
		}
		if _, err := phoenixkit.Plan(t.Context(), h.pool, phoenixkit.Options{Version: 41}); !errors.Is(err, problem.ErrUsage) {
			t.Errorf("version 41: %v", err)
		}
	})
}
