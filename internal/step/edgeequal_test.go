package step_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// The other columns of a composite key are compared too, and a row without a value in one of them refers to nothing.
func TestDifferent(t *testing.T) {
	const join = `SELECT pg_catalog.count(*) FROM "app"."c" c LEFT JOIN ONLY "app"."p" p ON p."id" OPERATOR(pg_catalog.=) c."p_id"`
	const where = ` WHERE c."p_uuid" IS NOT NULL AND (p."uuid" OPERATOR(pg_catalog.<>) c."p_uuid" OR c."p_id" IS NULL`
	for name, c := range map[string]struct {
		edge step.Edge
		want string
	}{
		"one column": {edge(), join + where + ")"},
		"composite":  {edge(composite), join + ` AND p."t" OPERATOR(pg_catalog.=) c."t"` + where + ` AND c."t" IS NOT NULL)`},
	} {
		if diff := cmp.Diff(c.want, c.edge.Different(c.edge.Child)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestEqualize(t *testing.T) {
	byKey, byUUID := edge(composite).Equalize()
	want := []string{
		`UPDATE "app"."c" c SET "p_uuid" = p."uuid" FROM ONLY "app"."p" p WHERE p."id" OPERATOR(pg_catalog.=) c."p_id" AND p."t" OPERATOR(pg_catalog.=) c."t" AND c."p_uuid" IS DISTINCT FROM p."uuid"`,
		`UPDATE "app"."c" c SET "p_uuid" = NULL WHERE c."p_id" IS NULL AND c."p_uuid" IS NOT NULL AND c."t" IS NOT NULL`,
		`UPDATE "app"."c" c SET "p_id" = p."id" FROM ONLY "app"."p" p WHERE p."uuid" OPERATOR(pg_catalog.=) c."p_uuid" AND p."t" OPERATOR(pg_catalog.=) c."t" AND c."p_id" IS DISTINCT FROM p."id"`,
	}
	if diff := cmp.Diff(want, slices.Concat(byKey, byUUID)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The mark is restored with all indexes, after what the user wrote before it, without white space.
func TestRestoreMark(t *testing.T) {
	e := edge()
	v := edgeView(e, 2)
	child, parent := v.Relation(e.Child), v.Relation(e.Parent)
	written := "the customer's\n" + *child.Column("p_uuid").Comment
	child.Column("p_uuid").Comment = &written
	full, orphan := e.RestoreMark(child, parent), e.RestoreMark(child, nil)
	if !strings.HasPrefix(full, `COMMENT ON COLUMN "app"."c"."p_uuid" IS E'the\x20customer''s\n[`) {
		t.Error(full)
	}
	for _, sql := range []string{full, orphan} {
		if !strings.Contains(sql, `"indexes":["i2"]`) || strings.Count(sql, `2:\x20edge,`) != 1 || strings.Contains(sql, "the customer") {
			t.Error(sql)
		}
	}
	if orphan != full { // the edge has the names of a parent that was dropped
		t.Error(cmp.Diff(full, orphan))
	}
	child.Column("p_uuid").Comment = restored(t, orphan)
	if origin, mark := e.ReadMark(child); origin != step.Made || !mark.Parent.Same(e.Parent) || mark.Column != e.Column {
		t.Errorf("origin %d, mark %+v", origin, mark)
	}
}

// restored returns the comment that a statement with E'…' writes.
func restored(t *testing.T, statement string) *string {
	tokens, _ := sqltext.Tokens(statement)
	comment, ok := tokens[len(tokens)-1].Constant()
	if !ok {
		t.Fatal(statement)
	}
	comment = strings.ReplaceAll(comment, `\x20`, " ")
	return &comment
}

// Only a function that rekey made for an edge, that nothing uses, and that a trusted role owns is replaced.
func TestMayReplace(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*catalog.TriggerFunction)
		want   bool
	}{
		"made":                {func(*catalog.TriggerFunction) {}, true},
		"of rekey's role":     {func(f *catalog.TriggerFunction) { f.Owner = "rekey" }, true},
		"of a superuser":      {func(f *catalog.TriggerFunction) { f.Owner, f.Superuser = "postgres", true }, true},
		"of another role":     {func(f *catalog.TriggerFunction) { f.Owner = "mallory" }, false},
		"used by a trigger":   {func(f *catalog.TriggerFunction) { f.Used = "app.c" }, false},
		"no trigger function": {func(f *catalog.TriggerFunction) { f.Trigger = false }, false},
		"not made by rekey":   {func(f *catalog.TriggerFunction) { f.Comment = "mine" }, false},
	} {
		f := catalog.TriggerFunction{Trigger: true, Owner: "boss", Comment: "[rekey: keeps the two columns of an edge equal]"}
		c.change(&f)
		if got := edge().MayReplace(f, "rekey"); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestIsTriggerOf(t *testing.T) {
	for _, name := range edge(composite, late).TriggerNames() {
		if !step.IsTriggerOf(name, "p_id") || step.IsTriggerOf(name, "q_id") || step.IsTriggerOf(strings.TrimPrefix(name, "~rekey"), "p_id") {
			t.Error(name)
		}
	}
	if step.IsTriggerOf("~rekey_p_id_x", "p_id") {
		t.Error("an unknown kind")
	}
	if e := edge(); e.HasTriggers(edgeView(e, 0).Table) || !e.HasTriggers(edgeView(e, 1).Table) {
		t.Error("triggers before and after wiring")
	}
}

func TestDefaultUUID(t *testing.T) {
	for text, want := range map[string]string{"'" + aUUID + "'::uuid": aUUID, "app.f()": "", "": ""} {
		if got := step.DefaultUUID(&catalog.Column{Default: text}); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestLikeTwin(t *testing.T) {
	twin := edge().Twins[0]
	for definition, want := range map[string]bool{
		"CREATE INDEX x ON app.c USING btree (p_uuid)":        true,
		"CREATE UNIQUE INDEX x ON app.c USING btree (p_uuid)": true,
		"CREATE INDEX x ON app.c USING hash (p_uuid)":         false,
	} {
		if got := twin.Like(&catalog.Index{Definition: definition, Unique: strings.Contains(definition, "UNIQUE")}); got != want {
			t.Errorf("%s: %t", definition, got)
		}
	}
}
