package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// unsupportedSchema has a table with columns of every kind of unsupported reference, and columns that only look like one.
func unsupportedSchema() Input {
	s := schemaRun()
	s.Goal = Linked
	s.Schema.Relations[0].Name, s.Schema.Relations[1].Name = "users", "blog_posts"
	child := addTable(&s, "notes")
	for _, pair := range []string{"subject", "owner", "user", "kept", "other"} {
		addColumn(child, catalog.Column{Name: pair + "_type", Type: "character varying(255)"})
		addColumn(child, catalog.Column{Name: pair + "_id", Type: "bigint"})
	}
	for name, kind := range map[string]string{
		"target_content_type_id": "integer", "target_object_id": "text", "loose_object_id": "text", "fk_type": "text", "made_type": "text",
		"user_ids": "integer[]", "color_ids": "integer[]", "few_user_ids": "bigint[]", "wrong_user_ids": "bigint[]", "text_user_ids": "text[]",
		"named_user_ids": "text[]", "settings": "jsonb", "payload": "jsonb", "post_ids": "json", "number_type": "integer", "number_id": "bigint",
		"fk_id": "bigint",
	} {
		addColumn(child, catalog.Column{Name: name, Type: kind})
	}
	addColumn(child, catalog.Column{Name: "made_id", Type: "bigint", Generated: true})
	addKey(child, first(&s), []string{"fk_id"}, []string{"id"})
	many := []string{`App\Models\User`, "gold", "silver", "lead"}
	s.IDSamples = map[Reference]IDSample{
		{Child: "notes", Column: "owner_id"}:       {Types: many},
		{Child: "notes", Column: "user_id"}:        {Types: []string{"gold", "silver"}},
		{Child: "notes", Column: "kept_id"}:        {Types: []string{`App\Models\User`, "Blog::Post"}},
		{Child: "notes", Column: "other_id"}:       {Types: []string{"gold"}},
		{Child: "notes", Column: "few_user_ids"}:   {Overlap: Overlap{Distinct: 2, Found: 2}},
		{Child: "notes", Column: "wrong_user_ids"}: {Overlap: Overlap{Distinct: 9, Found: 1}},
		{Child: "notes", Column: "text_user_ids"}:  {},
		{Child: "notes", Column: "named_user_ids"}: {Overlap: Overlap{Distinct: 200, Found: 200}},
		{Child: "notes", Column: "payload"}:        {Keys: []string{"userId", "post_ids", "thing_id", "a_user_id", "b_user_id", "c_user_id", "d_user_id"}},
	}
	return s
}

func TestUnsupported(t *testing.T) {
	s := unsupportedSchema()
	got := map[string]string{}
	for _, u := range Build(s).Unsupported {
		got[u.Column] = string(u.Kind) + " " + u.Parent + ": " + strings.Join(u.Evidence, "; ")
	}
	want := map[string]string{
		"subject_id":       "polymorphic : name: subject_type may name the table of subject_id",
		"kept_id":          "polymorphic : name: kept_type may name the table of kept_id; values: rows of kept_type name users, blog_posts",
		"target_object_id": "polymorphic : name: target_content_type_id may name the table of target_object_id",
		"user_ids":         "array users: name: user_ids may be ids of rows of users; type: integer[]",
		"few_user_ids":     "array users: name: few_user_ids may be ids of rows of users; type: bigint[]; values: 2 of 2 distinct values of a sample are keys there",
		"named_user_ids":   "array users: name: named_user_ids may be ids of rows of users; type: text[]; values: 200 of 200 distinct values of a sample are keys there",
		"payload":          "json : keys of a sample with numbers as values: userId (users), post_ids (blog_posts), a_user_id (users), b_user_id (users), c_user_id (users), and 1 more",
		"post_ids":         "json blog_posts: name: post_ids may be ids of rows of blog_posts; type: json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, c := range Build(s).Candidates {
		if want[c.Column] != "" {
			t.Errorf("%s is a candidate too", c.Column)
		}
	}
	s.Goal = Expanded
	if list := Build(s).Unsupported; list != nil {
		t.Errorf("without edges: %v", list)
	}
}

// A sample is read of every column whose rows decide, and of no other one.
func TestUnsupportedCandidates(t *testing.T) {
	s := unsupportedSchema()
	parents := map[string]string{}
	for _, u := range s.UnsupportedCandidates() {
		parents[u.Column] = ""
		if parent, key := u.ParentKey(); parent != nil {
			parents[u.Column] = parent.Name + "." + key
		}
	}
	want := map[string]string{
		"subject_id": "", "owner_id": "", "user_id": "users.id", "kept_id": "", "other_id": "", "target_object_id": "", "settings": "", "payload": "",
		"user_ids": "users.id", "few_user_ids": "users.id", "wrong_user_ids": "users.id", "text_user_ids": "users.id", "named_user_ids": "users.id",
		"post_ids": "blog_posts.id",
	}
	if diff := cmp.Diff(want, parents); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A reference that no foreign key can mirror is refused by its kind, not by its type.
func TestUnsupportedReference(t *testing.T) {
	for column, text := range map[string]string{
		"kept_id":          "polymorphic: kept_type says",
		"target_object_id": "polymorphic: target_content_type_id says",
		"user_ids":         "user_ids is an array of ids",
		"color_ids":        "color_ids is an array of ids",
		"settings":         "settings holds ids in JSON documents",
		"user_id":          "",
		"text":             "has no column text",
	} {
		s := unsupportedSchema()
		s.Selection.References = []Reference{{"notes", column, "users"}}
		p := Build(s)
		if text == "" && len(p.Refusals) == 0 {
			continue
		}
		if text == "" || codes(p.Refusals) != "bad_reference" || !strings.Contains(p.Refusals.Error(), text) {
			t.Errorf("%s: %v, want %q", column, p.Refusals, text)
		}
	}
}
