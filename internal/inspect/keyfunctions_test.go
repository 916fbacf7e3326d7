package inspect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

const keyTables = `
CREATE SCHEMA app; CREATE SCHEMA "Other";
CREATE TABLE app.users (id bigint CONSTRAINT users_pkey PRIMARY KEY);
CREATE TABLE "Other".users (id bigint CONSTRAINT users_pkey PRIMARY KEY);
CREATE TABLE app."User List" (id bigint CONSTRAINT "List's key" PRIMARY KEY);
`

// keyFunction is the body of a function: what each says about the primary key of app.users, and of app."User List". "names" is ON CONFLICT ON
// CONSTRAINT with its name, "value" the same with a name put together at run time, "groups" is GROUP BY.
type keyFunction struct{ body, options, users, list string }

func keyFunctions() []keyFunction {
	return []keyFunction{
		{body: `INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`, users: "names"},
		{body: `INSERT INTO users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`, users: "names"},
		{body: `insert into "app" . "users" as u values (1) on conflict on constraint "users_pkey" do nothing`, users: "names"},
		{body: `INSERT INTO USERS VALUES (1) ON CONFLICT ON CONSTRAINT Users_PKey DO NOTHING`, users: "names"},
		{body: "INSERT INTO app.users VALUES (1) ON\n\tCONFLICT -- by key\nON /* the\n */ CONSTRAINT\nusers_pkey DO NOTHING", users: "names"},
		{body: `INSERT INTO "Other".users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`},
		{body: `INSERT INTO users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`, options: `SET search_path = "Other", app`},
		{body: `INSERT INTO users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`, options: `SET search_path = public, app, "Other"`, users: "names"},
		{body: `INSERT INTO users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`, options: `SET search_path = "$user", "Other"`, users: "names"},
		{body: `SET LOCAL search_path = app; INSERT INTO users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`, options: `SET search_path = "Other"`, users: "names"},
		{body: `INSERT INTO accounts VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`},
		{body: `INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT "Users_pkey" DO NOTHING`},
		{body: `INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey2 DO NOTHING`},
		{body: `-- never ON CONFLICT ON CONSTRAINT users_pkey
		INSERT INTO app.users VALUES (1) ON CONFLICT (id) DO NOTHING`},
		{body: `INSERT INTO app."User List" VALUES (1) ON CONFLICT ON CONSTRAINT "List's key" DO NOTHING`, list: "names"},
		{body: `WITH a AS (INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING RETURNING id) INSERT INTO accounts SELECT id FROM a ON CONFLICT ON CONSTRAINT accounts_pkey DO NOTHING`, users: "names"},
		{body: `WITH a AS (INSERT INTO app.users VALUES (1) RETURNING id) INSERT INTO accounts SELECT id FROM a ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING`},
		{body: `BEGIN EXECUTE 'INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING'; END`, users: "names"},
		{body: `BEGIN EXECUTE 'INSERT INTO app.users VALUES (1) ON CONFLICT '
		|| 'ON CONSTRAINT users_pkey DO NOTHING'; END`, users: "names"},
		{body: `BEGIN EXECUTE format('INSERT INTO %I.%I VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING', 'app', 'users'); END`, users: "names"},
		{body: `BEGIN EXECUTE format('INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT %I DO NOTHING', 'users_pkey'); END`, users: "names"},
		{body: `BEGIN EXECUTE 'INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT ' || quote_ident('users_pkey') || ' DO NOTHING'; END`, users: "names"},
		{body: `BEGIN EXECUTE 'INSERT INTO app."User List" VALUES (1) ON CONFLICT ON CONSTRAINT "List''s key" DO NOTHING'; END`, list: "names"},
		{body: `BEGIN EXECUTE E'INSERT INTO app."User List" VALUES (1) ON CONFLICT\nON CONSTRAINT "List\'s key" DO NOTHING'; END`, list: "names"},
		{body: `BEGIN EXECUTE format('INSERT INTO %s VALUES (1) ON CONFLICT ON CONSTRAINT %I DO NOTHING', t, t || '_pkey'); END`, users: "value", list: "value"},
		{body: `BEGIN EXECUTE 'INSERT INTO app.users VALUES (1) ON CONFLICT ON CONSTRAINT ' || key || ' DO NOTHING'; END`, users: "value"},
		{body: `BEGIN PERFORM id, count(*) FROM app.users GROUP BY id; END`, users: "groups"},
		{body: "BEGIN PERFORM id FROM users JOIN x USING (id) GROUP -- one row each\n/* always */ BY id; END", users: "groups"},
		{body: `BEGIN PERFORM id, count(*) FROM "Other".users GROUP BY id; END`},
		{body: `BEGIN PERFORM u.users FROM app.accounts u GROUP BY id; END`},
		{body: `BEGIN -- as users GROUP BY
		PERFORM id FROM app.users; END`},
		{body: `BEGIN RETURN QUERY EXECUTE 'SELECT id FROM app."User List" GROUP' || ' BY id'; END`, list: "groups"},
		{body: `BEGIN PERFORM 1 FROM app."user list" GROUP BY id; END`},
		{body: `cannot be 'split`},
		{body: `cannot be 'split, INSERT INTO app.users ON CONFLICT ON CONSTRAINT users_pkey`, users: "names"},
		{body: `const q = "insert into app.users values (1) " + "on conflict\non constraint users_pkey do nothing" // it's here`, users: "names"},
		{body: `q = """INSERT INTO app.\"User List\" VALUES (1) -- a comment
		ON CONFLICT /* by key */ ON CONSTRAINT \"List's key\" DO NOTHING""" # it's`, list: "names"},
		{body: `q = 'INSERT INTO "Other".users VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING' # it's`},
	}
}

