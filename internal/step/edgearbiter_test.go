package step_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// oneToOne is an edge whose index is unique, and moving one whose twin takes that over.
func oneToOne(e *step.Edge) { e.Twins[0].OfUnique = true }

func moving(e *step.Edge) {
	oneToOne(e)
	e.Twins[0].Unique, e.Twins[0].Moves = true, true
}

func returning(e *step.Edge) {
	oneToOne(e)
	e.Twins[0].Returns = true
}

// with replaces the indexes of the child.
func with(indexes ...catalog.Index) func(child, parent *catalog.Table) {
	return func(child, _ *catalog.Table) { child.Indexes = indexes }
}

// markedMoved writes into the mark that index i was moved.
func markedMoved(constraint bool) func(child, parent *catalog.Table) {
	return func(child, _ *catalog.Table) {
		mark, _ := step.ReadEdgeMark(&child.Columns[1])
		mark.Moved = []step.MovedIndex{{Index: "i", Constraint: constraint, Comment: map[bool]string{true: "words"}[constraint]}}
		comment := mark.Comment(nil)
		child.Columns[1].Comment = &comment
	}
}

func TestMoveArbiter(t *testing.T) {
	const (
		plain, unique = ": CREATE INDEX CONCURRENTLY ~rekey_i ON app.c USING btree", ": CREATE UNIQUE INDEX CONCURRENTLY ~rekey_i ON app.c USING"
		drop          = ": DROP INDEX CONCURRENTLY app.~rekey_i"
		swap          = "app.c ACCESS EXCLUSIVE : DROP INDEX app.i; ALTER INDEX app.~rekey_i RENAME TO i; COMMENT ON COLUMN app.c.p_uuid IS '[rekey 2: edge"
		constraint    = "app.c ACCESS EXCLUSIVE : DROP INDEX app.i; ALTER TABLE app.c ADD CONSTRAINT i UNIQUE USING; COMMENT ON CONSTRAINT i ON app.c IS 'words'; COMMENT ON COLUMN app.c.p_uuid IS '[rekey 2: edge"
		unmarked      = "app.c ACCESS EXCLUSIVE : DROP INDEX app.i; ALTER INDEX app.~rekey_i RENAME TO i"
	)
	i, twin := btree("app.c", "i", true, "p_id"), btree("app.c", "i2", true, "p_uuid")
	was, built, again := btree("app.c", "i", false, "p_id"), btree("app.c", "~rekey_i", false, "p_id"), btree("app.c", "~rekey_i", true, "p_id")
	ours := func(i catalog.Index, change func(*catalog.Index)) catalog.Index {
		change(&i)
		return i
	}
	invalid := ours(built, func(i *catalog.Index) { i.Valid = false })
	up, back, other := step.MoveArbiter{Edge: edge(moving)}, step.MoveArbiter{Edge: edge(returning)}, step.MoveArbiter{Edge: edge(oneToOne)}
	reached := func(s step.MoveArbiter, changes ...func(child, parent *catalog.Table)) step.View {
		return edgeView(s.Edge, 5, changes...)
	}
	testEdges(t, map[string]edgeCase{
		"no table":              {up, gone(), true, nil, nil},
		"not finished":          {up, edgeView(up.Edge, 4, with(i, twin)), false, nil, nil},
		"the twin is plain":     {up, reached(up, with(i, btree("app.c", "i2", false, "p_uuid"))), false, nil, nil},
		"both unique":           {up, reached(up, with(i, twin)), false, []string{plain}, nil},
		"half built":            {up, reached(up, with(i, twin, invalid)), false, []string{drop}, []string{drop}},
		"of another uniqueness": {up, reached(up, with(i, twin, again)), false, []string{drop}, []string{drop}},
		"built":                 {up, reached(up, with(i, twin, built)), false, []string{swap}, []string{drop}},
		"moved":                 {up, reached(up, with(was, twin), markedMoved(false)), true, nil, []string{unique}},
		"moved, and half back":  {up, reached(up, with(was, twin, again), markedMoved(false)), false, []string{drop}, []string{swap}},
		"a constraint":          {back, reached(back, with(was, twin, again), markedMoved(true)), false, []string{constraint}, []string{constraint}},
		"to be given back":      {back, reached(back, with(was, twin), markedMoved(false)), false, []string{unique}, []string{unique}},
		"the mark is new":       {back, reached(back, with(was, twin, again)), false, []string{unmarked}, []string{unmarked}},
		"never unique":          {back, reached(back, with(was, btree("app.c", "i2", false, "p_uuid"))), true, nil, nil},
		"left":                  {other, reached(other, with(i, twin, built)), false, []string{drop}, []string{drop}},
		"not rekey's":           {up, reached(up, with(was, twin), func(child, _ *catalog.Table) { child.Columns[1].Comment = nil }), false, nil, nil},
		"without an index":      {up, reached(up, with(twin)), false, nil, nil},
	})
}

