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

// linking returns the setup of scripts to phase linked, or of the way back to phase expanded.
func linking(schema string, back bool) rekeytest.Setup {
	s := rekeytest.Setup{
		Scope:   rekey.Schema{Name: schema, SkipRefused: true},
		Options: rekey.Options{To: rekey.Linked, Locks: rekey.LockOptions{RetryTimeout: 10 * time.Minute}},
	}
	if back {
		s.Direction, s.Options.To = rekey.Down, rekey.Expanded
	}
	return s
}

// createEdges copies a database with the zoo's tables that refer to each other, in phase expanded. The one with orphans is not
// among them.
func createEdges(t *testing.T, c *server.Cluster) *database {
	t.Helper()
	template := servertest.Template(t, c, "edges", func(url string) error {
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		if err := zoo.CreateEdges(ctx, conn, c.Major); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `DROP TABLE "The Edges".not_valid`); err != nil {
			return err
		}
		pool := servertest.Pool(t, url)
		defer pool.Close()
		expand := linking(zoo.EdgeSchema, false)
		expand.Options.To = rekey.Expanded
		_, err = rekeytest.Up(ctx, pool, expand)
		return err
	})
	return open(t, c, zoo.EdgeSchema, template)
}

// A script links every edge as up does, and is empty afterwards. The script of the way back, and down, restore the schema,
// whichever of the two made the edges.
func TestLinkEndsLikeUpOnZoo(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, ran := createEdges(t, c), createEdges(t, c)
		forth, back := linking(zoo.EdgeSchema, false), linking(zoo.EdgeSchema, true)
		before := h.validShape()
		h.mustPsql(h.scriptFiles(forth, rekey.ScriptPsql)[0].Text)
		result, err := rekeytest.Up(t.Context(), ran.pool, forth)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ran.validShape(), h.validShape()); diff != "" {
			t.Errorf("the script's catalogue (+) differs from up's (-)\n%s", diff)
		}
		if again := h.scriptFiles(forth, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("the plan is not empty:\n%s", again[0].Text)
		}
		if least := 40; result.Edges < least {
			t.Errorf("%d edges, want at least %d", result.Edges, least)
		}
		ran.mustPsql(ran.scriptFiles(back, rekey.ScriptPsql)[0].Text)
		if _, err := rekeytest.Down(t.Context(), h.pool, back); err != nil {
			t.Fatal(err)
		}
		for name, way := range map[string]*database{"the script": ran, "down": h} {
			if diff := cmp.Diff(before, way.validShape()); diff != "" {
				t.Errorf("%s did not restore the schema (-before +after)\n%s", name, diff)
			}
		}
		if again := ran.scriptFiles(back, rekey.ScriptPsql); len(again) > 0 {
			t.Errorf("the plan is not empty:\n%s", again[0].Text)
		}
	})
}

// createChildren creates a schema with an edge of each kind: with an index and NOT NULL, on itself, composite, and of a
// partitioned table.
func createChildren(t *testing.T, c *server.Cluster) *database {
	t.Helper()
	h := open(t, c, "public")
	h.exec(`CREATE TABLE p (id bigint PRIMARY KEY, t int NOT NULL DEFAULT 1, UNIQUE (t, id));
		INSERT INTO p SELECT generate_series(1, 20);
		CREATE TABLE c (id bigint PRIMARY KEY, p_id bigint NOT NULL REFERENCES p ON DELETE CASCADE, c_id bigint REFERENCES c, note text);
		CREATE INDEX ON c (p_id, note); CREATE UNIQUE INDEX ON c (c_id) INCLUDE (note);
		INSERT INTO c SELECT n, 1 + n % 20, nullif(n - 1, 0) FROM generate_series(1, 100) n;
		COMMENT ON COLUMN c.p_id IS 'the "parent"';
		CREATE TABLE "of two" (t int NOT NULL, "The Id" bigint NOT NULL, FOREIGN KEY (t, "The Id") REFERENCES p (t, id));
		INSERT INTO "of two" SELECT 1, n FROM generate_series(1, 20) n;
		CREATE TABLE parts (id bigint, p_id int REFERENCES p ON DELETE SET NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
		CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (50); CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
		CREATE INDEX ON parts (p_id); INSERT INTO parts SELECT n, nullif(n % 20, 0) FROM generate_series(1, 90) n`)
	return h
}

// A script to phase linked that is interrupted before any of its statements continues when it is run again, and so does the
// script of the way back.
func TestLinkResumes(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h, ran := createChildren(t, c), createChildren(t, c)
		for _, back := range []bool{false, true} {
			config := linking("public", back)
			h.cutAnywhere(h.scriptFiles(config, rekey.ScriptPsql)[0].Text)
			way := rekeytest.Up
			if back {
				way = rekeytest.Down
			}
			if _, err := way(t.Context(), ran.pool, config); err != nil {
				t.Fatal(err)
			}
			same(t, h, ran)
			if again := h.scriptFiles(config, rekey.ScriptPsql); len(again) > 0 {
				t.Errorf("the plan is not empty:\n%s", again[0].Text)
			}
		}
	})
}

