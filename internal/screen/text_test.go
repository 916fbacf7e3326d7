package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/order"
	"github.com/rekey-pg/rekey/problem"
)

func someProblems() problem.List {
	return problem.List{
		message.TextColumn("public.phoenix_kit_orders", `"public"."phoenix_kit_orders"`, "uuid", "character varying", nil),
		message.NoUsage("auth\x1b]0;x", "app"),
	}
}

func somePlan() rekey.Plan {
	return rekey.Plan{
		Command: rekey.Up, Profile: "phoenixkit", Schema: "public", Version: 39, ToVersion: 40,
		Server: "15.18", Database: "app", Role: "app", Rows: 20_000, Absent: []string{"phoenix_kit_ai_prompts", "phoenix_kit_ai_requests"},
		Notes: []string{"Any ADD COLUMN breaks: COPY and INSERT .. SELECT * without a column list; a prepared SELECT * (0A000, once)."},
		Groups: []rekey.Group{
			{Steps: []rekey.Step{{
				ID: "public/function", SQL: []string{"CREATE FUNCTION public.uuid_generate_v7() RETURNS uuid\n  LANGUAGE sql AS $$ … $$;"},
				What: "make the function", Why: "the default calls it", Lock: "none on a table", Scans: "nothing", UndoneBy: "never",
			}}},
			{Table: "phoenix_kit_users", State: rekey.Pending, Missing: []string{"column", "default"}, Rows: 20_000, Bytes: 4 << 20, Order: &rekey.Order{
				Key:    []string{"id"},
				Source: rekey.FromCreation, Column: "inserted_at", Type: string(order.Timestamp), Resolution: time.Second, Zone: "UTC", Why: "the profile's",
				TimeCounts: &rekey.TimeCounts{Rows: 20_000, WithoutTime: 2, InTheFuture: 1},
			}, Steps: []rekey.Step{{
				ID: "public.phoenix_kit_users/add-column", SQL: []string{`ALTER TABLE "public"."phoenix_kit_users" ADD COLUMN "uuid" pg_catalog.uuid`, "COMMENT ON …"},
				What: "add column uuid with its default", Undo: "drop the column", Why: "column and default come in one statement that rewrites nothing: no insert leaves NULL behind", Lock: "ACCESS EXCLUSIVE, an instant", Scans: "nothing", UndoneBy: "by itself",
			}, {ID: "public.phoenix_kit_users/done", Done: true, What: "not to be printed"}}},
			{Table: "phoenix_kit_users_tokens", State: rekey.Incomplete, Missing: []string{"NOT NULL", "index"}, Rows: 900, Bytes: 90_000, Kept: 3, Steps: []rekey.Step{}},
		},
	}
}

func someNext() Next {
	return Next{Run: "rekey up --profile phoenixkit", SQL: "rekey plan --profile phoenixkit --sql"}
}

func TestStatements(t *testing.T) {
	golden(t, "statements.txt", Statements(somePlan(), nil, 80))
	one := Statements(somePlan(), []string{"phoenix_kit_users"}, 80)
	if !strings.Contains(one, `ALTER TABLE "public"."phoenix_kit_users"`) || strings.Contains(one, "CREATE FUNCTION") {
		t.Errorf("of one table: %s", one)
	}
	if batch := Statements(explainedPlan(), nil, 200); strings.Count(batch, "\n-- WAL: "+flushing+"\nBEGIN;\n") != 1 {
		t.Errorf("of a batch: %s", batch)
	}
}

func TestPlan(t *testing.T) {
	golden(t, "plan.txt", Plan(somePlan(), someNext(), 80))
	refused := somePlan()
	refused.Refusals = someProblems()
	golden(t, "plan-refused.txt", Plan(refused, someNext(), 80))
	run := somePlan()
	run.Groups = nil
	run.Code = []rekey.Code{
		{Runs: "function public.audit()", Owner: "dba", Use: rekey.CodeEventTrigger, Callers: []string{"event trigger audit"}, As: "postgres", Why: "dba has the rights of postgres"},
		{Runs: "function app.f(text)", Owner: "app_owner", Use: rekey.CodeCalled, As: "postgres", Why: "--trust-owner app_owner", Callers: []string{
			"constraint present on table app.t", "index t_f_idx", "constraint present on table app.u", "constraint present on table app.v\nx",
		}},
		{Runs: "function app.uuid_generate_v7()", Owner: "app_owner", Use: rekey.CodeProof, As: "postgres", Why: "--trust-owner app_owner"},
		{Runs: "function app.uuid_generate_v7()", Owner: "app_owner", Use: rekey.CodeDefault},
	}
	golden(t, "plan-code.txt", Plan(run, someNext(), 80))
	nothing := somePlan()
	nothing.NothingToDo, nothing.Groups = true, nil
	golden(t, "plan-nothing.txt", Plan(nothing, someNext(), 80))
	down := somePlan()
	down.Command, down.Version, down.ToVersion, down.Rows = rekey.Down, 40, 39, 0
	down.Groups = append(down.Groups, rekey.Group{Table: "phoenix_kit", Steps: []rekey.Step{{
		ID: "public/record-version", SQL: []string{"COMMENT ON TABLE phoenix_kit IS '39'"},
		What: "record version 40", Undo: "record version 39", Why: "not to be printed", Lock: "SHARE UPDATE EXCLUSIVE",
	}}})
	golden(t, "plan-down.txt", Plan(down, someNext(), 80))
}

