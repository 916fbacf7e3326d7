package script_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/zoo"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// settle makes a database with the zoo; its configuration passes over what the plan refuses.
func settle(t *testing.T, c *server.Cluster) (*house, rekeytest.Setup) {
	t.Helper()
	template := servertest.Template(t, c, "zoo", func(url string) error {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		return zoo.Create(t.Context(), conn, c.Major)
	})
	h := open(t, c, zoo.Schema, template)
	return h, rekeytest.Setup{Scope: rekey.Schema{Name: zoo.Schema, SkipRefused: true}, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}}}
}

func (h *house) written(config rekeytest.Setup, format rekey.ScriptFormat) []rekey.ScriptFile {
	h.t.Helper()
	files, err := rekeytest.Script(h.t.Context(), h.pool, config, format)
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// proved is shape, but that a NOT NULL which was there NOT VALID, as 18 has them, stays proved: the rows meet
// it.
func (h *house) proved() []string {
	lines := h.shape()
	for i, line := range lines {
		lines[i] = strings.Replace(line, "NOT NULL uuid NOT VALID validated f", "NOT NULL uuid validated t", 1)
	}
	slices.Sort(lines)
	return lines
}

// Of a schema without a profile the script ends in the catalogue that up leaves, on every table that is
// done; the script of the way back takes away what up made, and down what the script made.
func TestPsqlOverTheZoo(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := settle(t, c)
		ran, _ := settle(t, c)
		h.mustPsql(h.written(config, rekey.ScriptPsql)[0].Text)
		result, err := rekeytest.Up(t.Context(), ran.pool, config)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ran.proved(), h.proved()); diff != "" {
			t.Errorf("the script left another catalogue (+) than up (-)\n%s", diff)
		}
		if again := h.written(config, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("there is something to do still:\n%s", again[0].Text)
		}
		h.wholeBy(config)
		back := config
		back.Direction = rekey.Down
		ran.mustPsql(ran.written(back, rekey.ScriptPsql)[0].Text)
		if _, err := rekeytest.Down(t.Context(), h.pool, config); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h.proved(), ran.proved()); diff != "" {
			t.Errorf("the script left another catalogue (+) than down (-)\n%s", diff)
		}
		if result.Tables < 60 {
			t.Errorf("%d tables: this proves little", result.Tables)
		}
	})
}

// Both formats of migrators end as up does and come back to where it began, each statement run twice: where a
// column was there, where none was, and where one is nobody's business.
func TestMigratorsOverTheZoo(t *testing.T) {
	readers := map[rekey.ScriptFormat]func(*testing.T, []rekey.ScriptFile) (up, down []string){
		rekey.ScriptMigrate: migrations, rekey.ScriptGoose: sections,
	}
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		if !newest(t, c) {
			return
		}
		for format, read := range readers {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				h, config := settle(t, c)
				config = config.With(func(s *rekey.Schema) {
					s.Tables = []string{"found_*", "*Quoted*", "key_none", "by_*", "by ?xpression", "parent*"}
				})
				before := h.proved()
				up, down := read(t, h.written(config, format))
				h.run(up)
				h.wholeBy(config)
				h.tidy()
				h.run(down)
				h.tidy()
				if diff := cmp.Diff(without(before, "function "), without(h.proved(), "function ")); diff != "" {
					t.Errorf("there and back is not where it began\n%s", diff)
				}
			})
		}
	})
}

// free is a schema with one table of each kind of column: none, found, half made.
func free(t *testing.T, c *server.Cluster) (*house, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.do(`CREATE TABLE none (id bigint PRIMARY KEY); INSERT INTO none SELECT generate_series(1, 50);
		CREATE TABLE found (name text, public_id uuid DEFAULT gen_random_uuid()); INSERT INTO found VALUES ('x', NULL), ('y', DEFAULT);
		COMMENT ON COLUMN found.public_id IS 'the shop''s \ own';
		CREATE TABLE theirs (uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid())`)
	return h, rekeytest.Setup{Scope: rekey.Schema{Name: "public", Tables: []string{"none", "found"}}, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}, Tables: map[string]rekey.TableOptions{"found": {Column: "public_id", IndexName: "{table}_key"}}}}
}

