package step_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

var update = flag.Bool("update", false, "rewrite testdata/statements.txt") //nolint:gochecknoglobals // a flag of the test program

// scripted is a state of a database for which a script is written.
type scripted struct {
	name   string
	target step.Target
	view   step.View
}

func states() []scripted {
	foundTree := strings.Replace(treeMade, "made {", `found {"nullable":true,`, 1)
	named := func(t *catalog.Table, name string) *catalog.Table {
		return t.All()[slices.IndexFunc(t.All(), func(one *catalog.Table) bool { return one.Name == name })]
	}
	mixed := partitioned(column(defaulted, notNull, commented(strings.Replace(foundTree, `"of"`, `"below":{"app.orders_a":{}},"of"`, 1))))
	withProof := partitioned(column(defaulted, commented(treeMade)))
	named(withProof, "orders_a").Constraints = []catalog.Constraint{check(false)}
	stale := withIndexes(partitioned(column(defaulted, commented(treeMade))), true)
	stale.Indexes[0].Valid = false
	lacking := partitioned(column(defaulted, commented(treeMade)))
	named(lacking, "orders_b").Columns[0] = column(otherwise)
	return []scripted{
		{"table", orders(), view()},
		{"schema run", keepsMark(), view()},
		{"random values", orders().WithRandomValues(), view()},
		{"half done", orders(), unfilled(column(defaulted, commented(unfinished)), invalid(index("orders_uuid_idx")), check(false))},
		{"default dropped", orders(), unfilled(column(commented(unfinished)))},
		{"existing column", orders(), unfilled(column(otherwise, commented("mine")))},
		{"existing column with the default", orders(), unfilled(column(defaulted, commented("mine")))},
		{"adopted", orders(), view(column(defaulted, notNull, commented(found)), index("orders_uuid_idx"))},
		{"adopted, default as before", orders(), view(column(commented(`[rekey: found {"nullable":true,"indexed":true}]`)), check(true))},
		{"only the CHECK is left", orders(), view(column(defaulted, notNull, commented(unfinished)), index("orders_uuid_idx"), check(true))},
		{"partitioned", tree(), treeView(partitioned())},
		{"partitioned with column", tree(), treeView(partitioned(column(otherwise)))},
		{"a partition without the default", tree(), treeView(lacking)},
		{"a partition with the CHECK", tree(), treeView(withProof)},
		{"a partition was NOT NULL", tree(), treeView(mixed, 1, 2, 3, 4)},
		{"a stale index", tree(), treeView(stale)},
		{"partitioned by expression", tree(), treeView(byExpression())},
		{"inheritance", tree(), treeView(inherited())},
		{"inheritance with column", tree(), treeView(inherited(column(otherwise, notNull)), 1, 2, 3)},
	}
}

// onServer adds to a view what does not depend on its table.
func onServer(v step.View, major int) step.View {
	version := "39"
	if v.Table != nil {
		v.Table.Comment = &version
	}
	v.Server = catalog.Server{Version: major * 10000}
	v.Targets = []sqltext.Table{orders().Name()}
	return v
}

// walk calls visit with each step in the view that the steps before it leave, up and then down.
func walk(c scripted, major int, visit func(s step.Step, direction string, v step.View, actions []step.Action, statements []step.Statement)) {
	steps, v := all(c.target), onServer(c.view, major)
	if c.target.KeepsMark {
		steps = steps[:6] // a schema run has no Settle and no version
	}
	for _, s := range steps {
		visit(s, "up", v, s.Apply(v), s.ApplyScript(v))
		v = s.AfterApply(v)
	}
	for _, s := range slices.Backward(steps) {
		visit(s, "down", v, s.Undo(v), s.UndoScript(v))
		v = s.AfterUndo(v)
	}
	v = onServer(c.view, major) // from the state itself, as after an interrupted up
	for _, s := range slices.Backward(steps) {
		visit(s, "down at once", v, s.Undo(v), s.UndoScript(v))
		v = s.AfterUndo(v)
	}
}

// The statements of scripts, in the states that a database may be in: testdata/statements.txt.
func TestStatements(t *testing.T) {
	var out strings.Builder
	known := map[string]bool{}
	for _, c := range states() {
		for _, major := range []int{15, 18} {
			if major == 18 && c.name != "a partition was NOT NULL" && c.name != "schema run" {
				continue
			}
			fmt.Fprintf(&out, "==== %s, on %d\n", c.name, major)
			walk(c, major, func(s step.Step, direction string, _ step.View, _ []step.Action, statements []step.Statement) {
				for _, one := range statements {
					text := fmt.Sprintf("%s %s: %s", direction, s.ID(), describe(one))
					if known[text] {
						text = fmt.Sprintf("%s %s: %s, as above", direction, s.ID(), one.Name)
					}
					known[text] = true
					out.WriteString("\n" + text + "\n")
				}
			})
			out.WriteString("\n")
		}
	}
	golden := filepath.Join("testdata", "statements.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("%s differs (-want +got); to accept: go test ./internal/step -run TestStatements -update\n%s", golden, diff)
	}
}

func describe(one step.Statement) string {
	text := fmt.Sprintf("%s\n  what:   %s\n  lock:   %s\n  reads:  %s\n  needed: %s", one.Name, one.What, one.Lock, one.Scans, one.Needed)
	for _, sql := range one.First {
		text += "\n  first:  " + digest(sql)
	}
	if one.Block != "" {
		return text + "\n  block:  " + digest(one.Block)
	}
	for _, line := range render([]step.Action{one.Action}) {
		line, _, _ = strings.Cut(line, "\n")
		text += "\n  runs:   " + line
	}
	return text
}

// digest shortens a long text; the tests of package condition have it.
func digest(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

// A script has a statement for every action, and the words for its lock begin with the strongest mode that the action takes.
func TestStatementsFitActions(t *testing.T) {
	for _, c := range states() {
		walk(c, 15, func(s step.Step, direction string, _ step.View, actions []step.Action, statements []step.Statement) {
			for _, a := range actions {
				runs := func(one step.Statement) bool {
					return one.Block != "" || slices.Equal(one.Action.SQL(), a.SQL()) && slices.Equal(one.Action.Tables(), a.Tables())
				}
				if !slices.ContainsFunc(statements, runs) {
					t.Errorf("%s, %s %s: no statement for %q", c.name, direction, s.ID(), a.SQL())
				}
			}
			if len(actions) == 0 && len(statements) > 0 && statements[0].Block == "" {
				t.Errorf("%s, %s %s: %d statements, and nothing to do", c.name, direction, s.ID(), len(statements))
			}
			for _, one := range statements {
				if one.Block != "" {
					continue
				}
				mode := string(lock.Strongest(one.Action.Locked()))
				if mode == "" {
					mode = "none on any table"
				}
				if one.Lock != "" && !strings.HasPrefix(one.Lock, mode) {
					t.Errorf("%s, %s: %s takes %s", c.name, one.Name, one.Lock, mode)
				}
			}
		})
	}
}

// Steps without a way back have no statements there.
func TestNoStatements(t *testing.T) {
	v := onServer(view(), 15)
	for name, statements := range map[string][]step.Statement{
		"function": step.EnsureFunction{Schema: "app"}.UndoScript(v), "grant": step.GrantExecute{Schema: "app"}.UndoScript(v),
		"fill": step.FillColumn{Target: orders()}.UndoScript(v),
	} {
		if statements != nil {
			t.Errorf("%s: %d statements", name, len(statements))
		}
	}
}
