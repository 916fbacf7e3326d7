package step_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// edge is the edge of most tests: app.c.p_id refers to app.p.
func edge(options ...func(*step.Edge)) step.Edge {
	e := step.Edge{
		Child: sqltext.Table{Schema: "app", Name: "c"}, Parent: sqltext.Table{Schema: "app", Name: "p", Only: true},
		Column: "p_id", Key: "id", UUID: "p_uuid", ParentUUID: "uuid", Constraint: "k2", Check: "c_check", NotNull: true, Required: true,
		Reference: catalog.ForeignKey{
			Name: "k", Child: sqltext.Table{Schema: "app", Name: "c"}, Parent: sqltext.Table{Schema: "app", Name: "p"},
			ChildColumns: []string{"p_id"}, ParentColumns: []string{"id"}, OnDelete: catalog.Cascade, OnUpdate: catalog.NoAction, Match: catalog.MatchSimple,
		},
		Owner: "boss", Twins: []step.IndexTwin{{Table: sqltext.Table{Schema: "app", Name: "c"}, Of: "i", Name: "i2", Definition: `USING btree ("p_uuid")`}},
	}
	e.Function = step.EdgeFunction(e.Child, e.Column)
	for _, option := range options {
		option(&e)
	}
	return e
}

func composite(e *step.Edge) {
	e.Reference.ChildColumns, e.Reference.ParentColumns, e.ParentIndex = []string{"t", "p_id"}, []string{"t", "id"}, "p_t_uuid_key"
}

func late(e *step.Edge) {
	e.ChildFirst, e.Required, e.NotNull, e.Row = true, false, false, []string{"id"}
}

// edgeView returns a view of the child and the parent after the actions of the first steps: with the column from 1 on, the
// twin from 2, the foreign key from 3, NOT NULL from 4, the finished mark from 5.
func edgeView(e step.Edge, reached int, changes ...func(child, parent *catalog.Table)) step.View {
	child := catalog.Table{OID: 1, Schema: "app", Name: "c", Kind: catalog.Ordinary, Owner: "boss", Columns: []catalog.Column{{Name: "p_id", Type: "bigint", NotNull: true}}}
	parent := catalog.Table{OID: 2, Schema: "app", Name: "p", Kind: catalog.Ordinary}
	mark := e.Mark(&child, &parent)
	mark.Finished = reached >= 5
	if reached >= 1 {
		comment := mark.Comment(nil)
		child.Columns = append(child.Columns, catalog.Column{Name: "p_uuid", Type: "uuid", NotNull: reached >= 4, Comment: &comment})
		for i, name := range e.TriggerNames() {
			child.Triggers = append(child.Triggers, catalog.Trigger{
				Row: true, Before: i < 2, OnInsert: i != 1, OnUpdate: i != 0, When: "(…)", Deferrable: i == 2 && e.Reference.Deferrable, Deferred: i == 2 && e.Reference.Deferrable,
				Name: name, Enabled: "O", Source: e.FunctionSource(), Definer: true, FunctionSchema: e.Function.Schema, FunctionName: e.Function.Name,
				FunctionOwner: e.Owner, Config: []string{"search_path=pg_catalog, pg_temp"}, Volatile: true,
			})
		}
	}
	if reached >= 2 {
		child.Indexes = append(child.Indexes, catalog.Index{OID: 7, Name: "i2", Valid: true, Definition: "CREATE INDEX i2 ON app.c USING btree (p_uuid)"})
	}
	if reached >= 3 {
		k := e.Reference
		k.Name, k.ChildColumns, k.ParentColumns, k.Validated = e.Constraint, e.ChildColumns(), e.ParentColumns(), true
		child.ForeignKeys = append(child.ForeignKeys, k)
	}
	for _, change := range changes {
		change(&child, &parent)
	}
	return step.View{
		Server: catalog.Server{Version: 150000, Role: catalog.Role{Name: "boss"}}, Table: &child,
		Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{child, parent}},
	}
}

