package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// seats returns t, u, the join table seats (t_id, u_id), and badges (t_id, holder), which refers to seats.
func seats(alter ...func(seats, badges *catalog.Table)) func(*Input) {
	return func(s *Input) {
		addTable(s, "seats")
		addTable(s, "badges")
		t, u, seats, badges := &s.Schema.Relations[0], &s.Schema.Relations[1], &s.Schema.Relations[2], &s.Schema.Relations[3]
		refer(seats, "t_id", t)
		refer(seats, "u_id", u)
		seats.Indexes[0].Columns = []string{"t_id", "u_id"}
		addColumn(badges, catalog.Column{Name: "t_id", Type: "bigint", Length: 8, Alignment: 8})
		addColumn(badges, catalog.Column{Name: "holder", Type: "bigint", Length: 8, Alignment: 8})
		addKey(badges, seats, []string{"holder", "t_id"}, []string{"u_id", "t_id"})
		for _, table := range []*catalog.Table{seats, badges} {
			for i := range table.Columns {
				table.Columns[i].NotNull = true
			}
		}
		for _, f := range alter {
			f(seats, badges)
		}
		for _, table := range []*catalog.Table{t, u} {
			table.ReferencedBy = nil
		}
		for _, k := range badges.ForeignKeys {
			k.ChildOwned = true
			seats.ReferencedBy = append(seats.ReferencedBy, k)
		}
	}
}

// A composite foreign key onto a join table implies a reference of each column to the join table's parents.
func TestImpliedReferences(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(seats, badges *catalog.Table)
		want  string // of badges.holder
	}{
		"not null":         {func(_, _ *catalog.Table) {}, "app.u id required"},
		"may be null":      {func(_, badges *catalog.Table) { badges.Column("t_id").NotNull = false }, "app.u id"},
		"not valid":        {func(_, badges *catalog.Table) { badges.ForeignKeys[0].Validated = false }, "app.u id"},
		"parent not valid": {func(seats, _ *catalog.Table) { seats.ForeignKeys[1].Validated = false }, "app.u id"},
		"deferrable":       {func(_, badges *catalog.Table) { badges.ForeignKeys[0].Deferrable = true }, "app.u id late"},
		"parent deferrable": {func(seats, _ *catalog.Table) {
			seats.ForeignKeys[1].Deferrable = true
		}, "app.u id late"},
	} {
		p := Build(linked(seats(c.alter)))
		if len(p.Refusals) > 0 {
			t.Errorf("%s: %v", name, p.Refusals)
			continue
		}
		l := link(t, p, "badges.holder")
		got := l.Edge.Parent.All().String() + " " + l.Edge.Key
		if l.Edge.Required {
			got += " required"
		}
		if l.Edge.ChildFirst {
			got += " late"
		}
		if got != c.want || l.Edge.Constrained() || link(t, p, "badges.t_id").Edge.Parent.Name != "t" {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if notes := strings.Join(l.Notes, " "); !strings.Contains(notes, "badges_holder_t_id_fkey onto app.seats holds the column too") {
			t.Errorf("%s: %s", name, notes)
		}
	}
}

// What is named, or was made before, for another parent is not taken for an implied reference, and down finds it by its mark alone.
func TestImpliedReferenceIsNotForced(t *testing.T) {
	p := Build(linked(seats(), func(s *Input) { s.Selection.References = []Reference{{Child: "badges", Column: "holder", Parent: "t"}} }))
	if parent := link(t, p, "badges.holder").Edge.Parent.Name; parent != "t" {
		t.Errorf("a named reference became one to %s", parent)
	}
	p = Build(linked(seats(), func(s *Input) { s.Selection.References = []Reference{{Child: "badges", Column: "holder", Parent: "u"}} }))
	if l := link(t, p, "badges.holder"); !l.Edge.Required || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l.Edge, p.Refusals)
	}
	circle := func(_, badges *catalog.Table) {
		badges.Indexes[0].Columns = []string{"holder", "t_id"}
		addKey(badges, badges, []string{"t_id", "holder"}, []string{"holder", "t_id"})
	}
	if p = Build(linked(seats(circle))); link(t, p, "badges.holder").Edge.UUID != "holder_uuid" {
		t.Error(p.Refusals)
	}
	s := linked(seats())
	s.Direction, s.Goal = Down, Expanded
	if p = Build(s); len(p.Links) > 0 {
		t.Errorf("down: %v", p.Links)
	}
}