func TestStatus(t *testing.T) {
	golden(t, "status.txt", Status(rekey.Status{
		Profile: "phoenixkit", Schema: "public", Version: 39, Tables: []rekey.TableStatus{
			{Table: "phoenix_kit_users", State: rekey.Complete, Rows: 20_000, Found: true, Random: true},
			{Table: "phoenix_kit_users_tokens", State: rekey.Incomplete, Missing: []string{"NOT NULL", "index"}, Rows: 900},
			{Table: "phoenix_kit_user_roles", State: rekey.Pending, Missing: []string{"column"}},
			{Table: "phoenix_kit_ai_prompts", State: rekey.Absent},
		}, Refusals: someProblems(),
	}, 80))
}

func TestReport(t *testing.T) {
	report := rekey.Report{
		Profile: "phoenixkit", Schema: "public", Version: 40, OK: true,
		Function: rekey.FunctionReport{Name: "public.uuid_generate_v7()", Exists: true, MakesV7: true},
		Tables: []rekey.TableReport{
			{Table: "phoenix_kit_users", OK: true, Rows: 20_000, Kept: 2, Order: &rekey.OrderReport{Source: "column", Column: "inserted_at", Judged: 19_990, New: 8, TimesDiffer: 1}},
			{Table: "phoenix_kit_user_role_assignments", OK: true, Rows: 1_234_567, Order: &rekey.OrderReport{Source: "now", NotJudged: "its rows were filled by the clock"}},
			{Table: "phoenix_kit_users_tokens", OK: true, Random: true},
		},
		Absent: []string{"phoenix_kit_ai_prompts"},
	}
	golden(t, "report.txt", Report(report, 80))
	report.OK, report.Tables[0].Nulls, report.Tables[0].Missing = false, 17, []string{"index"}
	report.Function.Unprivileged = []string{"web"}
	report.Differences = []string{"phoenix_kit_users: 17 rows without a uuid", "phoenix_kit_users: no valid unique index phoenix_kit_users_uuid_idx on the column uuid"}
	golden(t, "report-differs.txt", Report(report, 80))
}

func TestSummary(t *testing.T) {
	done := event.Result{
		OK: true, Command: "up", Schema: "public", Version: 40, Tables: 31, Absent: []string{"phoenix_kit_ai_prompts", "phoenix_kit_ai_requests"},
		Rows: 220_431, Elapsed: 42 * time.Second, Locks: event.Locks{Count: 124, LongestWait: 31 * time.Millisecond, LongestHold: 4 * time.Millisecond},
	}
	again := event.Result{OK: true, NothingToDo: true, Command: "up", Schema: "public", Version: 40}
	broken := done
	broken.OK, broken.Tables = false, 12
	next := "rekey verify --profile phoenixkit --prefix public"
	golden(t, "summary.txt", strings.Join([]string{Summary(done, "", next, 80), Summary(again, "", next, 80), Summary(broken, "", next, 80)}, "--\n"))
	if text := Summary(event.Result{Command: "up"}, "", next, 80); text != "" {
		t.Errorf("a run that did nothing is summed up: %q", text)
	}
}

func TestPrintsSharedHintsOnce(t *testing.T) {
	const skip = " Or rename it. Or skip the refused tables: --skip-refused."
	list := problem.List{
		{Message: "column uuid of app.a is text", Hint: "Change its type." + skip},
		{Message: "table app.c has a rule", Hint: "Drop the rule." + skip},
		{Message: "column uuid of app.b is text", Detail: "Its values are not uuids.", Hint: "Change its type." + skip},
	}
	want := `ERROR:  column uuid of app.a is text
ERROR:  column uuid of app.b is text
DETAIL:  Its values are not uuids.
HINT:  Change its type.
ERROR:  table app.c has a rule
HINT:  Drop the rule.
HINT:  For all of these: rename it. Or skip the refused tables: --skip-refused.
`
	if diff := cmp.Diff(want, Problems(list, 80, false)); diff != "" {
		t.Error(diff)
	}
	if one := Problems(list[:1], 80, false); !strings.Contains(one, "HINT:  Change its type. Or rename it.") {
		t.Errorf("a single problem loses its hint: %s", one)
	}
}

func TestProblems(t *testing.T) {
	golden(t, "problems.txt", Problems(someProblems(), 80, false))
	narrow := Problems(someProblems(), 40, false)
	for line := range strings.Lines(narrow) {
		if columns(strings.TrimSpace(line)) > 40 && strings.Contains(strings.TrimSpace(line), "  ") {
			t.Errorf("too wide: %q", line)
		}
	}
	if bold := Problems(someProblems(), 80, true); !strings.HasPrefix(bold, "\x1b[1;31mERROR:\x1b[0m  column") {
		t.Errorf("not bold: %.30q", bold)
	}
	if strings.Contains(narrow, "\x1b") {
		t.Error("a name brings an escape sequence to the terminal")
	}
}
