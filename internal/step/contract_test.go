package step_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestDropReference(t *testing.T) {
	e := edge()
	drop := step.DropReference{Edge: e}
	linked := edgeView(e, 5, func(child, _ *catalog.Table) {
		k := e.Reference
		child.ForeignKeys = append(child.ForeignKeys, k)
		child.Indexes = append(child.Indexes, index("i", "p_id"))
		child.Indexes[len(child.Indexes)-1].ReplicaIdentity = true
	})
	const drops = "app.c ACCESS EXCLUSIVE app.p ACCESS EXCLUSIVE"
	actions := drop.Apply(linked)
	if len(actions) != 1 {
		t.Fatal(actions)
	}
	change, ok := actions[0].(step.Change)
	text := strings.Join(change.Statements, "\n")
	if !ok || !strings.HasPrefix(heads(actions)[0], drops) || strings.Contains(text, "CASCADE") || !cmp.Equal(change.Dropped, []string{"i"}) {
		t.Errorf("%v %s", change.Dropped, heads(actions))
	}
	at := -1
	for _, want := range []string{`DROP TRIGGER "~rekey_p_id_i"`, `DROP TRIGGER "~rekey_p_id_u"`, "REPLICA IDENTITY DEFAULT", `DROP CONSTRAINT "k"`, `DROP COLUMN "p_id"`, "pg_proc", `"contracted":true`} {
		next := strings.Index(text, want)
		if next <= at {
			t.Errorf("%s is not after the statements before it:\n%s", want, text)
		}
		at = next
	}
	for _, want := range []string{"~rekey_p_id_i", "tgtype & 3 = 3", "'k2'", "attnotnull"} {
		if !strings.Contains(change.Guard, want) {
			t.Errorf("the guard lacks %s: %s", want, change.Guard)
		}
	}
	ended := edgeView(e, 5, func(child, _ *catalog.Table) {
		comment := strings.Replace(*child.Columns[1].Comment, `"function"`, `"contracted":true,"function"`, 1)
		child.Columns = child.Columns[1:]
		child.Columns[0].Comment = &comment
	})
	for name, c := range map[string]struct {
		view step.View
		done bool
	}{
		"dropped already": {ended, true}, "no table": {gone(), false},
		"the column may be NULL": {edgeView(e, 3), false},
		"not marked as made":     {edgeView(e, 5, func(child, _ *catalog.Table) { child.Columns[1].Comment = nil }), false},
	} {
		if got := drop.Check(c.view); got.Done != c.done {
			t.Errorf("%s: %+v", name, got)
		}
		if actions := drop.Apply(c.view); len(actions) > 0 {
			t.Errorf("%s: %v", name, heads(actions))
		}
	}
	if testNoWayBack(t, drop, linked); drop.Explain().UndoneBy != step.Never {
		t.Error("something undoes the drop")
	}
}

// TestDropReferenceKeepsUnique checks that a unique index precedes the drop, and takes the plain twin's name in its transaction.
func TestDropReferenceKeepsUnique(t *testing.T) {
	e := edge()
	child := edgeView(e, 5, func(child, _ *catalog.Table) {
		of := btree("app.c", "i", true, "p_id")
		of.OID = 9
		child.Indexes = append(child.Indexes, of)
	}).Table
	twins := step.UniqueTwins(child, step.ColumnPair{Integer: "p_id", UUID: "p_uuid"}, nil)
	if len(twins) != 1 || twins[0].As != "i2" || twins[0].Of != "i" || !strings.HasPrefix(twins[0].Name, "~rekey_unique_") {
		t.Fatalf("%+v", twins)
	}
	drop := step.DropReference{Edge: e, Unique: twins}
	keep := step.KeepUnique{Table: e.Child, Of: e.String(), Column: e.Column, Twins: twins}
	view := func(indexes ...catalog.Index) step.View {
		v := edgeView(e, 5, func(child, _ *catalog.Table) { child.Indexes = append(child.Indexes, indexes...) })
		return v
	}
	built := catalog.Index{Name: twins[0].Name, Unique: true, Valid: true, Definition: "CREATE UNIQUE INDEX x ON app.c USING btree (p_uuid)"}
	half := built
	half.Valid = false
	other := built
	other.Definition = "CREATE UNIQUE INDEX x ON app.c USING btree (n)"
	for name, c := range map[string]struct {
		view step.View
		want int // actions of the build
		drop bool
	}{
		"not built": {view(), 1, false}, "half built": {view(half), 2, false}, "another index": {view(other), 2, false}, "built": {view(built), 0, true}, "no table": {gone(), 0, false},
	} {
		if actions := keep.Apply(c.view); len(actions) != c.want || keep.Check(c.view).Done != (c.want == 0) {
			t.Errorf("%s: %v", name, heads(actions))
		}
		if actions := drop.Apply(c.view); len(actions) > 0 != c.drop {
			t.Errorf("%s: %v", name, heads(actions))
		}
	}
	text := strings.Join(drop.Apply(view(built))[0].SQL(), "\n")
	if !strings.Contains(text, `DROP INDEX "app"."i2"`) || !strings.Contains(text, `RENAME TO "i2"`) {
		t.Error(text)
	}
	if testNoWayBack(t, keep, view()); keep.Explain().Scans == "" { // the steps of primary keys take the index back
		t.Error("the build reads nothing")
	}
}

