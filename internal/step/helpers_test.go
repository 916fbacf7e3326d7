package step_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// A stepCase is a view and what a step answers to it. Actions are in the form of render.
type stepCase struct {
	view step.View
	done bool
	up   []string
	down []string
	// stays says that AfterApply does not reach the goal: the step has nothing to do yet.
	stays bool
}

// testStep tests Check, Apply and Undo of a step, and that the predictions agree with them: nothing is left to do after
// the predicted actions, and no call changes the view that it gets.
func testStep(t *testing.T, s step.Step, cases map[string]stepCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Helper()
			before := clone(c.view)
			outcome := s.Check(c.view)
			if outcome.Done != c.done || (outcome.Reason == "") != c.done {
				t.Errorf("check: done %t, reason %q; want done %t", outcome.Done, outcome.Reason, c.done)
			}
			equal(t, "up", s.Apply(c.view), c.up)
			equal(t, "down", s.Undo(c.view), c.down)
			applied, undone := s.AfterApply(c.view), s.AfterUndo(c.view)
			if !c.stays {
				if outcome := s.Check(applied); !outcome.Done {
					t.Errorf("after the predicted up: %s", outcome.Reason)
				}
				equal(t, "up after the predicted up", s.Apply(applied), nil)
			}
			equal(t, "down after the predicted down", s.Undo(undone), nil)
			if diff := cmp.Diff(before, c.view); diff != "" {
				t.Errorf("the view was changed (-before +after)\n%s", diff)
			}
		})
	}
}

func equal(t *testing.T, what string, actions []step.Action, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, render(actions)); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// clone returns a copy of a view that shares nothing with it that a step could change.
func clone(v step.View) step.View {
	if v.Table != nil {
		table := cloneTable(*v.Table)
		v.Table = &table
	}
	if v.Schema.Function != nil {
		f := *v.Schema.Function
		f.Unprivileged = slices.Clone(f.Unprivileged)
		v.Schema.Function = &f
	}
	v.Filled = maps.Clone(v.Filled)
	return v
}

func cloneTable(t catalog.Table) catalog.Table {
	t.Columns, t.Indexes, t.Constraints = slices.Clone(t.Columns), slices.Clone(t.Indexes), slices.Clone(t.Constraints)
	t.Comment = cloneComment(t.Comment)
	for i := range t.Columns {
		t.Columns[i].Comment = cloneComment(t.Columns[i].Comment)
	}
	t.Below = slices.Clone(t.Below)
	for i := range t.Below {
		t.Below[i] = cloneTable(t.Below[i])
	}
	return t
}

func cloneComment(comment *string) *string {
	if comment == nil {
		return nil
	}
	text := *comment
	return &text
}

// render returns a line per action: its table, kind, guard and statements, without the quotes of names.
func render(actions []step.Action) []string {
	var lines []string
	for _, a := range actions {
		kind := ""
		switch a := a.(type) {
		case step.Change:
			kind = renderChange(a)
		case step.Concurrently:
			kind = map[bool]string{true: "build", false: "drop"}[a.Build]
		case step.Validate:
			kind = "validate"
		case step.Fill:
			kind = "fill"
		}
		line := ""
		for _, table := range a.Tables() {
			line += table.String()
		}
		line += " " + kind
		if sql := a.SQL(); len(sql) > 0 {
			line += ": " + strings.Join(sql, "; ")
		}
		lines = append(lines, strings.TrimSpace(strings.ReplaceAll(line, `"`, "")))
	}
	return lines
}

func renderChange(c step.Change) string {
	kind := "share"
	if len(lock.Exclusive(c.Locks)) > 0 {
		kind = "exclusive"
	}
	if len(c.Locks) > 0 && c.Locks[0].Table.Only {
		kind += " only"
	}
	if c.Guard != "" {
		kind += " if " + guardKind(c.Guard)
	}
	return kind
}

// guardKind names a guard by its condition; TestGuards tests the queries themselves.
func guardKind(guard string) string {
	switch {
	case strings.Contains(guard, "convalidated"):
		return "proved"
	case strings.Contains(guard, "pg_partition_tree"):
		return "partitions NOT NULL"
	case strings.Contains(guard, "pg_attrdef"):
		return "default"
	case strings.Contains(guard, "pg_constraint"):
		return "check"
	default:
		return "column"
	}
}

const (
	unfinished       = "[rekey: made, not finished]"
	unfinishedRandom = "[rekey: made random, not finished]"
	keptMade         = `[rekey: made {"of":"app.orders","index":"orders_uuid_idx"}]`
	found            = `[rekey: found {"nullable":true}]`
	otherDefault     = "gen_random_uuid()"
)

// orders is the target of most tests: a table of a profile.
func orders() step.Target {
	return step.Target{
		Schema: "app", Table: "orders", Column: "uuid", Index: "orders_uuid_idx", Check: "orders_uuid_check",
		Function: sqltext.Table{Schema: "app", Name: step.FunctionName},
	}
}

// keepsMark is orders in a schema run.
func keepsMark() step.Target {
	t := orders()
	t.KeepsMark = true
	return t
}

// table returns app.orders with columns, indexes and constraints.
func table(parts ...any) *catalog.Table {
	t := &catalog.Table{OID: 1, Schema: "app", Name: "orders", Kind: catalog.Ordinary}
	t.Columns = append(t.Columns, catalog.Column{Number: 1, Name: "id", Type: "bigint", NotNull: true})
	for _, part := range parts {
		switch part := part.(type) {
		case catalog.Column:
			t.Columns = append(t.Columns, part)
		case catalog.Index:
			t.Indexes = append(t.Indexes, part)
		case catalog.Constraint:
			t.Constraints = append(t.Constraints, part)
		default:
			panic(fmt.Sprintf("no part of a table: %T", part))
		}
	}
	return t
}