// heads returns a line per action: its locks, and the first words of its statements.
func heads(actions []step.Action) []string {
	var lines []string
	for _, a := range actions {
		line := ""
		switch a := a.(type) {
		case step.Change:
			for _, l := range a.Locks {
				line += l.Table.String() + " " + string(l.Mode) + " "
			}
		case step.Fill:
			line = "fill " + a.Target.String()
		case step.Validate, step.Concurrently:
		}
		var statements []string
		for _, sql := range a.SQL() {
			words := strings.Fields(strings.NewReplacer(`"`, "", "$rekey$\n", "").Replace(sql))
			statements = append(statements, strings.Join(words[:min(len(words), 8)], " "))
		}
		lines = append(lines, strings.TrimSpace(line+": "+strings.Join(statements, "; ")))
	}
	return lines
}

type edgeCase struct {
	step step.Step
	view step.View
	done bool
	up   []string
	down []string
}

func testEdges(t *testing.T, cases map[string]edgeCase) {
	t.Helper()
	for name, c := range cases {
		outcome := c.step.Check(c.view)
		if outcome.Done != c.done || outcome.Done != (outcome.Reason == "") {
			t.Errorf("%s: done %t %q, want %t", name, outcome.Done, outcome.Reason, c.done)
		}
		if diff := cmp.Diff(c.up, heads(c.step.Apply(c.view))); diff != "" {
			t.Errorf("%s, up (-want +got)\n%s", name, diff)
		}
		if diff := cmp.Diff(c.down, heads(c.step.Undo(c.view))); diff != "" {
			t.Errorf("%s, down (-want +got)\n%s", name, diff)
		}
	}
}

// gone returns a view in which the child was dropped.
func gone() step.View {
	return step.View{Schema: catalog.Schema{Name: "app", Relations: []catalog.Table{{Schema: "app", Name: "p"}}}}
}

const (
	insertTrigger = "CREATE TRIGGER ~rekey_p_id_i BEFORE INSERT ON app.c FOR"
	updateTrigger = "CREATE TRIGGER ~rekey_p_id_u BEFORE UPDATE ON app.c FOR"
	makeFunction  = "DO BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_proc f,; CREATE FUNCTION app.rekey_c_p_id() RETURNS pg_catalog.trigger LANGUAGE plpgsql VOLATILE; " +
		"COMMENT ON FUNCTION app.rekey_c_p_id() IS '[rekey: keeps the; ALTER FUNCTION app.rekey_c_p_id() OWNER TO boss"
	dropFunction = "DO BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_proc f,"
	private      = "DO DECLARE grantee pg_catalog.text; BEGIN REVOKE ALL ON"
	dropsWired   = "app.c ACCESS EXCLUSIVE : DROP TRIGGER ~rekey_p_id_i ON app.c; DROP TRIGGER ~rekey_p_id_u ON app.c; " + dropFunction + "; "
)