func TestLinkWithoutIntegers(t *testing.T) {
	e := edge(composite)
	final := e.WithoutIntegers(map[string]string{"p_id": "p_uuid", "t": "t_uuid"}, map[string]string{"t": "t_uuid"})
	if got := strings.Join(append(final.ChildColumns(), final.ParentColumns()...), " "); got != "t_uuid p_uuid t_uuid uuid" || final.Constraint != "~rekey_end_k2" || e.Reference.ChildColumns[0] != "t" {
		t.Errorf("%s %s", got, final.Constraint)
	}
	link := step.LinkWithoutIntegers{Edge: e, Final: final}
	with := func(name string) step.View {
		return edgeView(e, 5, func(child, _ *catalog.Table) {
			k := final.Reference
			k.Name, k.ChildColumns, k.ParentColumns, k.Validated = name, final.ChildColumns(), final.ParentColumns(), true
			if name == e.Constraint {
				child.ForeignKeys = nil
			}
			child.ForeignKeys = append(child.ForeignKeys, k)
		})
	}
	if actions := link.Apply(edgeView(e, 5)); len(actions) != 2 || link.Check(edgeView(e, 5)).Done {
		t.Errorf("%v", heads(actions))
	}
	for _, name := range []string{final.Constraint, e.Constraint} {
		if !link.Check(with(name)).Done || link.Apply(with(name)) != nil {
			t.Errorf("%s does not count", name)
		}
	}
	drop := step.DropReference{Edge: e, Final: &final}
	if drop.Apply(edgeView(e, 5)) != nil {
		t.Error("the integers end without the foreign key on uuids")
	}
	change, _ := drop.Apply(with(final.Constraint))[0].(step.Change)
	text := strings.Join(change.Statements, "\n")
	if !strings.Contains(text, `DROP CONSTRAINT "k2"`) || !strings.Contains(text, `RENAME CONSTRAINT "~rekey_end_k2" TO "k2"`) || !strings.Contains(change.Guard, "'~rekey_end_k2'") {
		t.Error(text)
	}
	if testNoWayBack(t, link, with("x")); !strings.Contains(link.Explain().What, "without integers") { // the steps of primary keys take the foreign key back
		t.Error(link.Explain().What)
	}
}

func TestDropKey(t *testing.T) {
	key := step.Key{Table: sqltext.Table{Schema: "app", Name: "p"}, Columns: []string{"id"}, UUIDs: []string{"uuid"}, Constraint: "p_pkey", Unique: "p_id_key"}
	view := func(ended bool) step.View {
		p := catalog.Table{OID: 2, Schema: "app", Name: "p", Kind: catalog.Ordinary, Columns: []catalog.Column{{Name: "id", Type: "bigint"}, {Name: "uuid", Type: "uuid"}}}
		pk, unique, comment := index("p_pkey", "uuid"), index("p_id_key", "id"), key.Mark().Comment()
		pk.Primary, pk.Constraint, unique.Comment, unique.ReplicaIdentity = true, "p_pkey", &comment, true
		p.Indexes = []catalog.Index{pk, unique}
		if ended {
			mark := key.Mark()
			mark.Contracted = true
			comment := mark.Comment()
			p.Columns, p.Indexes = p.Columns[1:], p.Indexes[:1]
			p.Indexes[0].Comment = &comment
		}
		return step.View{Table: &p, Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{p}}}
	}
	drop := step.DropKey{Key: key, Own: key.OwnColumns(nil)}
	change, _ := drop.Apply(view(false))[0].(step.Change)
	text := strings.Join(change.Statements, "\n")
	if !strings.Contains(text, "REPLICA IDENTITY DEFAULT") || !strings.Contains(text, `DROP COLUMN "id"`) || !strings.Contains(text, `COMMENT ON INDEX "app"."p_pkey"`) || strings.Contains(text, "CASCADE") {
		t.Error(text)
	}
	if !strings.Contains(change.Guard, "confrelid") || !cmp.Equal(change.Dropped, []string{"p_id_key"}) {
		t.Errorf("%v %s", change.Dropped, change.Guard)
	}
	keep := step.DropKey{Key: key, Own: drop.Own, Keep: true}
	kept := strings.Join(keep.Apply(view(false))[0].SQL(), "\n")
	if strings.Contains(kept, "DROP COLUMN") || !strings.Contains(kept, `COMMENT ON INDEX "app"."p_id_key" IS NULL`) || !strings.Contains(keep.Explain().What, "comment") {
		t.Error(kept)
	}
	if drop.Check(view(false)).Done || keep.Check(view(false)).Done || !drop.Check(view(true)).Done || drop.Apply(view(true)) != nil || drop.Check(gone()).Done {
		t.Error("the check is wrong")
	}
	if drop.Check(step.View{}).Done || drop.Apply(step.View{}) != nil || key.OwnColumns([]string{"id"}) != nil {
		t.Error("no table")
	}
	if testNoWayBack(t, drop, view(true)); !strings.Contains(drop.Explain().What, "p_id_key") {
		t.Error(drop.Explain().What)
	}
}

