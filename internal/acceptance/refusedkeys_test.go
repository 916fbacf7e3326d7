package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

const refusedKeysSQL = `CREATE SCHEMA app; CREATE SCHEMA other;
	CREATE TABLE app.users (id bigserial PRIMARY KEY, name text);
	CREATE TABLE app.posts (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES app.users);
	INSERT INTO app.users (name) SELECT 'user ' || n FROM generate_series(1, 9) n;
	INSERT INTO app.posts (user_id) SELECT n FROM generate_series(1, 9) n`

// refusedCase is an object that makes a run refuse, and the words of one of its problems.
type refusedCase struct {
	name, sql, undo string
	from            int // the first version that has such an object
	words           []string
	code, says      string
}

func refusedSwitches() []refusedCase {
	const grouped = "AS SELECT id, name, count(*) FROM app.users GROUP BY id"
	accepted := []string{"--to", "switched", "--accept", "group-by,on-conflict-constraint"}
	return []refusedCase{
		{name: "no hazard accepted", words: []string{"--to", "switched"}, code: "hazard_not_accepted", says: "group-by, on-conflict-constraint"},
		{name: "a hazard not accepted", words: []string{"--to", "switched", "--accept", "group-by"}, code: "hazard_not_accepted", says: "on-conflict-constraint"},
		{name: "a view that groups by the id", sql: "CREATE VIEW app.v " + grouped, undo: "DROP VIEW app.v", words: accepted, code: "key_dependent", says: "view app.v"},
		{name: "a materialized view", sql: "CREATE MATERIALIZED VIEW app.v " + grouped, undo: "DROP MATERIALIZED VIEW app.v", words: accepted, code: "key_dependent", says: "view app.v"},
		{
			name: "a function that groups by the id", from: 14, sql: "CREATE FUNCTION app.f() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM (SELECT id, name FROM app.users GROUP BY id) t; END",
			undo: "DROP FUNCTION app.f()", words: accepted, code: "key_dependent", says: "function app.f",
		},
		{
			name: "a rule", sql: "CREATE TABLE app.log (); CREATE RULE r AS ON INSERT TO app.log DO ALSO INSERT INTO app.users (id) VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING",
			undo: "DROP TABLE app.log", words: accepted, code: "key_dependent", says: "rule r",
		},
		{
			name: "a function that names the key", sql: "CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS 'BEGIN INSERT INTO app.users (id) VALUES (1) ON CONFLICT ON CONSTRAINT users_pkey DO NOTHING; END'",
			undo: "DROP FUNCTION app.f()", words: accepted, code: "key_named_by_function", says: "app.f",
		},
		{name: "an id without a default", sql: "CREATE TABLE app.codes (id int PRIMARY KEY)", undo: "DROP TABLE app.codes", words: accepted, code: "key_without_default", says: "app.codes"},
		{name: "a reference from another schema", sql: "CREATE TABLE other.c (user_id bigint REFERENCES app.users)", undo: "DROP TABLE other.c", words: accepted, code: "key_other_schema", says: "other.c"},
		{name: "contract before the switch", words: []string{"--to", "contracted", "--confirm", "app"}, code: "not_switched"},
	}
}

func refusedContracts() []refusedCase {
	to := func(words ...string) []string { return append([]string{"--to", "contracted"}, words...) }
	return []refusedCase{
		{name: "no confirmation", words: to("--soak", "0s", "--accept", "integer-reads"), code: "not_confirmed"},
		{name: "another schema confirmed", words: to("--soak", "0s", "--accept", "integer-reads", "--confirm", "other"), code: "not_confirmed"},
		{name: "before the soak", words: to("--accept", "integer-reads", "--confirm", "app"), code: "soak_not_over"},
		{
			name: "a view of the integer", sql: "CREATE VIEW app.v AS SELECT user_id FROM app.posts", undo: "DROP VIEW app.v",
			words: to("--soak", "0s", "--accept", "integer-reads", "--confirm", "app"), code: "contract_dependent", says: "app.v",
		},
	}
}

// Each object that prevents switch or contract is refused by name, with exit code 4, a detail and a hint, and nothing has changed. A
// query of the application that groups by the integer is in no catalogue: it is a hazard, and it fails while the table is switched.
func TestRefusalsOfKeys(t *testing.T) {
	on(t, func(t *testing.T, c *server.Cluster) {
		db := servertest.Database(t, c)
		conn, err := pgx.Connect(t.Context(), db.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		execute := func(sql string) {
			t.Helper()
			if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
				t.Fatalf("%v in %s", err, sql)
			}
		}
		rekey := func(words ...string) {
			t.Helper()
			if r := command(db.URL, words...); r.cmd.Run() != nil {
				t.Fatal(&r.output)
			}
		}
		grouped := func() string {
			_, err := conn.Exec(t.Context(), "SELECT id, name, count(*) FROM app.users GROUP BY id") // pgx prepares it once
			if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
				return refusal.Code
			}
			return fmt.Sprint(err)
		}
		execute(refusedKeysSQL)
		rekey(upWords()...)
		before := grouped()
		tested := refuseAll(t, c, db.URL, execute, conn, refusedSwitches())
		rekey("up", "--schema", "app", "--to", "switched", "--accept", "group-by,on-conflict-constraint")
		during := grouped()
		tested += refuseAll(t, c, db.URL, execute, conn, refusedContracts())
		rekey("down", "--schema", "app", "--to", "linked")
		if after := grouped(); before != "<nil>" || during != "42803" || after != "<nil>" {
			t.Errorf("GROUP BY id gives %s, then %s, then %s", before, during, after)
		}
		t.Logf("acceptance 11, 13: PostgreSQL %d: %d refusals of switch and contract, each with exit code %d, and nothing changed; a prepared GROUP BY of the id gave %s while switched", c.Major, tested, exitRefused, during)
	})
}

func refuseAll(t *testing.T, c *server.Cluster, url string, execute func(string), conn *pgx.Conn, cases []refusedCase) (tested int) {
	t.Helper()
	fingerprint := func() []string {
		lines, err := steptest.Fingerprint(t.Context(), conn, "app", "")
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	for _, one := range cases {
		if c.Major < one.from {
			continue
		}
		tested++
		execute(one.sql)
		before := fingerprint()
		last := refused(t, url, append([]string{"up", "--schema", "app", "--json"}, one.words...))
		if !slices.ContainsFunc(last.Problems, func(p struct{ Code, Message, Detail, Hint, Table string }) bool {
			return p.Code == one.code && strings.Contains(p.Message+" "+p.Detail+" "+p.Hint+" "+p.Table, one.says)
		}) {
			t.Errorf("%s: %+v, want %s with %q", one.name, last.Problems, one.code, one.says)
		}
		if diff := cmp.Diff(before, fingerprint()); diff != "" {
			t.Errorf("%s: a refused run changed something (-before +after)\n%s", one.name, diff)
		}
		execute(one.undo)
	}
	return tested
}