func TestKeyFunctions(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		db := servertest.Database(t, c)
		pool := servertest.Pool(t, db.URL)
		servertest.Execute(t, pool, keyTables)
		var got, want []string
		for i, f := range keyFunctions() {
			language := "sql"
			if strings.HasPrefix(f.body, "BEGIN") {
				language = "plpgsql"
			}
			servertest.Execute(t, pool, sqltext.Format("SET check_function_bodies = off; CREATE FUNCTION {}() RETURNS void LANGUAGE ", sqltext.Name(fmt.Sprintf("f%02d", i)))+
				language+" "+f.options+" AS "+sqltext.Dollar(f.body))
			for table, finds := range map[string]string{"User List": f.list, "users": f.users} {
				if finds != "" {
					want = append(want, fmt.Sprintf("%s %s: %s", table, finds, f.body))
				}
			}
		}
		keys := []inspect.KeyName{
			{Table: sqltext.Table{Schema: "app", Name: "users"}, Constraint: "users_pkey"},
			{Table: sqltext.Table{Schema: "app", Name: "User List"}, Constraint: "List's key"},
		}
		if err := pg.Read(t.Context(), pool, func(tx pg.Tx) error {
			found, err := inspect.KeyFunctions(t.Context(), tx, keys)
			for _, f := range found {
				var at int
				if _, err := fmt.Sscanf(f.Function, "function public.f%d()", &at); err != nil {
					return err
				}
				for finds, is := range map[string]bool{"names": f.Names, "value": f.ByValue, "groups": f.Groups} {
					if is {
						got = append(got, fmt.Sprintf("%s %s: %s", f.Key.Table.Name, finds, keyFunctions()[at].body))
					}
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// The functions that name a column that ends, with its table or as a column of their trigger's row.
func TestColumnFunctions(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, `CREATE SCHEMA app; CREATE SCHEMA other; CREATE TABLE app.posts (id bigint, user_id bigint); CREATE TABLE other.posts (user_id bigint);
			CREATE FUNCTION named() RETURNS bigint LANGUAGE sql AS 'SELECT count(p.user_id) FROM app.posts p';
			CREATE FUNCTION elsewhere() RETURNS bigint LANGUAGE sql AS 'SELECT count(user_id) FROM other.posts';
			CREATE FUNCTION another_column() RETURNS bigint LANGUAGE sql AS 'SELECT count(id) FROM app.posts -- not user_id';
			CREATE FUNCTION executed() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'DELETE FROM app.posts WHERE user_id = 1'; END$$;
			CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF TG_OP = ''INSERT'' AND new."user_id" > 0 THEN RETURN NEW; END IF; RETURN NEW; END';
			CREATE FUNCTION fired_elsewhere() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.user_id = 1; RETURN NEW; END';
			CREATE FUNCTION fired_blind() RETURNS trigger LANGUAGE plpgsql AS 'DECLARE user_id int; BEGIN user_id = NEW.id; RETURN NEW; END';
			CREATE FUNCTION ours() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.user_id = 1; RETURN NEW; END';
			CREATE TRIGGER a BEFORE INSERT ON app.posts FOR EACH ROW EXECUTE FUNCTION fired(); CREATE TRIGGER b BEFORE INSERT ON other.posts FOR EACH ROW EXECUTE FUNCTION fired_elsewhere();
			CREATE TRIGGER c BEFORE INSERT ON app.posts FOR EACH ROW EXECUTE FUNCTION fired_blind(); CREATE TRIGGER "~rekey_user_id_i" BEFORE INSERT ON app.posts FOR EACH ROW EXECUTE FUNCTION ours()`)
		var oid uint32
		if err := pool.QueryRow(t.Context(), "SELECT 'app.posts'::regclass::oid").Scan(&oid); err != nil {
			t.Fatal(err)
		}
		column := inspect.TableColumn{Table: sqltext.Table{Schema: "app", Name: "posts"}, OID: oid, Column: "user_id"}
		var found map[inspect.TableColumn][]string
		if err := pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
			found, err = inspect.ColumnFunctions(t.Context(), tx, []inspect.TableColumn{column})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		want := []string{"function public.executed()", "function public.fired()", "function public.named()"}
		if diff := cmp.Diff(map[inspect.TableColumn][]string{column: want}, found); diff != "" {
			t.Error(diff)
		}
	})
}
