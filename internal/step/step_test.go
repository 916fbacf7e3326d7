package step_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func all(target step.Target) []step.Step {
	return []step.Step{
		step.EnsureFunction{Schema: "app"},
		step.GrantExecute{Schema: "app"},
		step.AddColumn{Target: target},
		step.FillColumn{Target: target},
		step.BuildIndex{Target: target},
		step.RequireValue{Target: target},
		step.Settle{Target: target},
		step.RecordVersion{Schema: "app", Table: "kit", From: 39, To: 40},
	}
}

func TestIDs(t *testing.T) {
	ids := make([]string, 0, 8)
	for _, s := range all(orders()) {
		ids = append(ids, string(s.ID()))
	}
	const want = "app/ensure-function app/grant-execute app.orders/add-column app.orders/fill-column app.orders/build-index " +
		"app.orders/require-value app.orders/settle app/record-version"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Every step explains itself, for a table as for a tree, with or without an index of the root.
func TestExplain(t *testing.T) {
	withKeys, _ := tree().ForTree(partitioned())
	for name, target := range map[string]step.Target{"table": orders(), "inheritance": tree(), "partitioned": withKeys, "random": orders().WithRandomValues()} {
		for _, s := range all(target) {
			e := s.Explain()
			for _, text := range []string{e.What, e.Undo, e.Why, e.Lock, e.Scans, string(e.UndoneBy)} {
				if text == "" || strings.HasSuffix(text, ".") {
					t.Errorf("%s, %s: %+v", name, s.ID(), e)
				}
			}
			if undoes := e.UndoneBy == step.ByItself; undoes == strings.HasPrefix(e.Undo, "nothing") {
				t.Errorf("%s, %s: undone %s, but %s", name, s.ID(), e.UndoneBy, e.Undo)
			}
		}
	}
	if e := (step.BuildIndex{Target: withKeys}).Explain(); !strings.Contains(e.What, `("uuid", "id", "region")`) {
		t.Error(e.What)
	}
}

func TestSelfChecking(t *testing.T) {
	for name, c := range map[string]struct {
		action step.Action
		want   bool
	}{
		"guarded change": {step.Change{Guard: "SELECT"}, true},
		"change":         {step.Change{}, false},
		"validate":       {step.Validate{}, true},
		"concurrently":   {step.Concurrently{}, false},
		"fill":           {step.Fill{}, false},
	} {
		if got := c.action.SelfChecking(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestMergeChanges(t *testing.T) {
	change := func(table, sql string, options ...func(*step.Change)) step.Action {
		c := step.Change{Locks: []lock.Lock{lock.On(sqltext.Table{Name: table}, lock.AccessExclusive)}, Statements: []string{sql}}
		for _, option := range options {
			option(&c)
		}
		return c
	}
	guarded := func(c *step.Change) { c.Guard = "SELECT FROM pg_attrdef" }
	only := func(c *step.Change) { c.Locks[0].Table.Only = true }
	share := func(c *step.Change) { c.Locks[0].Mode = lock.ShareUpdateExclusive }
	for name, c := range map[string]struct {
		actions []step.Action
		want    []string
	}{
		"none":                 {},
		"the same table":       {[]step.Action{change("t", "1"), change("t", "2"), change("t", "3")}, []string{"t exclusive: 1; 2; 3"}},
		"two tables":           {[]step.Action{change("t", "1"), change("u", "2")}, []string{"t exclusive: 1", "u exclusive: 2"}},
		"guard of the first":   {[]step.Action{change("t", "1", guarded), change("t", "2")}, []string{"t exclusive if default: 1; 2"}},
		"guard of the second":  {[]step.Action{change("t", "1"), change("t", "2", guarded)}, []string{"t exclusive: 1", "t exclusive if default: 2"}},
		"a weaker lock":        {[]step.Action{change("t", "1"), change("t", "2", share)}, []string{"t exclusive: 1", "t share: 2"}},
		"first without below":  {[]step.Action{change("t", "1", only), change("t", "2")}, []string{"t exclusive only: 1", "t exclusive: 2"}},
		"then without below":   {[]step.Action{change("t", "1"), change("t", "2", only)}, []string{"t exclusive: 1; 2"}},
		"something in between": {[]step.Action{change("t", "1"), step.Validate{Table: sqltext.Table{Name: "t"}, Statement: "v"}, change("t", "2")}, []string{"t exclusive: 1", "t validate: v", "t exclusive: 2"}},
	} {
		first := ""
		if len(c.actions) > 0 {
			first = strings.Join(c.actions[0].SQL(), "; ")
		}
		equal(t, name, step.MergeChanges(c.actions), c.want)
		if len(c.actions) > 0 && strings.Join(c.actions[0].SQL(), "; ") != first {
			t.Errorf("%s: an action was changed", name)
		}
	}
}

// From nothing to complete and back, action by action: each predicted view is the next step's.
func TestPredictedUpAndDown(t *testing.T) {
	steps := func(target step.Target) []step.Step { return all(target)[2:7] }
	for name, c := range map[string]struct {
		target step.Target
		view   step.View
	}{
		"table":                      {orders(), view()},
		"random values":              {orders().WithRandomValues(), view()},
		"schema run":                 {keepsMark(), view()},
		"existing column":            {orders(), unfilled(column(otherwise, commented("mine")))},
		"existing column, complete":  {keepsMark(), view(column(defaulted, notNull), index("orders_uuid_idx"))},
		"partitioned":                {tree(), treeView(partitioned())},
		"partitioned with column":    {tree(), treeView(partitioned(column(otherwise)))},
		"inheritance":                {tree(), treeView(inherited())},
		"inheritance with column":    {tree(), treeView(inherited(column(otherwise, notNull)), 1, 2, 3)},
		"partitioned by expression":  {tree(), treeView(byExpression())},
		"an interrupted index build": {orders(), view(column(defaulted, commented(unfinished)), invalid(index("orders_uuid_idx")))},
	} {
		up := steps(c.target)
		if c.target.KeepsMark {
			up = up[:4] // a schema run has no Settle
		}
		v := c.view
		for _, s := range up {
			v = s.AfterApply(v)
		}
		for _, s := range up {
			if outcome := s.Check(v); !outcome.Done {
				t.Errorf("%s, %s: %s", name, s.ID(), outcome.Reason)
			}
		}
		if !c.target.Complete(v.Table) {
			t.Errorf("%s: up does not complete the table", name)
		}
		for _, s := range slices.Backward(up) {
			v = s.AfterUndo(v)
		}
		for _, s := range up {
			equal(t, name+", down again", s.Undo(v), nil)
		}
		after, before := v.Table.Column("uuid"), c.view.Table.Column("uuid")
		if origin, _ := c.target.Read(c.view.Table); origin == step.Made {
			before = nil
		}
		if (after == nil) != (before == nil) || after != nil && (after.Default != before.Default || after.NotNull != before.NotNull) {
			t.Errorf("%s: after down the column is %+v, before up it was %+v", name, after, before)
		}
	}
}

func byExpression() *catalog.Table {
	root := partitioned()
	root.PartitionKey = []string{""}
	return root
}