func TestWireEdge(t *testing.T) {
	e := edge()
	trigger := func(change func(*catalog.Trigger)) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) {
			for i := range child.Triggers {
				change(&child.Triggers[i])
			}
		}
	}
	inheriting := edge(func(e *step.Edge) { e.Inherited, e.Child.Only = true, true })
	withDefault := edge(func(e *step.Edge) {
		e.Default = &step.EdgeDefault{Key: "1", UUID: "u"}
		e.Inherited, e.Child.Only = true, true
	})
	dropColumn := dropsWired + "ALTER TABLE app.c DROP COLUMN p_uuid"
	unmarked := func(child, _ *catalog.Table) { child.Columns[1].Comment, child.Triggers = nil, nil }
	testEdges(t, map[string]edgeCase{
		"nothing": {step.WireEdge{Edge: e}, edgeView(e, 0), false, []string{"app.c ACCESS EXCLUSIVE : " + makeFunction + "; " + private +
			"; ALTER TABLE app.c ADD COLUMN p_uuid pg_catalog.uuid; COMMENT ON COLUMN app.c.p_uuid IS '[rekey 2: edge,; " + insertTrigger + "; " + updateTrigger}, nil},
		"done":    {step.WireEdge{Edge: e}, edgeView(e, 1), true, nil, []string{dropColumn}},
		"dropped": {step.FinishEdge{Edge: e}, gone(), false, nil, nil},
		"no mark": {step.WireEdge{Edge: e}, edgeView(e, 1, unmarked), true, nil, nil},
		"inherited": {step.WireEdge{Edge: inheriting}, edgeView(inheriting, 1, unmarked), false, []string{"app.c ACCESS EXCLUSIVE : " + makeFunction + "; " + private +
			"; COMMENT ON COLUMN app.c.p_uuid IS '[rekey 2: edge,; " + insertTrigger + "; " + updateTrigger}, nil},
		"inherited, done": {step.WireEdge{Edge: inheriting}, edgeView(inheriting, 1), true, nil, []string{dropsWired + "COMMENT ON COLUMN app.c.p_uuid IS NULL"}},
		"inherited, with a default": {step.WireEdge{Edge: withDefault}, edgeView(withDefault, 1, func(child, _ *catalog.Table) { child.Columns[1].Default = "'u'::uuid" }), true, nil, []string{
			dropsWired + "ALTER TABLE ONLY app.c ALTER COLUMN p_uuid DROP; COMMENT ON COLUMN app.c.p_uuid IS NULL",
		}},
		"no triggers": {
			step.WireEdge{Edge: e},
			edgeView(e, 1, func(child, _ *catalog.Table) { child.Triggers = nil }), false,
			[]string{"app.c SHARE ROW EXCLUSIVE : " + makeFunction + "; " + private + "; " + insertTrigger + "; " + updateTrigger},
			[]string{"app.c ACCESS EXCLUSIVE : " + dropFunction + "; ALTER TABLE app.c DROP COLUMN p_uuid"},
		},
		"disabled": {
			step.WireEdge{Edge: e},
			edgeView(e, 1, trigger(func(t *catalog.Trigger) { t.Enabled = "D" })), false,
			[]string{"app.c SHARE ROW EXCLUSIVE : ALTER TABLE app.c ENABLE TRIGGER ~rekey_p_id_i; ALTER TABLE app.c ENABLE TRIGGER ~rekey_p_id_u"},
			[]string{dropColumn},
		},
		"an older function of another owner": {
			step.WireEdge{Edge: e},
			edgeView(e, 1, trigger(func(t *catalog.Trigger) {
				t.Source, t.FunctionOwner, t.OwnerBecomes, t.Public = "", "postgres", true, true
			})), false,
			[]string{"app.c SHARE ROW EXCLUSIVE : ALTER FUNCTION app.rekey_c_p_id() OWNER TO boss; CREATE OR REPLACE FUNCTION app.rekey_c_p_id() RETURNS pg_catalog.trigger LANGUAGE; " + private},
			[]string{dropColumn},
		},
		"the integer may be NULL again": {
			step.WireEdge{Edge: e},
			edgeView(e, 4, func(child, _ *catalog.Table) { child.Columns[0].NotNull = false }), false,
			[]string{"app.c ACCESS EXCLUSIVE : ALTER TABLE app.c ALTER COLUMN p_uuid DROP NOT"},
			[]string{dropColumn},
		},
		"a function that is not volatile": {
			step.WireEdge{Edge: e},
			edgeView(e, 1, trigger(func(t *catalog.Trigger) { t.Volatile = false })), false,
			[]string{"app.c SHARE ROW EXCLUSIVE : CREATE OR REPLACE FUNCTION app.rekey_c_p_id() RETURNS pg_catalog.trigger LANGUAGE"},
			[]string{dropColumn},
		},
	})
	if actions := (step.WireEdge{Edge: e}).Undo(gone()); actions != nil {
		t.Errorf("of a table that was dropped: %v", heads(actions))
	}
	tree := edge(late, func(e *step.Edge) { e.Tree, e.Always, e.Reference.Deferrable = true, true, true })
	const enable = "ALTER TABLE app.c ENABLE ALWAYS TRIGGER "
	want := []string{"app.c SHARE ROW EXCLUSIVE : " + enable + "~rekey_p_id_i; " + enable + "~rekey_p_id_u; " + enable + "~rekey_p_id_l"}
	if diff := cmp.Diff(want, heads(step.WireEdge{Edge: tree}.Apply(edgeView(tree, 1)))); diff != "" {
		t.Error(diff)
	}
	other := edge(func(e *step.Edge) {
		e.Owner, e.Always = "alice", true
		e.Default = &step.EdgeDefault{Key: "1", UUID: "u"}
	})
	sql := strings.Join(step.WireEdge{Edge: other}.Apply(edgeView(other, 0))[0].SQL(), "\n")
	for _, want := range []string{`OWNER TO "alice"`, `ALTER COLUMN "p_uuid" SET DEFAULT 'u'::pg_catalog.uuid`, `ENABLE ALWAYS TRIGGER "~rekey_p_id_i"`, `pg_has_role(current_user, 'alice'`} {
		if !strings.Contains(sql, want) {
			t.Errorf("no %s in\n%s", want, sql)
		}
	}
}

