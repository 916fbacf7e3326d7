package rekey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

const linkedSchema = `CREATE SCHEMA app; SET search_path = app;
	CREATE TABLE users (id bigserial PRIMARY KEY);
	CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, number int, UNIQUE (number, user_id));
	CREATE INDEX ON orders (user_id);
	CREATE TABLE comments (id bigserial PRIMARY KEY, parent_id bigint REFERENCES comments, author_id bigint NOT NULL REFERENCES users);
	CREATE TABLE audit (id bigserial PRIMARY KEY, user_id bigint);
	INSERT INTO users SELECT FROM generate_series(1, 100);
	INSERT INTO orders (user_id, number) SELECT 1 + n % 100, n FROM generate_series(1, 500) n;
	INSERT INTO comments (parent_id, author_id) VALUES (1, 1), (1, 2);
	INSERT INTO audit (user_id) SELECT n FROM generate_series(1, 102) n;`

// TestPhases goes from integers to linked and back, and reads the phase after each call.
func TestPhases(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, linkedSchema)
		schema := rekey.Schema{Name: "app"}
		migrator := func(to rekey.Phase) *rekey.Migrator {
			m, err := rekey.New(pool, schema, &rekey.Options{To: to})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		phases := func(want string) {
			t.Helper()
			status, err := migrator("").Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := string(status.Phase) + ":"
			for _, table := range status.Tables {
				got += " " + table.Table + " " + string(table.Phase)
			}
			for _, e := range status.Edges {
				got += ", " + e.Name() + " " + string(e.Progress)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		phases("integers: audit integers comments integers orders integers users integers")
		for _, wrong := range []func() (event.Result, error){
			func() (event.Result, error) { return migrator(rekey.Integers).Up(t.Context()) },
			func() (event.Result, error) { return migrator(rekey.Switched).Down(t.Context()) },
		} {
			if _, err := wrong(); !errors.Is(err, problem.ErrUsage) {
				t.Errorf("not a usage error: %v", err)
			}
		}
		if files, err := migrator(rekey.Linked).Script(t.Context(), rekey.ScriptOptions{}); err != nil || len(files) != 1 {
			t.Errorf("%d files of a script to phase linked: %v", len(files), err)
		}
		if result, err := migrator(rekey.Linked).Up(t.Context()); err != nil || result.Tables != 4 || result.Edges != 3 {
			t.Fatalf("%+v %v", result, err)
		}
		phases("linked: audit expanded comments linked orders linked users expanded, comments.author_id linked, comments.parent_id linked, orders.user_id linked")
		plan, err := migrator(rekey.Expanded).Plan(t.Context(), rekey.Up)
		if err != nil || !plan.NothingToDo || !strings.Contains(strings.Join(plan.Notes, "\n"), "rekey plan --down --to expanded") {
			t.Errorf("a plan to an earlier phase: %+v %v", plan.Notes, err)
		}
		if _, err := migrator("").Down(t.Context()); !errors.Is(err, problem.ErrRefused) || len(problem.All(err)) != 1 || problem.All(err)[0].Code != "edges_remain" {
			t.Errorf("down to integers: %v", err)
		}
		if result, err := migrator(rekey.Expanded).Down(t.Context()); err != nil || result.Tables != 0 || result.Edges != 3 {
			t.Errorf("%+v %v", result, err)
		}
		phases("expanded: audit expanded comments expanded orders expanded users expanded")
		if _, err := migrator(rekey.Integers).Down(t.Context()); err != nil {
			t.Error(err)
		}
		phases("integers: audit integers comments integers orders integers users integers")
	})
}

