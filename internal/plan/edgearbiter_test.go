package plan

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// arbiter returns a change of the input that asks for an arbiter.
func arbiter(a Arbiter) func(*Input) { return func(s *Input) { s.Policy.Arbiter = a } }

// unique returns a change of the unique index on u.t_id.
func unique(change func(u *catalog.Table, i *catalog.Index)) func(*Input) {
	return onChild(func(u *catalog.Table) { oneToOne(u); change(u, u.Index("u_t_id_key")) })
}

// TestArbiterUUID checks which unique indexes become plain ones, and why the others do not.
func TestArbiterUUID(t *testing.T) {
	uuid := arbiter(ArbiterUUID)
	for name, c := range map[string]struct {
		alter []func(*Input)
		moves bool
		note  string
	}{
		"it moves":             {[]func(*Input){uuid, onChild(oneToOne)}, true, "retry; afterwards it can name t_uuid, and with t_id it fails (42P10)"},
		"both":                 {[]func(*Input){arbiter(ArbiterBoth), onChild(oneToOne)}, false, "gets the unique twin"},
		"the primary key":      {[]func(*Input){uuid, unique(func(_ *catalog.Table, i *catalog.Index) { i.Primary = true })}, false, "it is the primary key"},
		"deferrable":           {[]func(*Input){uuid, unique(func(_ *catalog.Table, i *catalog.Index) { i.Immediate = false })}, false, "it is deferrable"},
		"replica identity":     {[]func(*Input){uuid, unique(func(_ *catalog.Table, i *catalog.Index) { i.ReplicaIdentity = true })}, false, "it is the replica identity"},
		"dependent objects":    {[]func(*Input){uuid, unique(func(_ *catalog.Table, i *catalog.Index) { i.Users = []string{"constraint k on table x"} })}, false, "what depends on it: constraint k on table x"},
		"not valid":            {[]func(*Input){uuid, onChild(oneToOne), onKey(func(k *catalog.ForeignKey) { k.Validated = false })}, false, "is NOT VALID, so that"},
		"a subscriber":         {[]func(*Input){uuid, onChild(oneToOne), onChild(func(u *catalog.Table) { u.Subscribed = true })}, false, "logical replication"},
		"may be without":       {[]func(*Input){uuid, onChild(func(u *catalog.Table) { u.Indexes, u.Kind = nil, catalog.Partitioned }), onChild(oneToOne)}, false, "until the next up"},
		"in the predicate":     {[]func(*Input){uuid, unique(func(_ *catalog.Table, i *catalog.Index) { i.Uses = []string{"t_id"} })}, false, "before its t_uuid is known"},
		"rows without parents": {[]func(*Input){uuid, onChild(oneToOne), func(s *Input) { s.EdgeRows = map[EdgeKey]EdgeRows{{Child: named("u"), Column: "t_id"}: {Orphans: 1}} }}, false, "have no parent"},
	} {
		l := link(t, Build(linked(c.alter...)), "u.t_id")
		twin := l.Edge.Twins[len(l.Edge.Twins)-1]
		if twin.Moves != c.moves || c.moves && !twin.Unique || !strings.Contains(strings.Join(l.Notes, "; "), c.note) {
			t.Errorf("%s: %+v, notes %q, want %q", name, twin, l.Notes, c.note)
		}
	}
}

// movedIndex gives the child the marked uuid column, its unique twin, and the index that is plain now.
func movedIndex(s *Input) {
	u := first(s)
	for i := range s.Schema.Relations {
		if s.Schema.Relations[i].Name == "u" {
			u = &s.Schema.Relations[i]
		}
	}
	e := step.Edge{Child: named("u"), Parent: named("t"), Column: "t_id", Key: "id", UUID: "t_uuid", Function: step.EdgeFunction(named("u"), "t_id"), Twins: []step.IndexTwin{{Table: named("u"), Name: "u_t_uuid_key"}}}
	mark := e.Mark(u, first(s))
	mark.Moved = []step.MovedIndex{{Index: "u_t_id_key"}}
	comment := mark.Comment(nil)
	u.Columns = append(u.Columns, catalog.Column{Name: "t_uuid", Type: "uuid", Comment: &comment})
	oneToOne(u)
	uniqueTwin(u)
	u.Index("u_t_id_key").Unique = false
}

// TestMovedArbiter checks what a later run does with an index that was moved.
func TestMovedArbiter(t *testing.T) {
	missing := onChild(func(u *catalog.Table) { u.Index("u_t_id_key").Name = "renamed" })
	others := onChild(func(u *catalog.Table) {
		comment := strings.Replace(*u.Column("t_uuid").Comment, `"u_t_uuid_key"`, `"x"`, 1)
		u.Column("t_uuid").Comment = &comment
	})
	for name, c := range map[string]struct {
		alter                  []func(*Input)
		moves, returns, unique bool
		note                   string
	}{
		"it stays":              {[]func(*Input){movedIndex}, true, false, true, "is not unique, its twin u_t_uuid_key is"},
		"uuid again":            {[]func(*Input){movedIndex, arbiter(ArbiterUUID)}, true, false, true, "is not unique, its twin u_t_uuid_key is"},
		"integer":               {[]func(*Input){movedIndex, arbiter(ArbiterInteger)}, false, true, false, "which is not unique"},
		"both":                  {[]func(*Input){movedIndex, arbiter(ArbiterBoth)}, false, true, true, "gets the unique twin"},
		"twin of somebody else": {[]func(*Input){movedIndex, others, arbiter(ArbiterInteger)}, false, true, true, ""},
	} {
		p := Build(linked(c.alter...))
		l := link(t, p, "u.t_id")
		twin := l.Edge.Twins[0]
		if twin.Moves != c.moves || twin.Returns != c.returns || twin.Unique != c.unique || !strings.Contains(strings.Join(l.Notes, "; "), c.note) {
			t.Errorf("%s: %+v, notes %q", name, twin, l.Notes)
		}
	}
	if p := Build(linked(movedIndex, missing, arbiter(ArbiterInteger))); len(p.Refusals) == 0 || !strings.Contains(p.Refusals.Error(), "u_t_id_key") {
		t.Errorf("refusals %v", p.Refusals)
	}
	if l := link(t, Build(linked(movedIndex, missing)), "u.t_id"); len(l.problems) > 0 {
		t.Errorf("%v", l.problems)
	}
}

// TestArbiterOfTwoEdges checks that the last edge of an index moves it, and only if no row can lack a uuid of the first one.
func TestArbiterOfTwoEdges(t *testing.T) {
	joined := func(s *Input) {
		u := second(s)
		refer(u, "s_id", first(s))
		i := uniqueIndex("u_both", "t_id", "s_id")
		i.OID = 77
		u.Indexes = append(u.Indexes, i)
	}
	p := Build(linked(joined, arbiter(ArbiterUUID)))
	one, two := link(t, p, "u.t_id").Edge.Twins, link(t, p, "u.s_id").Edge.Twins
	if one[0].Moves || one[0].Unique || !two[0].Moves || !two[0].Unique {
		t.Errorf("%+v, %+v", one, two)
	}
	if notes := strings.Join(link(t, p, "u.t_id").Notes, "; "); !strings.Contains(notes, "the twin of app.u.s_id") {
		t.Error(notes)
	}
	p = Build(linked(joined, arbiter(ArbiterUUID), onKey(func(k *catalog.ForeignKey) { k.Validated = false })))
	if two := link(t, p, "u.s_id").Edge.Twins; two[0].Moves {
		t.Errorf("%+v", two)
	}
}