func view(parts ...any) step.View { return step.View{Table: table(parts...)} }

// unfilled is view with a row that has no value.
func unfilled(parts ...any) step.View {
	v := view(parts...)
	v.Unfilled = true
	return v
}

// column returns a nullable uuid column without a default.
func column(options ...func(*catalog.Column)) catalog.Column {
	c := catalog.Column{Number: 2, Name: "uuid", Type: "uuid"}
	for _, option := range options {
		option(&c)
	}
	return c
}

func notNull(c *catalog.Column) { c.NotNull = true }

func defaulted(c *catalog.Column) {
	c.Default, c.Calls = "app.uuid_generate_v7()", `"app"."uuid_generate_v7"`
}

func otherwise(c *catalog.Column) {
	c.Default, c.Calls = otherDefault, `"pg_catalog"."gen_random_uuid"`
}

func commented(text string) func(*catalog.Column) {
	return func(c *catalog.Column) { c.Comment = &text }
}

// index returns a valid unique index on the columns, uuid if there are none.
// btree returns a valid index of a table with its definition, for the steps of edges, of primary keys and of contract.
func btree(table, name string, unique bool, columns ...string) catalog.Index {
	kind := map[bool]string{true: "UNIQUE INDEX ", false: "INDEX "}[unique]
	return catalog.Index{
		Name: name, Columns: columns, Unique: unique, Immediate: true, Valid: true, Method: "btree",
		Definition: "CREATE " + kind + name + " ON " + table + " USING btree (" + strings.Join(columns, ", ") + ")",
	}
}

// testNoWayBack checks that down and scripts leave a step out.
func testNoWayBack(t *testing.T, s step.Step, v step.View) {
	t.Helper()
	if s.Undo(v) != nil || s.Rows() != nil || s.ApplyScript(v) != nil || s.UndoScript(v) != nil {
		t.Errorf("%s has a way back", s.ID())
	}
}

func index(name string, columns ...string) catalog.Index {
	if columns == nil {
		columns = []string{"uuid"}
	}
	return catalog.Index{OID: 11, Name: name, Columns: columns, Unique: true, Immediate: true, Valid: true, Ready: true, Method: "btree"}
}

func invalid(i catalog.Index) catalog.Index {
	i.Valid = false
	return i
}

func check(validated bool) catalog.Constraint {
	c := orders().Proof()
	c.Validated = validated
	return c
}

// partitioned returns app.orders with the partition orders_a and the partitioned table orders_rest, whose only partition
// is orders_b. Each gets the column, if there is one.
func partitioned(columns ...catalog.Column) *catalog.Table {
	root := table()
	root.Kind, root.PartitionKey = catalog.Partitioned, []string{"id"}
	root.Columns = append(root.Columns, columns...)
	for i, name := range []string{"orders_a", "orders_rest", "orders_b"} {
		below := catalog.Table{OID: uint32(2 + i), Schema: "app", Name: name, Kind: catalog.Ordinary, Partition: true, Above: 1}
		for _, c := range columns {
			c.Comment = nil
			below.Columns = append(below.Columns, c)
		}
		root.Below = append(root.Below, below)
	}
	root.Below[1].Kind, root.Below[1].PartitionKey = catalog.Partitioned, []string{"region"}
	root.Below[2].Above = 3
	return root
}

// inherited returns app.orders with the child orders_child and its child orders_grandchild.
func inherited(columns ...catalog.Column) *catalog.Table {
	root := table()
	root.Columns = append(root.Columns, columns...)
	for i, name := range []string{"orders_child", "orders_grandchild"} {
		below := catalog.Table{OID: uint32(2 + i), Schema: "app", Name: name, Kind: catalog.Ordinary, Above: uint32(1 + i)}
		for _, c := range columns {
			c.Comment = nil
			below.Columns = append(below.Columns, c)
		}
		root.Below = append(root.Below, below)
	}
	return root
}

// tree is the target of partitioned and inherited.
func tree() step.Target {
	t := keepsMark()
	t.Pattern = "{table}_{column}_idx"
	return t
}

const treeMade = `[rekey: made {"of":"app.orders","index":"orders_uuid_idx","pattern":"{table}_{column}_idx"}]`

// treeView returns a view of a tree after changes. filled are the oids of the parts in which every row has a value.
func treeView(root *catalog.Table, filled ...uint32) step.View {
	v := step.View{Table: root, Filled: map[uint32]bool{}}
	for _, oid := range filled {
		v.Filled[oid] = true
	}
	v.Unfilled = slices.ContainsFunc(root.All(), func(t *catalog.Table) bool { return !v.Filled[t.OID] })
	return v
}

// withIndexes adds an index to each table of a partitioned table. If attached is true, each is attached to the index of the
// table above, and all are valid; if not, only the indexes of ordinary tables are valid.
func withIndexes(root *catalog.Table, attached bool) *catalog.Table {
	for _, t := range root.All() {
		i := index(t.Name+"_uuid_id_region_idx", "uuid", "id", "region")
		if t.OID == 1 {
			i.Name = "orders_uuid_idx"
		}
		i.OID = 10 + t.OID
		i.Valid = attached || t.Kind == catalog.Ordinary
		if attached && t.Above != 0 {
			i.Parent = 10 + t.Above
		}
		t.Indexes = append(t.Indexes, i)
	}
	return root
}
