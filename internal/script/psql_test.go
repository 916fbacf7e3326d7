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
	"github.com/rekey-pg/rekey/problem"
)

// The script ends in the catalogue that is recorded of PhoenixKit 40, as up does; the script of the way back
// ends where it all began.
func TestPsqlEndsAsUpDoes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", true)
		before := h.everything()
		h.mustPsql(h.script(40))
		h.whole(40)
		if again := h.files(40, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("there is something to do still:\n%s", again[0].Text)
		}
		h.mustPsql(h.script(39))
		if diff := cmp.Diff(before, without(h.everything(), "function public.uuid_generate_v7() ")); diff != "" {
			t.Errorf("there and back is not where it began\n%s", diff)
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

func mustUp(t *testing.T, h *house) {
	t.Helper()
	if _, err := rekeytest.Up(t.Context(), h.pool, h.config(40)); err != nil {
		t.Fatal(err)
	}
}

func mustDown(t *testing.T, h *house) {
	t.Helper()
	if _, err := rekeytest.Down(t.Context(), h.pool, h.config(39)); err != nil {
		t.Fatal(err)
	}
}

// halves are states in which a script may find a database.
func halves() map[string]string {
	return map[string]string{
		"untouched":                 "SELECT 1",
		"a column without anything": `ALTER TABLE {users} ADD uuid uuid`,
		"a column with values, a comment and a default": `ALTER TABLE {users} ADD uuid uuid DEFAULT gen_random_uuid();
			COMMENT ON COLUMN {users}.uuid IS 'the shop''s \ own [x]';
			INSERT INTO {tokens} (user_id, token, context, inserted_at) SELECT 1, 'x', 'c', now()`,
		"a column that is whole but for its default": `ALTER TABLE {users} ADD uuid uuid NOT NULL DEFAULT gen_random_uuid();
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid)`,
		"a column that may be NULL, with its index": `ALTER TABLE {users} ADD uuid uuid; CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid)`,
		"what an interrupted up leaves": `ALTER TABLE {users} ADD uuid uuid; COMMENT ON COLUMN {users}.uuid IS '[rekey: made, not finished]';
			UPDATE {users} SET uuid = gen_random_uuid() WHERE id % 2 = 0;
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid);
			UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{p}.phoenix_kit_users_uuid_idx'::regclass;
			ALTER TABLE {users} ADD CONSTRAINT rekey_uuid_not_null CHECK (uuid IS NOT NULL) NOT VALID`,
		"what is left when the proof is left": `ALTER TABLE {users} ADD uuid uuid DEFAULT gen_random_uuid(); UPDATE {users} SET uuid = gen_random_uuid();
			CREATE UNIQUE INDEX phoenix_kit_users_uuid_idx ON {users} (uuid); COMMENT ON COLUMN {users}.uuid IS '[rekey: made, not finished]';
			ALTER TABLE {users} ADD CONSTRAINT rekey_uuid_not_null CHECK (uuid IS NOT NULL), ALTER uuid SET NOT NULL`,
		"inserters who may not call functions": `ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
			GRANT INSERT ON {users} TO pg_monitor; GRANT INSERT (email) ON {users} TO pg_signal_backend`,
		"a schema that says 40 and is not": `COMMENT ON TABLE {p}.phoenix_kit IS '40'`,
	}
}

func (h *house) state(sql string) {
	h.t.Helper()
	quoted := h.on("%s", "")
	h.do(strings.NewReplacer("{users}", h.on("%s", "phoenix_kit_users"), "{tokens}", h.on("%s", "phoenix_kit_users_tokens"),
		"{p}", strings.TrimSuffix(quoted, `.""`)).Replace(sql))
}

// From every state the script ends where up does, is whole for verify, and is taken back by rekey as by a
// script; a script takes back what rekey did.
func TestPsqlFromEveryState(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		states := halves()
		if !newest(t, c) {
			const one = "what an interrupted up leaves"
			states = map[string]string{one: states[one]}
		}
		for name, sql := range states {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				scripted, ran := build(t, c, awkward, false), build(t, c, awkward, false)
				scripted.state(sql)
				ran.state(sql)
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

// What a plan refuses gives no script, and the same words as up.
func TestNoScriptWhereThePlanRefuses(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, "public", false)
		h.do("ALTER TABLE phoenix_kit_users ADD uuid text")
		files, err := rekeytest.Script(t.Context(), h.pool, h.config(40), rekey.ScriptPsql)
		_, want := rekeytest.Up(t.Context(), h.pool, h.config(40))
		if !errors.Is(err, problem.ErrRefused) || err.Error() != want.Error() || files != nil {
			t.Errorf("%v, not %v", err, want)
		}
		config := h.config(41)
		if _, err := rekeytest.Script(t.Context(), h.pool, config, rekey.ScriptPsql); !errors.Is(err, problem.ErrUsage) {
			t.Errorf("version 41: %v", err)
		}
	})
}