// The scripts of the migrator formats end like up, with each statement run twice, and go back to where they began: to phase
// expanded if only edges were made, else to integers.
func TestLinkMigratorsReverse(t *testing.T) {
	readers := map[rekey.ScriptFormat]func(*testing.T, []rekey.ScriptFile) (up, down []string){
		rekey.ScriptMigrate: migrations, rekey.ScriptGoose: sections, rekey.ScriptEcto: modules,
	}
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		if !newest(t, c) {
			return
		}
		for format, read := range readers {
			t.Run(string(format), func(t *testing.T) {
				t.Parallel()
				h, ran := createChildren(t, c), createChildren(t, c)
				config := linking("public", false)
				if format == rekey.ScriptGoose {
					expand := config
					expand.Options.To = rekey.Expanded
					h.mustPsql(h.scriptFiles(expand, rekey.ScriptPsql)[0].Text)
				}
				before := h.validShape()
				up, down := read(t, h.scriptFiles(config, format))
				h.execTwice(up)
				if _, err := rekeytest.Up(t.Context(), ran.pool, config); err != nil {
					t.Fatal(err)
				}
				same(t, h, ran)
				h.verifiedWith(config)
				h.execTwice(down)
				if diff := cmp.Diff(without(before, "function "), without(h.validShape(), "function ")); diff != "" {
					t.Errorf("up and down did not restore the catalogue\n%s", diff)
				}
				h.expectClean()
			})
		}
	})
}

// The filling waits for rows that the application locks, and takes the key that they have then. A row without a parent ends the
// script with its key; once it is deleted, the same script continues.
func TestLinkFillsLockedRows(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := createChildren(t, c)
		h.exec(`ALTER TABLE c DROP CONSTRAINT c_p_id_fkey; INSERT INTO c VALUES (101, 77);
			ALTER TABLE c ADD CONSTRAINT c_p_id_fkey FOREIGN KEY (p_id) REFERENCES p ON DELETE CASCADE NOT VALID`)
		config := linking("public", false)
		text := h.scriptFiles(config, rekey.ScriptPsql)[0].Text
		before, _, fills := strings.Cut(text, `CALL pg_temp.rekey_fill('"public"."c"', 'p_uuid'`)
		if !fills {
			t.Fatal("the script does not fill c.p_uuid")
		}
		h.mustPsql(before)
		moved := h.hold("UPDATE c SET p_id = 7 WHERE id = 5")
		w := h.start(text)
		w.until("other transactions lock rows")
		if got := h.query("SELECT string_agg(id::text, ' ' ORDER BY id) FROM c WHERE p_uuid IS NULL"); got != "5 101" {
			t.Errorf("rows %s have no uuid, want 5, which is locked, and 101, which has no parent", got)
		}
		if err := w.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = w.wait()
		moved()
		h.await("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
		h.exec("UPDATE c SET p_id = 8 WHERE id = 5")
		output, err := h.psql(text)
		if err == nil || !strings.Contains(output, "1 rows refer to no row of the parent") || !strings.Contains(output, "Keys: 77") {
			t.Errorf("%v: %s", err, output)
		}
		h.exec("DELETE FROM c WHERE id = 101")
		h.mustPsql(text)
		h.verifiedWith(config)
		if got := h.query("SELECT count(*) FROM c JOIN p ON p.id = c.p_id AND p.uuid = c.p_uuid"); got != "100" {
			t.Errorf("%s of 100 rows have the uuid of their parent", got)
		}
		if settings := h.query("SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE 'rekey%'"); settings != "0" {
			t.Error("a setting is left")
		}
	})
}

// A script does not touch a column of the application that got the name of an edge's after the script was made.
func TestLinkRefusesChangedSchema(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := createChildren(t, c)
		text := h.scriptFiles(linking("public", false), rekey.ScriptPsql)[0].Text
		for _, change := range [][3]string{
			{"ALTER TABLE c ADD p_uuid uuid", `"public"."c" now has a column p_uuid`, "ALTER TABLE c DROP p_uuid"},
			{"CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (100) TO (200)", "is now a partition or child of", "DROP TABLE parts_3"},
			{"ALTER TABLE p RENAME TO q", `table "public"."p" no longer exists`, "ALTER TABLE q RENAME TO p"},
		} {
			h.exec(change[0])
			before := h.fingerprint()
			output, err := h.psql(text)
			if err == nil || !strings.Contains(output, change[1]) {
				t.Errorf("%s: %v: %s", change[0], err, output)
			}
			if !slices.Equal(h.fingerprint(), before) {
				t.Errorf("%s: the script changed the database", change[0])
			}
			h.exec(change[2])
		}
	})
}