// The plain index has all that the unique one had, and the statements run only if nothing has changed.
func TestMoveArbiterKeepsDetails(t *testing.T) {
	e := edge(moving)
	words := "it's"
	of := btree("app.c", "i", true, "p_id")
	of.Constraint, of.Comment, of.ConstraintComment, of.Statistics, of.Clustered, of.Tablespace, of.Predicate = "i", &words, &words, []int32{-1, 80}, true, "fast", "(a = ' WHERE '::text)"
	of.Definition += " WHERE " + of.Predicate
	s := step.MoveArbiter{Edge: e}
	view := func(indexes ...catalog.Index) step.View {
		return edgeView(e, 5, with(append([]catalog.Index{of, btree("app.c", "i2", true, "p_uuid")}, indexes...)...))
	}
	const want = `CREATE INDEX CONCURRENTLY "~rekey_i" ON "app"."c" USING btree (p_id) TABLESPACE "fast" WHERE (a = ' WHERE '::text)`
	if sql := s.Apply(view())[0].SQL()[0]; sql != want {
		t.Error(sql)
	}
	built := btree("app.c", "~rekey_i", false, "p_id")
	built.Definition += " WHERE " + of.Predicate
	if a := s.Apply(view(built))[0]; len(a.DroppedIndexes()) != 1 || a.DroppedIndexes()[0] != "~rekey_i" {
		t.Errorf("an index in another tablespace is taken: %v", a)
	}
	built.Tablespace = "fast"
	change := s.Apply(view(built))[0].(step.Change)
	for _, part := range []string{
		`ALTER TABLE "app"."c" DROP CONSTRAINT "i"`, `COMMENT ON INDEX "app"."i" IS 'it''s'`, `ALTER INDEX "app"."i" ALTER COLUMN 2 SET STATISTICS 80`,
		`ALTER TABLE "app"."c" CLUSTER ON "i"`,
	} {
		if !slices.Contains(change.Statements, part) {
			t.Errorf("no %s in %q", part, change.Statements)
		}
	}
	if last := change.Statements[len(change.Statements)-1]; !strings.Contains(last, `"moved":[{"index":"i","constraint":true,"comment":"it''s"}]`) {
		t.Error(last)
	}
	for _, part := range []string{"('i2', 'CREATE UNIQUE INDEX i2", "('i', 'CREATE UNIQUE INDEX i ", "('~rekey_i', 'CREATE INDEX", "= 3", "col_description", "~rekey_p_id_i"} {
		if !strings.Contains(change.Guard, part) {
			t.Errorf("no %s in the guard %s", part, change.Guard)
		}
	}
}

// A twin becomes unique or plain without a time in which there is none, and never before another index keeps the rows unique.
func TestReplacedTwins(t *testing.T) {
	unique, plain := edge(moving), edge(returning)
	up, back := step.MirrorIndexes{Edge: unique}, step.MirrorIndexes{Edge: plain}
	i, was := btree("app.c", "i", true, "p_id"), btree("app.c", "i", false, "p_id")
	one, two := btree("app.c", "i2", false, "p_uuid"), btree("app.c", "i2", true, "p_uuid")
	built, other := btree("app.c", "~rekey_i2", true, "p_uuid"), btree("app.c", "~rekey_i2", false, "p_uuid")
	const drop, dropBuilt = ": DROP INDEX CONCURRENTLY app.i2", ": DROP INDEX CONCURRENTLY app.~rekey_i2"
	const swap, giveBack = "app.c ACCESS EXCLUSIVE : DROP INDEX app.i2; ALTER INDEX app.~rekey_i2 RENAME TO i2", ": CREATE UNIQUE INDEX CONCURRENTLY ~rekey_i ON app.c USING"
	testEdges(t, map[string]edgeCase{
		"built":      {up, edgeView(unique, 5, with(i, one, built)), false, []string{swap}, []string{dropBuilt, drop}},
		"built once": {up, edgeView(unique, 5, with(i, one, other)), false, []string{dropBuilt}, []string{dropBuilt, drop}},
		"left":       {up, edgeView(unique, 5, with(i, two, built)), false, []string{dropBuilt}, []string{dropBuilt, drop}},
		"plain":      {back, edgeView(plain, 5, with(i, two, other)), false, []string{swap}, []string{dropBuilt, drop}},
		"moved":      {back, edgeView(plain, 5, with(was, two), markedMoved(false)), false, []string{giveBack}, []string{giveBack}},
	})
}

func TestMovedIndexes(t *testing.T) {
	e := edge(moving)
	view := edgeView(e, 5, with(btree("app.c", "i", false, "p_id"), btree("app.c", "i2", true, "p_uuid"), btree("app.c", "~rekey_i", true, "p_id")), markedMoved(false))
	child := view.Relation(e.Child)
	if twins, _ := step.Twins(child, "p_id", "p_uuid"); len(twins) != 1 || twins[0].Of != "i" {
		t.Errorf("%+v", twins)
	}
	if again := e.Mark(child, view.Relation(e.Parent)); len(again.Moved) != 1 {
		t.Errorf("%+v", again)
	}
	if away := step.MovedAway(child); away != nil {
		t.Error(away)
	}
	child.Indexes = nil
	if away := step.MovedAway(child); !slices.Equal(away, []string{"i"}) {
		t.Error(away)
	}
	nulls := catalog.Index{Name: "n_p_id", Method: "btree", Valid: true, Unique: true, Columns: []string{"p_id"}, Definition: "CREATE UNIQUE INDEX n ON app.c USING btree (p_id) NULLS NOT DISTINCT WITH (fillfactor='70')"}
	twins, _ := step.Twins(&catalog.Table{Schema: "app", Name: "c", Indexes: []catalog.Index{nulls}}, "p_id", "p_uuid")
	if want := `USING btree ("p_uuid") NULLS NOT DISTINCT WITH (fillfactor='70')`; len(twins) != 1 || twins[0].UniqueDefinition != want || twins[0].Table != (sqltext.Table{Schema: "app", Name: "c"}) {
		t.Errorf("%+v", twins)
	}
	twins[0].Unique = true
	nullsEqual := edge(func(e *step.Edge) { e.Twins = twins })
	if sql := (step.MirrorIndexes{Edge: nullsEqual}).Apply(edgeView(nullsEqual, 1))[0].SQL()[0]; !strings.Contains(sql, "NULLS NOT DISTINCT") {
		t.Error(sql)
	}
}