func TestFillEdge(t *testing.T) {
	e := edge(composite)
	unfilled := edgeView(e, 1)
	unfilled.Unfilled = true
	checked := edgeView(e, 1, func(child, _ *catalog.Table) { child.Constraints = []catalog.Constraint{e.Target().Proof()} })
	checked.Unfilled = true
	dropCheck := "app.c ACCESS EXCLUSIVE : ALTER TABLE app.c DROP CONSTRAINT c_check"
	testEdges(t, map[string]edgeCase{
		"filled":       {step.FillEdge{Edge: e}, edgeView(e, 1), true, nil, nil},
		"not filled":   {step.FillEdge{Edge: e}, unfilled, false, []string{"fill app.c:"}, nil},
		"with a CHECK": {step.FillEdge{Edge: e}, checked, false, []string{dropCheck, "fill app.c:"}, nil},
	})
	child := e.Child
	const missing = `"c"."p_uuid" IS NULL AND "c"."p_id" IS NOT NULL AND "c"."t" IS NOT NULL`
	const parent = `FROM ONLY "app"."p" p WHERE p."id" OPERATOR(pg_catalog.=) "c"."p_id" AND p."t" OPERATOR(pg_catalog.=) "c"."t"`
	rows := step.FillEdge{Edge: e}.Rows()
	if got := rows.Unfilled(child); got != `SELECT FROM "app"."c" c WHERE `+missing+" AND EXISTS (SELECT "+parent+") LIMIT 1" {
		t.Error(got)
	}
	if got := rows.Stuck(child); !strings.Contains(got, missing+" AND NOT EXISTS (SELECT "+parent+")") {
		t.Error(got)
	}
	if got := e.Orphans(child); !strings.Contains(got, `"c"."p_id" IS NOT NULL AND "c"."t" IS NOT NULL AND NOT EXISTS (SELECT `+parent+")") {
		t.Error(got)
	}
	if got := e.ParentUUIDOf("c"); got != `SELECT p."uuid" `+parent {
		t.Error(got)
	}
}