// A composite foreign key of values alone keeps them, and refuses nothing.
func TestForeignKeyOfValues(t *testing.T) {
	values := func(s *Input) {
		composite(s)
		first(s).Indexes[0].Columns = []string{"area", "id"}
	}
	p := Build(linked(values))
	if l := p.Links[0]; l.State != Skipped || !l.keeps || !strings.Contains(l.Why, "made of values") || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
}

// The key of a join table switches if every column of a foreign key onto it is linked to the same row as its counterpart.
func TestCoveredKey(t *testing.T) {
	for name, c := range map[string]struct {
		alter func(seats, badges *catalog.Table)
		want  string
	}{
		"covered": {func(_, _ *catalog.Table) {}, ""},
		"by a foreign key of its own onto another table": {func(seats, badges *catalog.Table) {
			own := seats.ForeignKeys[0] // onto t, by holder
			own.Name, own.Child, own.ChildColumns = "other", badges.Named(), []string{"holder"}
			badges.ForeignKeys = append([]catalog.ForeignKey{own}, badges.ForeignKeys...)
		}, "key_not_linked"},
	} {
		p := Build(switching(seats(c.alter), func(s *Input) {
			for i := range s.Schema.Relations {
				s.Schema.Relations[i].Columns[0].Default = "nextval('app.id_seq'::regclass)"
			}
			s.Schema.Relations[2].ReferencedBy = s.Schema.Relations[2].ReferencedBy[len(s.Schema.Relations[2].ReferencedBy)-1:]
		}))
		if codes(p.Refusals) != c.want {
			t.Errorf("%s: %v", name, p.Refusals)
		}
		if k := primaryKey(t, p, "seats"); c.want == "" && strings.Join(k.Key.UUIDs, " ") != "t_uuid u_uuid" {
			t.Errorf("%s: %v", name, k.Key.UUIDs)
		}
	}
}

