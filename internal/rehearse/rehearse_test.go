package rehearse

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

const someDump = `--
-- PostgreSQL database dump
--

\restrict abc
SET statement_timeout = 0;

--
-- Name: app; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA app;

SET default_tablespace = '';

--
-- Name: uuid_generate_v7(); Type: FUNCTION; Schema: app; Owner: -
--

CREATE FUNCTION app.uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT 1; SELECT 2';


--
-- Name: t; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.t (id bigint);

\unrestrict abc
`

func TestEntries(t *testing.T) {
	var got []string
	for _, e := range entries(someDump) {
		got = append(got, e.kind+" "+e.name+": "+strings.Join(strings.Fields(e.sql), " "))
	}
	want := []string{
		" : -- -- PostgreSQL database dump -- SET statement_timeout = 0;",
		"SCHEMA app: CREATE SCHEMA app; SET default_tablespace = '';",
		"FUNCTION uuid_generate_v7(): CREATE FUNCTION app.uuid_generate_v7() RETURNS uuid LANGUAGE sql AS 'SELECT 1; SELECT 2';",
		"TABLE t: CREATE TABLE app.t (id bigint);",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDifferences(t *testing.T) {
	head, tail, _ := strings.Cut(someDump, "--\n-- Name: t;")
	withoutFunction, _, _ := strings.Cut(head, "--\n-- Name: uuid_generate_v7")
	without := withoutFunction + "--\n-- Name: t;" + tail
	for name, c := range map[string]struct {
		before, after string
		want          []string
	}{
		"the same":            {someDump, someDump, nil},
		"the function stays":  {without, someDump, nil},
		"settings move":       {someDump, strings.ReplaceAll(someDump, "SET default_tablespace = '';", ""), nil},
		"a column remains":    {someDump, strings.ReplaceAll(someDump, "(id bigint)", "(id bigint, uuid uuid)"), []string{"table t differs"}},
		"a table is missing":  {someDump, head, []string{"table t is missing"}},
		"an index is left":    {someDump, someDump + "--\n-- Name: i; Type: INDEX; Schema: app; Owner: -\n--\n\nCREATE INDEX i ON app.t (id);\n", []string{"index i remains"}},
		"of another function": {without, strings.ReplaceAll(someDump, "uuid_generate_v7", "other"), []string{"function other() remains"}},
	} {
		if diff := cmp.Diff(c.want, differences(c.before, c.after)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A password is in the environment of pg_dump only, and the settings of the shell do not reach it.
func TestEnvironment(t *testing.T) {
	at, err := pgx.ParseConfig("postgres://u:hunter2@127.0.0.1:5433/db?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGHOST", "elsewhere")
	t.Setenv("PGSERVICE", "prod")
	t.Setenv("PGOPTIONS", "-c x=y")
	env := environment(at)
	for _, want := range []string{"PGHOST=127.0.0.1", "PGPORT=5433", "PGUSER=u", "PGPASSWORD=hunter2", "PGDATABASE=db", "PGSSLMODE=disable"} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, entry := range env {
		if strings.HasPrefix(entry, "PGSERVICE=") || entry == "PGHOST=elsewhere" || strings.HasPrefix(entry, "PGOPTIONS=") {
			t.Errorf("%s", entry)
		}
	}
}

func TestStringSetting(t *testing.T) {
	for text, want := range map[string]string{
		"postgres://h/d?sslmode=require": "require", "host=h sslmode=verify-full user=u": "verify-full", "host=h sslmode='require'": "require",
		"host=h user=xsslmode=no": "", "postgres://h/d": "",
	} {
		if got := stringSetting(text, "sslmode"); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestQueries(t *testing.T) {
	one := table{Schema: "app", Name: `o"x`, Rows: 10, Columns: []string{"id", "net"}, Key: "id", Plain: []string{"net"}}
	many := table{Schema: "app", Name: "p", Root: true, Rows: 1e6, Columns: []string{"id"}, Key: "id"}
	for want, got := range map[string]string{
		`SELECT "id", "net" FROM ONLY "app"."o""x" TABLESAMPLE BERNOULLI (5) REPEATABLE (1)`: sampleOf(one, 0.05),
		`SELECT "id", "net" FROM ONLY "app"."o""x"`:                                          sampleOf(one, 1),
		`SELECT "id" FROM "app"."p" TABLESAMPLE SYSTEM (1) REPEATABLE (1)`:                   sampleOf(many, 0.01),
		`SELECT "id" FROM "app"."p" WHERE ("a", "b") IN (SELECT * FROM unnest(ARRAY['1', '2']::bigint[], ARRAY['x''', 'y']::text[]))`: byKeys(
			many, reference{ParentNames: []string{"a", "b"}, Types: []string{"bigint", "text"}}, [][]string{{"1", "x'"}, {"2", "y"}}),
	} {
		if got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	if got := trafficSQL(one, "t", `"id"`); len(got) != 4 || got[3] != `INSERT INTO t ("net") SELECT "net" FROM t WHERE "id" = $1` {
		t.Errorf("%q", got)
	}
	if got := trafficSQL(many, "t", `"id"`); len(got) != 2 {
		t.Errorf("a table with nothing but its key is written: %q", got)
	}
	if got := pattern(`A"b*`); got != `"A""b*"` {
		t.Errorf("%s", got)
	}
}