func TestMirrorIndexes(t *testing.T) {
	e := edge()
	s := step.MirrorIndexes{Edge: e}
	index := func(change func(*catalog.Index)) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) { change(&child.Indexes[0]) }
	}
	unique := edge(func(e *step.Edge) { e.Twins[0].Unique = true })
	const build, drop = ": CREATE INDEX CONCURRENTLY i2 ON app.c USING btree", ": DROP INDEX CONCURRENTLY app.i2"
	testEdges(t, map[string]edgeCase{
		"missing": {s, edgeView(e, 1), false, []string{build}, nil},
		"of a later index": {s, edgeView(e, 1, func(child, parent *catalog.Table) {
			comment := edge(func(e *step.Edge) { e.Twins = nil }).Mark(child, parent).Comment(nil)
			child.Columns[1].Comment = &comment
		}), false, []string{"app.c SHARE UPDATE EXCLUSIVE : COMMENT ON COLUMN app.c.p_uuid IS '[rekey 2: edge,", build}, nil},
		"done":          {s, edgeView(e, 2), true, nil, []string{drop}},
		"invalid":       {s, edgeView(e, 2, index(func(i *catalog.Index) { i.Valid = false })), false, []string{drop, build}, []string{drop}},
		"unique":        {s, edgeView(e, 2, index(func(i *catalog.Index) { i.Unique = true })), false, []string{": CREATE INDEX CONCURRENTLY ~rekey_i2 ON app.c USING btree"}, []string{drop}},
		"another index": {s, edgeView(e, 2, index(func(i *catalog.Index) { i.Definition = "CREATE INDEX i2 ON app.c USING btree (x)" })), false, []string{build}, nil},
		"no definition": {s, edgeView(e, 2, index(func(i *catalog.Index) { i.Definition = "'" })), false, []string{build}, nil},
		"not rekey's":   {s, edgeView(e, 2, func(child, _ *catalog.Table) { child.Columns[1].Comment = nil }), true, nil, nil},
		"dropped":       {s, gone(), true, nil, nil},
		"to be unique":  {step.MirrorIndexes{Edge: unique}, edgeView(unique, 2), false, []string{": CREATE UNIQUE INDEX CONCURRENTLY ~rekey_i2 ON app.c USING"}, []string{drop}},
	})
}

// The index of a partitioned table is created first, and the indexes of its partitions are attached to it.
func TestMirrorIndexesOfPartitions(t *testing.T) {
	top, part := sqltext.Table{Schema: "app", Name: "c"}, sqltext.Table{Schema: "app", Name: "c1"}
	e := edge(func(e *step.Edge) {
		e.Tree = true
		e.Twins = []step.IndexTwin{
			{Table: top, Of: "i", Name: "i2", Definition: `USING btree ("p_uuid")`, Partitioned: true},
			{Table: part, Of: "c1_i", Name: "c1_i2", Above: sqltext.Table{Schema: "app", Name: "i2"}, Definition: `USING btree ("p_uuid")`, Tablespace: "fast", Predicate: "(a > 1)"},
			{Table: sqltext.Table{Schema: "app", Name: "detached"}, Name: "x"},
		}
	})
	s := step.MirrorIndexes{Edge: e}
	tree := func(attached uint32, valid bool) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) {
			child.Kind = catalog.Partitioned
			child.Below = []catalog.Table{{Schema: "app", Name: "c1", Indexes: []catalog.Index{
				{Name: "c1_i2", Valid: true, Parent: attached, Definition: "CREATE INDEX c1_i2 ON app.c1 USING btree (p_uuid) WHERE (a > 1)"},
			}}}
			if len(child.Indexes) > 0 {
				child.Indexes[0].Definition, child.Indexes[0].Valid = "CREATE INDEX i2 ON ONLY app.c USING btree (p_uuid)", valid
			} else {
				child.Below[0].Indexes = nil
			}
		}
	}
	const create, build = "app.c SHARE ROW EXCLUSIVE : CREATE INDEX i2 ON ONLY app.c USING btree", ": CREATE INDEX CONCURRENTLY c1_i2 ON app.c1 USING btree"
	const attach, drop, dropPart = "app.c1 ACCESS EXCLUSIVE : ALTER INDEX app.i2 ATTACH PARTITION app.c1_i2", "app.c ACCESS EXCLUSIVE : DROP INDEX app.i2", ": DROP INDEX CONCURRENTLY app.c1_i2"
	testEdges(t, map[string]edgeCase{
		"nothing":      {s, edgeView(e, 1, tree(0, false)), false, []string{create, build, attach}, nil},
		"not attached": {s, edgeView(e, 2, tree(0, false)), false, []string{attach}, []string{dropPart, drop}},
		"done":         {s, edgeView(e, 2, tree(7, true)), true, nil, []string{drop}},
	})
	if sql := s.Apply(edgeView(e, 1, tree(0, false)))[1].SQL()[0]; !strings.HasSuffix(sql, ` TABLESPACE "fast" WHERE (a > 1)`) {
		t.Error(sql)
	}
}