// A plain twin that equals a unique index is dropped, unless somebody uses it in another way.
func TestDuplicateTwins(t *testing.T) {
	e := edge()
	for name, c := range map[string]struct {
		plain, unique string
		change        func(plain, unique *catalog.Index)
		want          bool
	}{
		"equal":                  {"btree (p_uuid, n)", "btree (p_uuid, n)", nil, true},
		"another order":          {"btree (n, p_uuid)", "btree (p_uuid, n)", nil, false},
		"descending":             {"btree (p_uuid DESC, n)", "btree (p_uuid, n)", nil, false},
		"another method":         {"hash (p_uuid)", "btree (p_uuid)", nil, false},
		"fewer columns":          {"btree (p_uuid)", "btree (p_uuid, n)", nil, false},
		"more columns included":  {"btree (p_uuid, n)", "btree (p_uuid, n) INCLUDE (m)", func(_, u *catalog.Index) { u.Included = []string{"m"} }, true},
		"fewer columns included": {"btree (p_uuid, n) INCLUDE (m)", "btree (p_uuid, n)", func(p, _ *catalog.Index) { p.Included = []string{"m"} }, false},
		"unique for some rows":   {"btree (p_uuid, n)", "btree (p_uuid, n) WHERE (n > 0)", func(_, u *catalog.Index) { u.Predicate = "(n > 0)" }, false},
		"for some rows":          {"btree (p_uuid, n) WHERE (n > 0)", "btree (p_uuid, n)", func(p, _ *catalog.Index) { p.Predicate = "(n > 0)" }, false},
		"not valid":              {"btree (p_uuid, n)", "btree (p_uuid, n)", func(_, u *catalog.Index) { u.Valid = false }, false},
		"deferrable":             {"btree (p_uuid, n)", "btree (p_uuid, n)", func(_, u *catalog.Index) { u.Immediate = false }, false},
		"not ready to take over": {"btree (p_uuid, n)", "btree (p_uuid, n)", func(_, u *catalog.Index) { u.Name = "~rekey_x" }, false},
		"clustered by it":        {"btree (p_uuid, n)", "btree (p_uuid, n)", func(p, _ *catalog.Index) { p.Clustered = true }, false},
		"with a comment":         {"btree (p_uuid, n)", "btree (p_uuid, n)", func(p, _ *catalog.Index) { p.Comment = new(string) }, false},
		"not made by up":         {"btree (p_uuid, n)", "btree (p_uuid, n)", func(p, _ *catalog.Index) { p.Name = "mine" }, false},
	} {
		v := edgeView(e, 5, func(child, _ *catalog.Table) {
			indexOn := func(name, definition string) catalog.Index {
				columns := []string{"p_uuid", "n"}
				if !strings.Contains(definition, "n") {
					columns = columns[:1]
				}
				return catalog.Index{Name: name, Columns: columns, Valid: true, Immediate: true, Method: "btree", Definition: "CREATE INDEX x ON app.c USING " + definition}
			}
			plain, unique := indexOn("i2", c.plain), indexOn("c_pkey", c.unique)
			unique.Unique = true
			if c.change != nil {
				c.change(&plain, &unique)
			}
			child.Indexes = []catalog.Index{plain, unique}
		})
		change, _ := step.DropReference{Edge: e}.Apply(v)[0].(step.Change)
		text := strings.Join(change.Statements, "\n")
		if got := len(step.DuplicateTwins(v.Table)) == 1; got != c.want || strings.Contains(text, `DROP INDEX "app"."i2"`) != c.want || strings.Contains(change.Guard, "'c_pkey'") != c.want {
			t.Errorf("%s: %t, want %t; %s", name, got, c.want, text)
		}
	}
}
