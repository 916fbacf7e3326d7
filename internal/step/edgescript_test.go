package step_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// scriptedEdge is an edge and a state of the database for which a script is written.
type scriptedEdge struct {
	name  string
	edge  step.Edge
	major int
	view  step.View
}

// partitions gives the child two levels of partitions with an index each, in the state of the child.
func partitions(child, _ *catalog.Table) {
	child.Kind = catalog.Partitioned
	mid, leaf := *child, *child
	mid.OID, mid.Name, mid.Below = 3, "mid", nil
	leaf.OID, leaf.Name, leaf.Kind, leaf.Below = 4, "c1", catalog.Ordinary, nil
	leaf.Columns = slices.Clone(child.Columns)
	child.Below = []catalog.Table{mid, leaf}
}

// inTree gives the edge a partitioned child, whose twins are attached to each other.
func inTree(e *step.Edge) {
	top, leaf := sqltext.Table{Schema: "app", Name: "c"}, sqltext.Table{Schema: "app", Name: "c1"}
	e.Tree, e.Required = true, false
	e.Twins = []step.IndexTwin{
		{Table: top, Of: "i", Name: "i2", Definition: `USING btree ("p_uuid")`, Partitioned: true},
		{Table: leaf, Of: "c1_i", Name: "c1_i2", Above: sqltext.Table{Schema: "app", Name: "i2"}, Definition: `USING btree ("p_uuid")`},
		{Table: sqltext.Table{Schema: "app", Name: "gone"}, Of: "x", Name: "y"},
	}
}

func scriptedEdges() []scriptedEdge {
	add := func(list []scriptedEdge, name string, e step.Edge, reached int, changes ...func(child, parent *catalog.Table)) []scriptedEdge {
		return append(list, scriptedEdge{name, e, 15, edgeView(e, reached, changes...)})
	}
	noKey := func(e *step.Edge) { e.Reference, e.Constraint = catalog.ForeignKey{}, "" }
	own := func(e *step.Edge) { e.Inherited = true }
	deferred := func(e *step.Edge) { e.Reference.Deferrable, e.Reference.Deferred = true, true }
	otherKey := func(child, _ *catalog.Table) { child.ForeignKeys[0].OnDelete = catalog.NoAction }
	proof := func(child, _ *catalog.Table) { child.Constraints = []catalog.Constraint{edge().Target().Proof()} }
	disabled := func(child, _ *catalog.Table) { child.Triggers[0].Enabled = "D" }
	unique := func(child, _ *catalog.Table) { child.Indexes[0].Unique = true }
	oldParentIndex := func(_, parent *catalog.Table) {
		parent.Indexes = []catalog.Index{{OID: 9, Name: "p_t_uuid_key", Columns: []string{"t", "uuid"}, Unique: true, Immediate: true}}
	}
	leafKey := func(child, _ *catalog.Table) {
		k := edgeView(edge(inTree), 3).Table.ForeignKeys[0]
		k.OnDelete = catalog.NoAction
		child.Below[1].ForeignKeys = []catalog.ForeignKey{k}
	}
	withDefault := func(e *step.Edge) { e.Default = &step.EdgeDefault{Key: "1", UUID: aUUID} }
	nullable := func(child, _ *catalog.Table) { child.Columns[0].NotNull, child.Triggers[0].Enabled = false, "D" }
	proofBelow := func(child, _ *catalog.Table) {
		child.Columns[1].NotNull, child.Constraints = false, []catalog.Constraint{edge().Target().Proof()}
	}
	inherits := func(child, _ *catalog.Table) { child.Below = []catalog.Table{below(*child)} }
	list := add(nil, "nothing", edge(), 0)
	list = add(list, "a row may come before its parent", edge(late), 0)
	list = add(list, "deferred", edge(late, deferred), 0)
	list = add(list, "without a foreign key", edge(late, noKey), 0)
	list = add(list, "composite", edge(composite), 0)
	list = add(list, "composite, invalid index of the parent", edge(composite), 1, oldParentIndex)
	list = add(list, "inherited column", edge(own), 1)
	list = add(list, "inheritance", edge(), 0, inherits)
	list[len(list)-1].view.Schema.Relations = append(list[len(list)-1].view.Schema.Relations, below(*list[len(list)-1].view.Table))
	list = add(list, "wired, CHECK left", edge(), 1, proof)
	list = add(list, "trigger disabled", edge(), 5, disabled)
	list = add(list, "a default", edge(withDefault), 0)
	list = add(list, "a default of an inherited column", edge(withDefault, own), 1)
	list = add(list, "another default", edge(withDefault), 5)
	list = add(list, "the integer may be NULL", edge(late), 5, func(child, _ *catalog.Table) { child.Columns[1].NotNull = true }, nullable)
	list = add(list, "NOT NULL dropped, CHECK left", edge(), 5, proofBelow)
	list = add(list, "unique twin", edge(), 2, unique)
	list = add(list, "other foreign key", edge(), 3, otherKey)
	list = add(list, "linked, CHECK left", edge(), 4, proof)
	list = add(list, "finished", edge(), 5)
	list = add(list, "partitioned", edge(inTree), 0, partitions)
	list = add(list, "partitioned, other foreign keys", edge(inTree), 3, partitions, otherKey, leafKey)
	newer := scriptedEdge{"partitioned, on 18", edge(inTree), 18, edgeView(edge(inTree), 0, partitions)}
	required := scriptedEdge{"required, on 18", edge(), 18, edgeView(edge(), 3)}
	return append(list, newer, required)
}

// below returns a table that inherits from the child.
func below(child catalog.Table) catalog.Table {
	child.Name, child.OID, child.Columns, child.Below = "d", 5, slices.Clone(child.Columns), nil
	return child
}