func TestBuildParentIndex(t *testing.T) {
	e := edge(composite)
	s := step.BuildParentIndex{Edge: e}
	const build, drop = ": CREATE UNIQUE INDEX CONCURRENTLY p_t_uuid_key ON app.p (t,", ": DROP INDEX CONCURRENTLY app.p_t_uuid_key"
	const comment = "app.p SHARE UPDATE EXCLUSIVE : COMMENT ON INDEX app.p_t_uuid_key IS '[rekey: index of"
	ours := "[rekey: index of edges]"
	index := func(comment *string, change func(*catalog.Index)) func(child, parent *catalog.Table) {
		return func(_, parent *catalog.Table) {
			i := catalog.Index{OID: 9, Name: "p_t_uuid_key", Columns: []string{"t", "uuid"}, Unique: true, Immediate: true, Valid: true, Comment: comment}
			if change != nil {
				change(&i)
			}
			parent.Indexes = []catalog.Index{i}
		}
	}
	used := func(_, parent *catalog.Table) { parent.ReferencedBy = []catalog.ForeignKey{{Index: 9}} }
	own := edgeView(e, 0, index(nil, nil)) // the application's: the mark does not name it
	testEdges(t, map[string]edgeCase{
		"missing":           {s, edgeView(e, 1), false, []string{build, comment}, nil},
		"built":             {s, edgeView(e, 1, index(nil, nil)), false, []string{comment}, []string{drop}},
		"done":              {s, edgeView(e, 1, index(&ours, nil)), true, nil, []string{drop}},
		"used":              {s, edgeView(e, 1, index(&ours, nil), used), true, nil, nil},
		"invalid":           {s, edgeView(e, 1, index(&ours, func(i *catalog.Index) { i.Valid = false })), false, []string{drop, build}, []string{drop}},
		"another":           {s, edgeView(e, 1, index(nil, func(i *catalog.Index) { i.Columns = nil })), false, []string{build}, nil},
		"the application's": {s, own, true, nil, nil},
		"dropped":           {s, gone(), false, []string{build}, nil},
		"parent dropped":    {s, step.View{}, false, []string{build}, nil},
	})
}

func TestLinkEdge(t *testing.T) {
	e := edge()
	s := step.LinkEdge{Edge: e}
	const add = "app.c SHARE ROW EXCLUSIVE app.p SHARE ROW EXCLUSIVE : ALTER TABLE app.c ADD CONSTRAINT k2 FOREIGN KEY"
	const validate = ": ALTER TABLE app.c VALIDATE CONSTRAINT k2"
	const drop = "app.c ACCESS EXCLUSIVE app.p ACCESS EXCLUSIVE : ALTER TABLE app.c DROP CONSTRAINT k2"
	key := func(change func(*catalog.ForeignKey)) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) { change(&child.ForeignKeys[0]) }
	}
	testEdges(t, map[string]edgeCase{
		"missing":       {s, edgeView(e, 2), false, []string{add, validate}, nil},
		"not validated": {s, edgeView(e, 3, key(func(k *catalog.ForeignKey) { k.Validated = false })), false, []string{validate}, []string{drop}},
		"done":          {s, edgeView(e, 3), true, nil, []string{drop}},
		"other actions": {s, edgeView(e, 3, key(func(k *catalog.ForeignKey) { k.OnDelete = catalog.SetNull })), false, []string{
			drop + "; ALTER TABLE app.c ADD CONSTRAINT k2 FOREIGN KEY", validate,
		}, []string{drop}},
		"not rekey's": {s, edgeView(e, 3, func(child, _ *catalog.Table) { child.Columns[1].Comment = nil }), true, nil, nil},
		"dropped":     {s, gone(), false, []string{add, validate}, nil},
	})
	all := edge(composite, func(e *step.Edge) {
		r := &e.Reference
		r.Match, r.OnUpdate, r.OnDelete, r.SetColumns, r.Deferrable, r.Deferred = catalog.MatchFull, catalog.Cascade, catalog.SetNull, []string{"p_id"}, true, true
	})
	const want = `ALTER TABLE "app"."c" ADD CONSTRAINT "k2" FOREIGN KEY ("t", "p_uuid") REFERENCES "app"."p" ("t", "uuid") MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL ("p_uuid") DEFERRABLE INITIALLY DEFERRED NOT VALID`
	if got := (step.LinkEdge{Edge: all}).Apply(edgeView(all, 2))[0].SQL()[0]; got != want {
		t.Error(got)
	}
}

