package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/profile"
)

// Phase linked is offered at one version of a library, and below it as far as up reaches it.
func TestLinkIsOfferedAtOneVersion(t *testing.T) {
	for version, want := range map[string]string{"1": "", "2": "", "3": "link_version", "4": "link_version", "0": "version_too_old"} {
		p := Build(profileRun(version, func(s *Input) { s.Goal, s.Profile.LinkAt = Linked, 2 }))
		if codes(p.Refusals) != want {
			t.Errorf("version %s: %v, want %q", version, p.Refusals, want)
		}
	}
}

// Tables of a library that get no column have edges too. Edges have the names of a later version of the library. A
// reference without a foreign key is no edge, unless it is named.
func TestLibraryReferences(t *testing.T) {
	key := catalog.Column{Name: "t_id", Number: 2, Type: "bigint"}
	child := newTable("child", 4)
	child.Columns = append(child.Columns, key, catalog.Column{Name: "loose_id", Number: 3, Type: "bigint"})
	child.Indexes = append(
		child.Indexes,
		catalog.Index{
			OID: 41, Name: "child_t_id_index", Columns: []string{"t_id"}, Method: "btree", Valid: true, Immediate: true, Uses: []string{"t_id"},
			Definition: "CREATE INDEX child_t_id_index ON app.child USING btree (t_id)",
		},
		catalog.Index{
			OID: 42, Name: "child_t_id_id_index", Columns: []string{"t_id", "id"}, Method: "btree", Valid: true, Immediate: true, Uses: []string{"t_id", "id"},
			Definition: "CREATE INDEX child_t_id_id_index ON app.child USING btree (t_id, id)",
		},
	)
	child.ForeignKeys = []catalog.ForeignKey{{
		OID: 43, Name: "child_t_id_fkey", Child: named("child"), Parent: named("t"), ChildColumns: []string{"t_id"}, ParentColumns: []string{"id"}, Validated: true,
	}}
	input := profileRun("2", func(s *Input) {
		s.Goal, s.Profile.LinkAt = Linked, 2
		s.Profile.References = []profile.Reference{
			{Table: "child", Column: "t_id", Parent: "t", UUIDColumn: "t_key", Constraint: "fk_t_key", Index: "child_t_key_idx"},
			{Table: "child", Column: "loose_id", Parent: "t", UUIDColumn: "loose_key"},
			{Table: "t", Column: "absent_id", Parent: "t", UUIDColumn: "absent_key"},
			{Table: "none", Column: "t_id", Parent: "t", UUIDColumn: "t_key"},
		}
		s.Schema.Relations = append(s.Schema.Relations, child)
	})
	if got := input.Reading().Referencing; !slices.Equal(got, []string{"child", "none"}) {
		t.Errorf("reads %q for edges", got)
	}
	var got []string
	for _, l := range Build(input).Links {
		got = append(got, l.Edge.String()+" "+l.Edge.UUID+" "+l.Edge.Constraint)
		for _, twin := range l.Edge.Twins {
			got = append(got, twin.Of+" "+twin.Name)
		}
	}
	want := []string{"app.child.t_id t_key fk_t_key", "child_t_id_index child_t_key_idx", "child_t_id_id_index child_t_key_id_index"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
