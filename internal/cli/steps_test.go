package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

func explainable() rekey.Plan {
	return rekey.Plan{
		Command: rekey.Up, Schema: "app", To: rekey.Switched,
		Groups: []rekey.Group{
			{Steps: []rekey.Step{{What: "create the function"}}},
			{Table: "users", State: rekey.Pending, Steps: []rekey.Step{{What: "add column uuid to users"}}},
			{Table: "orders", State: rekey.Pending, Steps: []rekey.Step{{What: "add column uuid to orders"}}},
			{Table: "orders", Edge: "orders.user_id", State: rekey.Pending, Steps: []rekey.Step{{What: "wire orders.user_id"}}},
			{Table: "orders", Key: "orders", State: rekey.Pending, Steps: []rekey.Step{{What: "swap the key of orders"}}},
		},
		Keys:      []rekey.Key{{Table: "orders", Columns: []string{"id"}}},
		Relations: []rekey.Relation{{Table: "open_orders", Kind: "view", State: rekey.Skipped, Why: "a view"}},
		Refusals:  problem.List{{Kind: problem.Refused, Code: "x", Table: "app.orders", Message: "orders is odd"}, {Kind: problem.Refused, Code: "y", Table: "app.users", Message: "users is odd"}},
	}
}

func TestExplainFindsParts(t *testing.T) {
	for _, c := range []struct {
		name string
		want string // of the steps
		code int
		says string // on standard error
	}{
		{"orders", "add column uuid to orders, wire orders.user_id, swap the key of orders", 0, ""},
		{"app.orders", "add column uuid to orders, wire orders.user_id, swap the key of orders", 0, ""},
		{"app.orders.user_id", "wire orders.user_id", 0, ""},
		{"orders.id", "swap the key of orders", 0, ""},
		{"app", "create the function", 0, ""},
		{"ordres", "", 2, "Did you mean: rekey explain orders --schema app"},
		{"orders.usr_id", "", 2, "Did you mean: rekey explain orders.user_id --schema app"},
		{"orders.total", "", 2, "Add: --to linked"},
		{"nothing_of_the_kind", "", 2, "See the tables: rekey plan --schema app"},
	} {
		got := try(t, planOf(explainable()), nil, "explain", c.name, "--schema", "app", "--json")
		var doc struct {
			Groups []rekey.Group
			Limits struct {
				LockTimeout int64 `json:"lock_timeout_ns"`
				BatchTime   int64 `json:"batch_time_ns"`
			}
			Problems problem.List
		}
		if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil {
			t.Fatalf("%v in %q", err, got.stdout)
		}
		var steps []string
		for _, g := range doc.Groups {
			for _, s := range g.Steps {
				steps = append(steps, s.What)
			}
		}
		if got.code != c.code || strings.Join(steps, ", ") != c.want || c.says != "" && !strings.Contains(got.stdout, c.says) {
			t.Errorf("%s: exit %d, %q, %s", c.name, got.code, steps, got.stdout)
		}
		if c.code == 0 && (doc.Limits.LockTimeout != 50e6 || doc.Limits.BatchTime != 50e6) {
			t.Errorf("%s: limits %v", c.name, doc.Limits)
		}
	}
}

func TestExplainText(t *testing.T) {
	got := try(t, planOf(explainable()), nil, "explain", "orders", "--schema", "app")
	if got.code != 0 || !strings.Contains(got.stdout, "1. wire orders.user_id: pending.") || !strings.Contains(got.stdout, "orders is odd") || strings.Contains(got.stdout, "users is odd") {
		t.Errorf("exit %d: %s%s", got.code, got.stdout, got.stderr)
	}
	if got := try(t, planOf(explainable()), nil, "explain", "open_orders", "--schema", "app"); got.stdout != "open_orders: view, skipped: a view.\n" {
		t.Errorf("%q", got.stdout)
	}
	for _, words := range [][]string{{"explain", "--schema", "app"}, {"explain", "a", "b", "--schema", "app"}, {"explain", "postgres://u:hunter2@h/d", "--schema", "app"}, {"explain", "a", "--schema", "t_*"}} {
		if got := try(t, planOf(explainable()), nil, words...); got.code != 2 || strings.Contains(got.stderr, "hunter2") {
			t.Errorf("%q: exit %d, %s", words, got.code, got.stderr)
		}
	}
}