func TestLinkEdgeOfPartitions(t *testing.T) {
	e := edge(func(e *step.Edge) { e.Tree = true })
	s := step.LinkEdge{Edge: e}
	tree := func(states ...bool) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) {
			k := edgeView(e, 3).Table.ForeignKeys[0]
			child.Kind = catalog.Partitioned
			child.Below = []catalog.Table{{Schema: "app", Name: "mid", Kind: catalog.Partitioned}, {Schema: "app", Name: "c1", Kind: catalog.Ordinary}}
			for _, validated := range states {
				k.Validated = validated
				child.Below[1].ForeignKeys = []catalog.ForeignKey{k}
			}
		}
	}
	newer := edgeView(e, 2, tree())
	newer.Server.Version = 180000
	const add, adopt = "app.c1 SHARE ROW EXCLUSIVE app.p SHARE ROW EXCLUSIVE : ALTER TABLE app.c1 ADD CONSTRAINT k2 FOREIGN KEY", "app.c SHARE ROW EXCLUSIVE app.p ACCESS EXCLUSIVE : ALTER TABLE app.c ADD CONSTRAINT k2 FOREIGN KEY"
	const validate, drop = ": ALTER TABLE app.c1 VALIDATE CONSTRAINT k2", "app.c1 ACCESS EXCLUSIVE app.p ACCESS EXCLUSIVE : ALTER TABLE app.c1 DROP CONSTRAINT k2"
	testEdges(t, map[string]edgeCase{
		"missing":   {s, edgeView(e, 2, tree()), false, []string{add, validate, adopt}, nil},
		"half done": {s, edgeView(e, 2, tree(false)), false, []string{validate, adopt}, []string{drop}},
		"validated": {s, edgeView(e, 2, tree(true)), false, []string{adopt}, []string{drop}},
		"other actions": {
			s, edgeView(e, 3, tree(true), func(child, _ *catalog.Table) { child.ForeignKeys[0].Deferrable = true }), false,
			[]string{"app.c ACCESS EXCLUSIVE app.p ACCESS EXCLUSIVE : ALTER TABLE app.c DROP CONSTRAINT k2"},
			[]string{"app.c ACCESS EXCLUSIVE app.p ACCESS EXCLUSIVE : ALTER TABLE app.c DROP CONSTRAINT k2"},
		},
		"other actions of a partition": {s, edgeView(e, 2, tree(true), func(child, _ *catalog.Table) { child.Below[1].ForeignKeys[0].Deferrable = true }), false, []string{drop, add, validate, adopt}, []string{drop}},
		"18":                           {s, newer, false, []string{"app.c SHARE ROW EXCLUSIVE app.p SHARE ROW EXCLUSIVE : ALTER TABLE app.c ADD CONSTRAINT k2 FOREIGN KEY", ": ALTER TABLE app.c VALIDATE CONSTRAINT k2"}, nil},
	})
}