// TestOrphans links a reference that has orphans, and verifies it after an application went around the triggers.
func TestOrphans(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, linkedSchema)
		m, err := rekey.New(pool, rekey.Schema{Name: "app", References: []rekey.Reference{{Table: "audit", Column: "user_id", Parent: "users"}}}, &rekey.Options{To: rekey.Linked})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := m.Plan(t.Context(), rekey.Up)
		if err != nil || len(plan.Edges) != 4 || len(plan.Candidates) != 0 || plan.To != rekey.Linked {
			t.Fatalf("%+v %v", plan.Edges, err)
		}
		if _, err := m.Up(t.Context()); problem.All(err)[0].Code != "orphans" {
			t.Errorf("%v", err)
		}
		servertest.Execute(t, pool, `ALTER TABLE app.orders DISABLE TRIGGER "~rekey_user_id_u", DROP CONSTRAINT orders_user_uuid_fkey;
			UPDATE app.orders SET user_uuid = (SELECT uuid FROM app.users WHERE id = 7) WHERE id IN (1, 2);
			ALTER TABLE app.orders ALTER user_uuid DROP NOT NULL; UPDATE app.orders SET user_uuid = NULL WHERE id = 3`)
		report, err := m.Verify(t.Context())
		if !errors.Is(err, problem.ErrDiffers) {
			t.Fatal(err)
		}
		for _, e := range report.Edges {
			e.Missing = nil
			want := rekey.EdgeReport{Table: e.Table, Column: e.Column, Parent: e.Parent, UUIDColumn: e.UUIDColumn, Progress: rekey.EdgeLinked, OK: true, Rows: 2}
			switch e.Table {
			case "audit":
				want.Progress, want.OK, want.Rows, want.Orphans, want.OrphanKeys = rekey.EdgeFilled, false, 102, 2, []string{"101", "102"}
			case "orders":
				want.Progress, want.OK, want.Rows, want.Mismatches, want.OneSided = rekey.EdgeNone, false, 500, 2, 1
			}
			if diff := cmp.Diff(want, e); diff != "" {
				t.Error(diff)
			}
		}
		if len(report.Edges) != 4 {
			t.Errorf("%+v", report.Edges)
		}
	})
}

// TestUnsupportedReferences lists references that no foreign key can mirror, from names and samples, and refuses one by name.
func TestUnsupportedReferences(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		pool := servertest.Pool(t, servertest.Database(t, c).URL)
		servertest.Execute(t, pool, linkedSchema+`
			CREATE TABLE notes (id bigserial PRIMARY KEY, subject_type varchar(99), subject_id bigint, user_type text, user_id bigint,
				user_ids int[], order_ids text[], comment_ids text[], payload jsonb, settings jsonb, order_id bigint);
			INSERT INTO notes (subject_type, subject_id, user_type, user_id, user_ids, order_ids, comment_ids, payload, settings, order_id)
			SELECT CASE WHEN n % 2 = 0 THEN 'App\Models\Order' ELSE 'Comment' END, n, 'gold', n, ARRAY[n, n + 1, NULL], ARRAY[n::text, (n + 1)::text],
				ARRAY['red', n::text], jsonb_build_object('userId', n, 'name', 'x'), '[{"user_id": 1}]', n FROM generate_series(1, 50) n;
			INSERT INTO notes (subject_type, payload) VALUES ('', '7'), (NULL, '{"user_id": "abc", "order_id": null, "comment_ids": ["x"]}');`)
		references := []rekey.Reference{{Table: "notes", Column: "subject_id", Parent: "orders"}, {Table: "notes", Column: "user_ids", Parent: "users"}}
		m, err := rekey.New(pool, rekey.Schema{Name: "app", References: references}, &rekey.Options{To: rekey.Linked})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := m.Plan(t.Context(), rekey.Up)
		if err != nil {
			t.Fatal(err)
		}
		var got, refused []string
		for _, u := range plan.Unsupported {
			got = append(got, string(u.Kind)+" "+u.Column+" "+u.Parent+": "+u.Why[max(strings.LastIndex(u.Why, ";"), 0):])
		}
		for _, one := range plan.Candidates {
			got = append(got, "candidate "+one.Table+"."+one.Column)
		}
		for _, one := range plan.Refusals {
			refused = append(refused, one.Code+" "+one.Detail)
		}
		want := []string{
			"polymorphic subject_id : ; values: rows of subject_type name orders, comments",
			"array user_ids users: ; values: 51 of 51 distinct values of a sample are keys there",
			"array order_ids orders: ; values: 51 of 51 distinct values of a sample are keys there",
			"json payload : keys of a sample with numbers as values: userId (users)",
			"candidate notes.user_id", "candidate notes.order_id",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		want = []string{
			"bad_reference It is polymorphic: subject_type says to which table an id in subject_id belongs, and a foreign key refers to one table.",
			"bad_reference Column user_ids is an array of ids, and no foreign key can refer from an array.",
		}
		if diff := cmp.Diff(want, refused); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