// Contract makes the foreign key onto a join table again on uuids, with the first of its columns, and drops these before the join table's.
func TestContractOfCoveredKey(t *testing.T) {
	p, s := ending(func(p *Plan, s *Input) {
		s.Schema.Relations = append(s.Schema.Relations, newTable("stars", 4))
		stars, users := &s.Schema.Relations[3], &s.Schema.Relations[1]
		for _, name := range []string{"tenant", "tenant_uuid", "user_id"} {
			addColumn(stars, catalog.Column{Name: name, Type: "bigint"})
		}
		addKey(stars, users, []string{"tenant", "user_id"}, []string{"tenant_id", "id"})
		stars.ForeignKeys[0].Name = "of user"
		p.Links = append([]Link{p.Links[0]}, Link{State: Complete, Progress: EdgeLinked, Edge: step.Edge{
			Child: stars.Named(), Parent: named("tenants"), Column: "tenant", Key: "id", UUID: "tenant_uuid", ParentUUID: "uuid",
		}}, p.Links[1], p.Links[2])
	})
	found := p.addContract(s)
	if codes(found) != "contract_dependent" || !strings.Contains(found[0].Error(), "of user needs app.users.id, which ends, and app.stars.user_id, which stays") {
		t.Fatalf("a column of the foreign key is no reference: %v", found)
	}
	p, s = ending(func(p *Plan, s *Input) {
		s.Schema.Relations = append(s.Schema.Relations, newTable("stars", 4))
		stars, users := &s.Schema.Relations[3], &s.Schema.Relations[1]
		addColumn(stars, catalog.Column{Name: "tenant", Type: "bigint"})
		addColumn(stars, catalog.Column{Name: "name", Type: "text"})
		addKey(stars, users, []string{"name", "tenant"}, []string{"name", "tenant_id"})
		stars.ForeignKeys[0].Name = "of user"
		users.ReferencedBy = append(users.ReferencedBy, stars.ForeignKeys[0])
		p.Links = append([]Link{p.Links[0], {State: Complete, Progress: EdgeLinked, Edge: step.Edge{
			Child: stars.Named(), Parent: named("tenants"), Column: "tenant", Key: "id", UUID: "tenant_uuid", ParentUUID: "uuid",
		}}}, p.Links[1:]...)
	})
	if found := p.addContract(s); len(found) > 0 {
		t.Fatal(found)
	}
	steps := stepsOf(p)
	made, dropped, parent := strings.Index(steps, "stars.tenant/link-uuids-stars_tenant_uuid_fkey"), strings.Index(steps, "stars.tenant/drop-integer"), strings.Index(steps, "users.tenant_id/drop-integer")
	if made < 0 || dropped < made || parent < dropped {
		t.Error(steps)
	}
	for _, g := range p.Groups {
		for _, one := range g.Steps {
			if drop, ok := one.(step.DropReference); ok && drop.Edge.Child.Name == "stars" {
				if e := drop.Others[0].Final; strings.Join(e.ChildColumns(), " ")+" to "+strings.Join(e.ParentColumns(), " ") != "name tenant_uuid to name tenant_uuid" {
					t.Errorf("%v to %v", e.ChildColumns(), e.ParentColumns())
				}
			}
		}
	}
}

// A foreign key that holds the parent's own key needs a unique index on uuids, which contract does not make: it is refused by name.
func TestCoveredKeyWithoutIndex(t *testing.T) {
	copied := func(p *Plan, s *Input) { // beside the foreign key on user_id alone
		notes, users := &s.Schema.Relations[2], &s.Schema.Relations[1]
		p.Links[2].Edge.Reference.Name, p.Links[2].Edge.Reference.ChildColumns, p.Links[2].Edge.Reference.ParentColumns = "single", []string{"user_id"}, []string{"id"}
		notes.ForeignKeys[1].Name = "both"
		users.Indexes = users.Indexes[:3]
	}
	p, s := ending(copied)
	if found := p.addContract(s); codes(found) != "contract_dependent" || found[0].Hint != `Create it, or drop the foreign key: CREATE UNIQUE INDEX CONCURRENTLY ON "app"."users" ("tenant_uuid", "uuid");` {
		t.Errorf("%v", found)
	}
	p, s = ending(copied, func(_ *Plan, s *Input) {
		s.Schema.Relations[1].Indexes = append(s.Schema.Relations[1].Indexes, uniqueIndex("made", "uuid", "tenant_uuid"))
	})
	if found := p.addContract(s); len(found) > 0 || !strings.Contains(stepsOf(p), "link-uuids-") {
		t.Errorf("%v %s", found, stepsOf(p))
	}
}

// A second foreign key on one column with other actions is made again on uuids; one with the same actions is not.
func TestContractOfSecondForeignKey(t *testing.T) {
	for action, want := range map[catalog.Action]bool{catalog.Cascade: true, catalog.NoAction: false} {
		p, s := ending(func(_ *Plan, s *Input) {
			tenants, users := &s.Schema.Relations[0], &s.Schema.Relations[1]
			second := users.ForeignKeys[0]
			second.Name, second.OnDelete = "second", action
			users.ForeignKeys = append(users.ForeignKeys, second)
			tenants.ReferencedBy = append(tenants.ReferencedBy, second)
		})
		if found := p.addContract(s); len(found) > 0 || strings.Contains(stepsOf(p), "users.tenant_id/link-uuids") != want {
			t.Errorf("%s: %v %s", action, found, stepsOf(p))
		}
	}
}