func TestRequireUUID(t *testing.T) {
	e := edge()
	s := step.RequireUUID{Edge: e}
	proof := func(validated bool) func(child, parent *catalog.Table) {
		return func(child, _ *catalog.Table) {
			p := e.Target().Proof()
			p.Validated = validated
			child.Constraints = []catalog.Constraint{p}
		}
	}
	const add, validate = "app.c ACCESS EXCLUSIVE : ALTER TABLE app.c ADD CONSTRAINT c_check CHECK (p_uuid", ": ALTER TABLE app.c VALIDATE CONSTRAINT c_check"
	const set, drop = "app.c ACCESS EXCLUSIVE : ALTER TABLE app.c ALTER COLUMN p_uuid SET NOT", "app.c ACCESS EXCLUSIVE : ALTER TABLE app.c DROP CONSTRAINT c_check"
	testEdges(t, map[string]edgeCase{
		"nullable":      {s, edgeView(e, 3), false, []string{add, validate, set, drop}, nil},
		"not validated": {s, edgeView(e, 3, proof(false)), false, []string{validate, set, drop}, []string{drop}},
		"validated":     {s, edgeView(e, 3, proof(true)), false, []string{set, drop}, []string{drop}},
		"CHECK left":    {s, edgeView(e, 4, proof(true)), false, []string{drop}, []string{drop}},
		"done":          {s, edgeView(e, 4), true, nil, nil},
	})
}

func TestFinishEdge(t *testing.T) {
	e := edge()
	s := step.FinishEdge{Edge: e}
	const write = "app.c SHARE UPDATE EXCLUSIVE : COMMENT ON COLUMN app.c.p_uuid IS '[rekey 2: edge"
	testEdges(t, map[string]edgeCase{
		"dropped":      {s, gone(), false, nil, nil},
		"no column":    {s, edgeView(e, 0), false, nil, nil},
		"not finished": {s, edgeView(e, 4), false, []string{write}, nil},
		"done":         {s, edgeView(e, 5), true, nil, []string{write + ","}},
	})
}

// Every step says what it does, and an edge has the steps that it needs.
func TestEdgeSteps(t *testing.T) {
	ids := func(e step.Edge) (ids []string) {
		for _, s := range step.EdgeSteps(e) {
			ids = append(ids, strings.TrimPrefix(string(s.ID()), "app.c.p_id/"))
			if x := s.Explain(); slices.Contains([]string{x.What, x.Undo, x.Why, x.Lock, x.Scans, string(x.UndoneBy)}, "") {
				t.Errorf("%s: %+v", s.ID(), x)
			}
			if s.Rows() == nil != (s.ID() != "app.c.p_id/fill") {
				t.Errorf("%s reads rows: %t", s.ID(), s.Rows() != nil)
			}
		}
		return ids
	}
	tree := func(e *step.Edge) { e.Tree, e.Inherited = true, true }
	for want, e := range map[string]step.Edge{
		"[wire fill mirror-indexes link require-uuid finish]":              edge(),
		"[wire fill parent-index mirror-indexes link require-uuid finish]": edge(composite, tree),
		"[wire fill mirror-indexes link require-uuid finish move-arbiter]": edge(moving),
		"[wire fill finish]": edge(late, func(e *step.Edge) { e.Reference, e.Twins = catalog.ForeignKey{}, nil }),
	} {
		if got := fmt.Sprint(ids(e)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := edge(tree).Target(); !got.IsTree() || got.Column != "p_uuid" {
		t.Errorf("%+v", got)
	}
}

// Triggers sort after the application's. The triggers of a composite key sort after the triggers that fill its other columns.
func TestEdgeTriggerNames(t *testing.T) {
	long := edge(func(e *step.Edge) { e.Column = strings.Repeat("x", 63) })
	if got := fmt.Sprint(edge(late).TriggerNames(), edge(composite).TriggerNames()); got != "[~rekey_p_id_i ~rekey_p_id_u ~rekey_p_id_l] [~rekey~_p_id_i ~rekey~_p_id_u]" {
		t.Error(got)
	}
	if names := long.TriggerNames(); len(names[0]) != 63 || names[0] == names[1] {
		t.Errorf("%q", names)
	}
	if got := fmt.Sprint(edge(), edge().SelfReference()); got != "app.c.p_id false" {
		t.Error(got)
	}
	var modes []lock.Mode
	for _, l := range (step.LinkEdge{Edge: edge()}).Apply(edgeView(edge(), 2))[0].(step.Change).Locks {
		modes = append(modes, l.Mode)
	}
	if fmt.Sprint(modes) != "[SHARE ROW EXCLUSIVE SHARE ROW EXCLUSIVE]" {
		t.Error(modes)
	}
}