const aUUID = "0190b6a0-0000-7000-8000-000000000001"

// walkEdge calls visit with each step of the edge in the view that the steps before it leave, up and then down, and down at once from
// the state itself.
func walkEdge(c scriptedEdge, visit func(s step.Step, direction string, before, after step.View)) {
	steps := step.EdgeSteps(c.edge)
	begin := cloneEdgeView(c.view)
	begin.Server.Version, begin.Unfilled = c.major*10000, true
	v := begin
	for _, s := range steps {
		after := s.AfterApply(v)
		visit(s, "up", v, after)
		v = after
	}
	for _, from := range []struct {
		direction string
		view      step.View
	}{{"down", v}, {"down at once", begin}} {
		v := from.view
		for _, s := range slices.Backward(steps) {
			after := s.AfterUndo(v)
			visit(s, from.direction, v, after)
			v = after
		}
	}
}

// cloneEdgeView returns a copy whose table is the schema's.
func cloneEdgeView(v step.View) step.View {
	v.Schema.Relations = slices.Clone(v.Schema.Relations)
	for i := range v.Schema.Relations {
		v.Schema.Relations[i] = cloneTable(v.Schema.Relations[i])
	}
	v.Table = v.Relation(sqltext.Table{Schema: "app", Name: "c"})
	return v
}

// The view that a step predicts is one in which the step is done, and in which nothing is left to do; the view before is as it was.
func TestEdgePredictions(t *testing.T) {
	for _, c := range scriptedEdges() {
		begin := cloneEdgeView(c.view)
		walkEdge(c, func(s step.Step, direction string, before, after step.View) {
			name := fmt.Sprintf("%s, %s %s", c.name, direction, s.ID())
			if direction != "up" {
				if left := s.Undo(after); len(left) > 0 {
					t.Errorf("%s: %v is left", name, heads(left))
				}
				return
			}
			if outcome := s.Check(after); !outcome.Done {
				t.Errorf("%s: %s", name, outcome.Reason)
			}
			if left := s.Apply(after); len(left) > 0 {
				t.Errorf("%s: %v is left", name, heads(left))
			}
			if before.Table == after.Table && len(s.Apply(before)) > 0 {
				t.Errorf("%s: the view is not a copy", name)
			}
		})
		if diff := cmp.Diff(begin.Schema.Relations, cloneEdgeView(c.view).Schema.Relations); diff != "" {
			t.Errorf("%s: a prediction changed the view (-before +after)\n%s", c.name, diff)
		}
	}
}

// After up and down the predicted tables are those from before.
func TestEdgePredictionsMirror(t *testing.T) {
	for _, c := range scriptedEdges() {
		if c.name != "nothing" && c.name != "composite" && c.name != "partitioned" && c.name != "inheritance" {
			continue
		}
		var last step.View
		walkEdge(c, func(_ step.Step, direction string, _, after step.View) {
			if direction == "down" {
				last = after
			}
		})
		if diff := cmp.Diff(cloneEdgeView(c.view).Schema.Relations, cloneEdgeView(last).Schema.Relations, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-before +after)\n%s", c.name, diff)
		}
	}
}

// The statements of the scripts of edges, in the states that a database may be in: testdata/edges.txt.
func TestEdgeStatements(t *testing.T) {
	var out strings.Builder
	known := map[string]bool{}
	for _, c := range scriptedEdges() {
		fmt.Fprintf(&out, "==== %s, on %d\n", c.name, c.major)
		walkEdge(c, func(s step.Step, direction string, v, _ step.View) {
			statements, actions := s.ApplyScript(v), s.Apply(v)
			if direction != "up" {
				statements, actions = s.UndoScript(v), s.Undo(v)
			}
			fit(t, fmt.Sprintf("%s, %s %s", c.name, direction, s.ID()), actions, statements)
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
	for _, major := range []int{15, 18} {
		fmt.Fprintf(&out, "==== proof on %d\n%s\n", major, edge(composite).Proof(major))
	}
	fmt.Fprintf(&out, "==== proof, child first\n%s\n", edge(late).Proof(15))
	golden := filepath.Join("testdata", "edges.txt")
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
		t.Errorf("%s differs (-want +got); to accept: go test ./internal/step -run TestEdgeStatements -update\n%s", golden, diff)
	}
}

// fit checks that a script has a statement for every action, and that the words for its lock begin with the strongest mode.
func fit(t *testing.T, name string, actions []step.Action, statements []step.Statement) {
	t.Helper()
	if strings.HasPrefix(name, "unique twin, up") { // a run builds the plain twin before it drops the unique one; a script drops it first
		actions = nil
	}
	for _, a := range actions {
		runs := func(one step.Statement) bool {
			return slices.Equal(one.Action.SQL(), a.SQL()) && slices.Equal(one.Action.Tables(), a.Tables())
		}
		if !slices.ContainsFunc(statements, runs) {
			t.Errorf("%s: no statement for %q", name, a.SQL())
		}
	}
	for _, one := range statements {
		mode := string(lock.Strongest(one.Action.Locked()))
		if mode == "" {
			mode = "none on any table"
		}
		if one.Needed == "" || one.Lock != "" && !strings.HasPrefix(one.Lock, mode) {
			t.Errorf("%s, %s: %q takes %s; needed: %q", name, one.Name, one.Lock, mode, one.Needed)
		}
	}
}

// Scripts are refused while unique indexes move, so the step predicts nothing.
func TestMoveArbiterHasNoScript(t *testing.T) {
	s, v := step.MoveArbiter{Edge: edge(moving)}, edgeView(edge(moving), 5)
	if s.AfterApply(v).Table != v.Table || s.AfterUndo(v).Table != v.Table || s.ApplyScript(v) != nil || s.UndoScript(v) != nil {
		t.Error("it predicts something")
	}
}
