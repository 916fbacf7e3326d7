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

// createZoo creates a database with the zoo. Its configuration skips the tables that the plan refuses.
func createZoo(t *testing.T, c *server.Cluster) (*database, rekeytest.Setup) {
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

func (h *database) scriptFiles(config rekeytest.Setup, format rekey.ScriptFormat) []rekey.ScriptFile {
	h.t.Helper()
	files, err := rekeytest.Script(h.t.Context(), h.pool, config, format)
	if err != nil {
		h.t.Fatal(err)
	}
	return files
}

// validShape is shape, with a NOT NULL that was NOT VALID before (possible from PostgreSQL 18 on) shown as valid, since
// the rows satisfy it.
func (h *database) validShape() []string {
	lines := h.shape()
	for i, line := range lines {
		lines[i] = strings.Replace(line, "NOT NULL uuid NOT VALID validated f", "NOT NULL uuid validated t", 1)
	}
	slices.Sort(lines)
	return lines
}

// A script of a schema run leaves the same catalogue as up on every table. The script of down removes what up made, and
// down removes what the script made.
func TestPsqlEndsLikeUpOnZoo(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createZoo(t, c)
		ran, _ := createZoo(t, c)
		h.mustPsql(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
		result, err := rekeytest.Up(t.Context(), ran.pool, config)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ran.validShape(), h.validShape()); diff != "" {
			t.Errorf("the script's catalogue (+) differs from up's (-)\n%s", diff)
		}
		if again := h.scriptFiles(config, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("the plan is not empty:\n%s", again[0].Text)
		}
		h.verifiedWith(config)
		back := config
		back.Direction = rekey.Down
		ran.mustPsql(ran.scriptFiles(back, rekey.ScriptPsql)[0].Text)
		if _, err := rekeytest.Down(t.Context(), h.pool, config); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h.validShape(), ran.validShape()); diff != "" {
			t.Errorf("the script's catalogue (+) differs from down's (-)\n%s", diff)
		}
		if result.Tables < 60 {
			t.Errorf("%d tables, too few for this test", result.Tables)
		}
	})
}

// The scripts of the migrator formats end like up and reverse to the initial state, with each statement run twice: with
// an existing column, without one, and with a column that rekey skips.
func TestMigratorsReverseOnZoo(t *testing.T) {
	readers := map[rekey.ScriptFormat]func(*testing.T, []rekey.ScriptFile) (up, down []string){
		rekey.ScriptMigrate: migrations, rekey.ScriptGoose: sections,
	}
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		if !newest(t, c) {
			return
		}
		for format, read := range readers {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				h, config := createZoo(t, c)
				config = config.With(func(s *rekey.Schema) {
					s.Tables = []string{"found_*", "*Quoted*", "key_none", "by_*", "by ?xpression", "parent*"}
				})
				before := h.validShape()
				up, down := read(t, h.scriptFiles(config, format))
				h.execTwice(up)
				h.verifiedWith(config)
				h.expectClean()
				h.execTwice(down)
				h.expectClean()
				if diff := cmp.Diff(without(before, "function "), without(h.validShape(), "function ")); diff != "" {
					t.Errorf("up and down did not restore the catalogue\n%s", diff)
				}
			})
		}
	})
}

// createColumns creates a table with each kind of column: none, an existing one, a complete one.
func createColumns(t *testing.T, c *server.Cluster) (*database, rekeytest.Setup) {
	t.Helper()
	h := open(t, c, "public")
	h.exec(`CREATE TABLE none (id bigint PRIMARY KEY); INSERT INTO none SELECT generate_series(1, 50);
		CREATE TABLE found (name text, public_id uuid DEFAULT gen_random_uuid()); INSERT INTO found VALUES ('x', NULL), ('y', DEFAULT);
		COMMENT ON COLUMN found.public_id IS 'the shop''s \ own';
		CREATE TABLE theirs (uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid())`)
	return h, rekeytest.Setup{Scope: rekey.Schema{Name: "public", Tables: []string{"none", "found"}}, Options: rekey.Options{Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}, Tables: map[string]rekey.TableOptions{"found": {Column: "public_id", IndexName: "{table}_key"}}}}
}