// A script of a schema without a profile that was ended before any of its statements goes on when it is
// run again, up and down, and takes nothing away that bears no mark of its table.
func TestPsqlCutAnywhereWithoutProfile(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := free(t, c)
		ran, _ := free(t, c)
		cutBothWays(t, h, ran, config)
	})
}

// wholeBy proves what a configuration is about.
func (h *house) wholeBy(config rekeytest.Setup) {
	h.t.Helper()
	if report, err := rekeytest.Verify(h.t.Context(), h.pool, config); err != nil {
		h.t.Errorf("verify: %v: %v", err, report.Differences)
	}
}

// cutBothWays holds scripts that are cut anywhere, up and down, against up and down in another database.
func cutBothWays(t *testing.T, h, ran *house, config rekeytest.Setup) {
	t.Helper()
	for _, back := range []bool{false, true} {
		config.Direction = map[bool]rekey.Direction{false: rekey.Up, true: rekey.Down}[back]
		h.cutAnywhere(h.written(config, rekey.ScriptPsql)[0].Text)
		way := rekeytest.Up
		if back {
			way = rekeytest.Down
		}
		if _, err := way(t.Context(), ran.pool, config); err != nil {
			t.Fatal(err)
		}
		same(t, h, ran)
	}
}

// A script that meets another schema than the one it was made for says so, and changes nothing.
func TestScriptRefusesAnotherSchema(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, fault := range map[string]struct{ made, says string }{
			"no schema":           {"DROP SCHEMA public CASCADE", `there is no schema "public"`},
			"a table went":        {"DROP TABLE none", `there is no table "public"."none" any more`},
			"a column came":       {"ALTER TABLE none ADD uuid uuid NOT NULL DEFAULT gen_random_uuid()", `"public"."none" has a column of that name now`},
			"a copy's mark":       {`ALTER TABLE none ADD uuid uuid; COMMENT ON COLUMN none.uuid IS '[rekey: made {"of":"public.other","index":"none_uuid_idx"}]'`, "has a column of that name now"},
			"a column went":       {"ALTER TABLE found DROP public_id", `"public"."found" has no such column any more`},
			"another function":    {"CREATE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'", "another function of the name"},
			"somebody's own type": {"ALTER TABLE found DROP public_id; ALTER TABLE found ADD public_id text", "another type now"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h, config := free(t, c)
				text := h.written(config, rekey.ScriptPsql)[0].Text
				h.do("SET client_min_messages = warning; " + fault.made + "; RESET client_min_messages")
				before := strings.Join(h.everything(), "\n")
				said, err := h.psql(text)
				if err == nil || !strings.Contains(said, fault.says) {
					t.Errorf("%v: %s", err, said)
				}
				if strings.Join(h.everything(), "\n") != before {
					t.Error("something was changed")
				}
			})
		}
	})
}

// A role that may not call the default's function gets the right from a script that has nothing else to do.
func TestScriptThatOnlyGrants(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := free(t, c)
		h.mustPsql(h.written(config, rekey.ScriptPsql)[0].Text)
		h.do("REVOKE EXECUTE ON FUNCTION uuid_generate_v7() FROM PUBLIC; GRANT INSERT ON none TO pg_monitor")
		h.mustPsql(h.written(config, rekey.ScriptPsql)[0].Text)
		if got := h.one("SELECT has_function_privilege('pg_monitor', 'uuid_generate_v7()', 'EXECUTE')"); got != "true" {
			t.Error("pg_monitor may not call the function")
		}
		if again := h.written(config, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("there is something to do still:\n%s", again[0].Text)
		}
	})
}