// A script of a schema run that is interrupted before any statement continues when it is run again, up and down, and
// removes nothing without the mark of its table.
func TestPsqlResumesSchemaRun(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createColumns(t, c)
		ran, _ := createColumns(t, c)
		cutBothWays(t, h, ran, config)
	})
}

// verifiedWith runs verify with a configuration.
func (h *database) verifiedWith(config rekeytest.Setup) {
	h.t.Helper()
	if report, err := rekeytest.Verify(h.t.Context(), h.pool, config); err != nil {
		h.t.Errorf("verify: %v: %v", err, report.Differences)
	}
}

// cutBothWays interrupts scripts before each statement, up and down, and compares the results with up and down in
// another database.
func cutBothWays(t *testing.T, h, ran *database, config rekeytest.Setup) {
	t.Helper()
	for _, back := range []bool{false, true} {
		config.Direction = map[bool]rekey.Direction{false: rekey.Up, true: rekey.Down}[back]
		h.cutAnywhere(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
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

// change is a change of a schema after the script was made, and what the script says of it.
type change struct{ made, want string }

// refuseChanges makes a script in a database of its own for each change, and runs it after the change: it must report the difference
// and change nothing.
func refuseChanges(t *testing.T, create func(*testing.T) (*database, rekeytest.Setup), changes map[string]change) {
	t.Helper()
	for name, one := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, config := create(t)
			text := h.scriptFiles(config, rekey.ScriptPsql)[0].Text
			h.exec("SET client_min_messages = warning; " + one.made + "; RESET client_min_messages")
			before := strings.Join(h.fingerprint(), "\n")
			output, err := h.psql(text)
			if err == nil || !strings.Contains(output, one.want) {
				t.Errorf("%v: %s", err, output)
			}
			if strings.Join(h.fingerprint(), "\n") != before {
				t.Error("the script changed the database")
			}
		})
	}
}

// A script that is run on a changed schema reports the difference and changes nothing.
func TestScriptRefusesChangedSchema(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		refuseChanges(t, func(t *testing.T) (*database, rekeytest.Setup) { return createColumns(t, c) }, map[string]change{
			"no schema":        {"DROP SCHEMA public CASCADE", `schema "public" does not exist`},
			"a dropped table":  {"DROP TABLE none", `table "public"."none" no longer exists`},
			"a new column":     {"ALTER TABLE none ADD uuid uuid NOT NULL DEFAULT gen_random_uuid()", `"public"."none" now has a column of that name`},
			"a copied mark":    {`ALTER TABLE none ADD uuid uuid; COMMENT ON COLUMN none.uuid IS '[rekey: made {"of":"public.other","index":"none_uuid_idx"}]'`, "now has a column of that name"},
			"a dropped column": {"ALTER TABLE found DROP public_id", `"public"."found" no longer has the column`},
			"another function": {"CREATE FUNCTION uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'", "the function that the default calls has changed"},
			"another type":     {"ALTER TABLE found DROP public_id; ALTER TABLE found ADD public_id text", "with another type"},
		})
	})
}

// A script that has only a missing EXECUTE privilege to grant grants it.
func TestScriptGrantsMissingExecute(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, config := createColumns(t, c)
		h.mustPsql(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
		h.exec("REVOKE EXECUTE ON FUNCTION uuid_generate_v7() FROM PUBLIC; GRANT INSERT ON none TO pg_monitor")
		h.mustPsql(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
		if got := h.query("SELECT has_function_privilege('pg_monitor', 'uuid_generate_v7()', 'EXECUTE')"); got != "true" {
			t.Error("pg_monitor has no EXECUTE privilege on the function")
		}
		if again := h.scriptFiles(config, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("the plan is not empty:\n%s", again[0].Text)
		}
	})
}
