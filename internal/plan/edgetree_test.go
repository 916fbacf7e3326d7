package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// composite makes the foreign key of u one of (area, t_id) onto t (area, id), altered.
func composite(s *Input) {
	t, u := first(s), second(s)
	addColumn(t, catalog.Column{Name: "area", Type: "integer", NotNull: true})
	addColumn(u, catalog.Column{Name: "area", Type: "integer", NotNull: true})
	k := &u.ForeignKeys[0]
	k.ChildColumns, k.ParentColumns = []string{"area", "t_id"}, []string{"area", "id"}
}

func TestCompositeEdge(t *testing.T) {
	key := func(columns ...string) func(*catalog.Table) {
		return func(t *catalog.Table) { t.Indexes[0].Columns = columns }
	}
	for name, c := range map[string]struct {
		alter  []func(*Input)
		column string
		index  string
	}{
		"unique alone":    {nil, "t_id", "t_area_uuid_key"},
		"an index exists": {[]func(*Input){onTable(func(t *catalog.Table) { t.Indexes = append(t.Indexes, uniqueIndex("mine", "area", "uuid")) })}, "t_id", "mine"},
		"a sequence":      {[]func(*Input){onTable(key("area", "id")), onTable(func(t *catalog.Table) { t.Column("id").Default = "nextval('app.s'::regclass)" })}, "t_id", "t_area_uuid_key"},
		"an identity":     {[]func(*Input){onTable(key("area", "id")), onTable(func(t *catalog.Table) { t.Column("id").Identity = "a" })}, "t_id", "t_area_uuid_key"},
		"the other is a reference": {[]func(*Input){onTable(key("area", "id")), func(s *Input) {
			addTable(s, "areas")
			addKey(first(s), &s.Schema.Relations[2], []string{"area"}, []string{"id"})
		}}, "t_id", "t_area_uuid_key"},
		"of other types": {[]func(*Input){onTable(key("area", "id")), onTable(func(t *catalog.Table) { t.Column("area").Type = "text" }), onChild(func(u *catalog.Table) { u.Column("area").Type = "text" })}, "t_id", "t_area_uuid_key"},
	} {
		p := Build(linked(append([]func(*Input){composite}, c.alter...)...))
		if e := link(t, p, "u."+c.column).Edge; e.ParentIndex != c.index || !slices.Equal(e.ChildColumns(), []string{"area", "t_uuid"}) || len(p.Refusals) > 0 {
			t.Errorf("%s: %+v %v", name, e, p.Refusals)
		}
	}
	p := Build(linked(composite, func(s *Input) {
		s.Schema.Relations = append(s.Schema.Relations, catalog.Table{Schema: "app", Name: "t_area_uuid_key", Kind: catalog.IndexKind, IndexOf: "v"})
	}))
	if codes(p.Refusals) != "index_name_taken" {
		t.Error(p.Refusals)
	}
}

// What is no integer is no edge, and what an edge has made is none either.
func TestNoEdge(t *testing.T) {
	p := Build(linked(onChild(func(u *catalog.Table) { u.Column("t_id").Type = "uuid" })))
	if len(p.Links) > 0 {
		t.Error(p.Links)
	}
	p = Build(linked(composite, onTable(addUUIDOfRun), onKey(func(k *catalog.ForeignKey) { k.ParentColumns[1] = "uuid" })))
	if len(p.Links) > 0 {
		t.Error(p.Links)
	}
}

// partition makes a table partitioned by columns, with one partition.
func partition(table *catalog.Table, oid uint32, columns ...string) {
	part := *table
	part.OID, part.Name, part.Partition, part.Parents, part.Above = oid, table.Name+"_1", true, 1, table.OID
	part.Columns, part.Indexes = slices.Clone(table.Columns), slices.Clone(table.Indexes)
	part.ForeignKeys = slices.Clone(table.ForeignKeys)
	for i := range part.ForeignKeys {
		part.ForeignKeys[i].Above, part.ForeignKeys[i].Child = part.ForeignKeys[i].OID, part.Named()
	}
	table.Kind, table.PartitionKey, table.Below = catalog.Partitioned, columns, []catalog.Table{part}
}

func TestPartitionedEdge(t *testing.T) {
	p := Build(linked(onChild(func(u *catalog.Table) { partition(u, 60, "id") })))
	if e := link(t, p, "u.t_id").Edge; !e.Tree || e.Child.Only || len(p.Links) != 1 || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", e, p.Refusals)
	}
	for name, c := range map[string]struct {
		alter func(*Input)
		text  string
	}{
		"by the column":   {onChild(func(u *catalog.Table) { partition(u, 60, "t_id") }), "partition key"},
		"a foreign table": {onChild(func(u *catalog.Table) { addUUIDOfRun(u); partition(u, 60, "id"); u.Below[0].Kind = catalog.Foreign }), "foreign table"},
		"a foreign key of a partition": {func(s *Input) {
			onChild(func(u *catalog.Table) {
				partition(u, 60, "id")
				u.ForeignKeys, u.Below[0].ForeignKeys[0].Above = nil, 0
			})(s)
			s.Schema.Relations = append(s.Schema.Relations, second(s).Below[0])
		}, "belongs to a single partition"},
		"a parent in parts": {onTable(func(t *catalog.Table) { partition(t, 60, "id") }), "must hold its partition key"},
	} {
		p := Build(linked(c.alter))
		if !strings.Contains(p.Refusals.Error(), c.text) {
			t.Errorf("%s: %v", name, p.Refusals)
		}
	}
	byArea := onTable(func(t *catalog.Table) { partition(t, 60, "area") })
	p = Build(linked(composite, byArea))
	if e := link(t, p, "u.t_id").Edge; e.ParentIndex != "" || e.Parent.Only || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", e, p.Refusals)
	}
	// The parent is not selected and has the column.
	p = Build(linked(composite, func(s *Input) {
		addUUIDOfRun(first(s))
		first(s).Indexes[1].Columns = []string{"uuid", "area"}
		byArea(s)
		s.Selection.Filter.Tables = patterns(t, "u")
	}))
	if l := link(t, p, "u.t_id"); l.State != Pending || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
}

// inherit adds a table below u, with or without the foreign key.
func inherit(s *Input, withKey bool) {
	u := second(s)
	below := *u
	below.OID, below.Name, below.Parents, below.Above = 70, "u_below", 1, u.OID
	below.Columns, below.Indexes, below.ForeignKeys = slices.Clone(u.Columns), slices.Clone(u.Indexes), slices.Clone(u.ForeignKeys)
	below.ForeignKeys[0].Child = below.Named()
	if !withKey {
		below.ForeignKeys = nil
	}
	u.Below = []catalog.Table{below}
	s.Schema.Relations = append(s.Schema.Relations, below)
}

func TestInheritedEdge(t *testing.T) {
	p := Build(linked(func(s *Input) { inherit(s, true) }))
	above, below := link(t, p, "u.t_id"), link(t, p, "u_below.t_id")
	if !above.Edge.Child.Only || above.Edge.Inherited || !below.Edge.Child.Only || !below.Edge.Inherited || len(p.Refusals) > 0 || len(p.Edges()) != 2 {
		t.Errorf("%+v\n%+v\n%v", above, below, p.Refusals)
	}
	p = Build(linked(func(s *Input) { inherit(s, false) }))
	if codes(p.Refusals) != "edge_unsupported" || !strings.Contains(p.Refusals.Error(), "app.u_below has no such foreign key") {
		t.Error(p.Refusals)
	}
	p = Build(linked(func(s *Input) { inherit(s, true); second(s).ForeignKeys = nil }))
	if below := link(t, p, "u_below.t_id"); below.Edge.Inherited {
		t.Errorf("%+v", below)
	}
}

// The table above gets the column first, whichever name comes first: a column added below would not be an inherited one.
func TestTableAboveComesFirst(t *testing.T) {
	named := func(name string) func(*Input) {
		return func(s *Input) {
			inherit(s, true)
			below := &second(s).Below[0]
			below.Name = name
			below.ForeignKeys[0].Child = below.Named()
			s.Schema.Relations[len(s.Schema.Relations)-1] = *below
		}
	}
	selfReference := func(s *Input) { // the table below has no reference to a table of a higher level
		u := second(s)
		k := u.ForeignKeys[0]
		k.Name, k.Parent, k.ChildColumns = "u_self", u.Named(), []string{"self_id"}
		addColumn(u, catalog.Column{Name: "self_id", Type: "bigint"})
		u.ForeignKeys = append(u.ForeignKeys, k)
	}
	for name, alter := range map[string][]func(*Input){
		"by name":  {named("a")},
		"by level": {selfReference, named("a"), func(s *Input) { second(s).Below[0].ForeignKeys = second(s).Below[0].ForeignKeys[:1] }},
	} {
		var order []string
		for _, l := range Build(linked(alter...)).Links {
			if l.Edge.Column == "t_id" {
				order = append(order, l.Edge.Child.Name)
			}
		}
		if !slices.Equal(order, []string{"u", "a"}) {
			t.Errorf("%s: %q", name, order)
		}
	}
}

// A table below gets no edge on a column that the table above does not get.
func TestInheritedEdgeOfRefusedEdge(t *testing.T) {
	refused := func(s *Input) {
		inherit(s, true)
		s.Policy.SkipRefused = true
		second(s).Column("t_id").Identity = "d" // a default that is not inherited
	}
	p := Build(linked(refused))
	above, below := link(t, p, "u.t_id"), link(t, p, "u_below.t_id")
	if above.State != Refused || below.State != Skipped || !strings.Contains(below.Why, "app.u") || len(p.Edges()) != 0 {
		t.Errorf("%s %s\n%s %s", above.State, above.Why, below.State, below.Why)
	}
}

// A column of that name below would become an inherited one, which down could not remove.
func TestColumnOfTableBelow(t *testing.T) {
	p := Build(linked(func(s *Input) {
		inherit(s, true)
		addColumn(&second(s).Below[0], catalog.Column{Name: link(t, Build(linked()), "u.t_id").Edge.UUID, Type: "uuid"})
		s.Schema.Relations[len(s.Schema.Relations)-1] = second(s).Below[0]
	}))
	if !strings.Contains(p.Refusals.Error(), "app.u_below has a column") {
		t.Error(p.Refusals)
	}
}

// A table with a uuid as its primary key gets no other one, and its foreign keys are edges.
func TestEdgeOfTableWithUUIDKey(t *testing.T) {
	p := Build(linked(onChild(func(u *catalog.Table) {
		addColumn(u, catalog.Column{Name: "key", Type: "uuid", NotNull: true, Length: 16, Alignment: 1})
		u.Indexes[0].Columns = []string{"key"}
	})))
	if l := link(t, p, "u.t_id"); l.State != Pending || len(p.Targets()) != 1 || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", l, p.Refusals)
	}
}

// The states of an edge, as the catalogue and the rows show them.
func TestProgress(t *testing.T) {
	rows := func(unfilled bool) func(*Input) {
		return func(s *Input) {
			s.EdgeRows = map[EdgeKey]EdgeRows{{Child: named("u"), Column: "t_id"}: {Unfilled: unfilled}}
		}
	}
	index := onChild(func(u *catalog.Table) {
		u.Indexes = append(u.Indexes, catalog.Index{OID: 310, Name: "u_t_id_idx", Columns: []string{"t_id"}, Valid: true, Ready: true, Method: "btree", Definition: "CREATE INDEX u_t_id_idx ON app.u USING btree (t_id)"})
	})
	twin := onChild(func(u *catalog.Table) {
		u.Indexes = append(u.Indexes, catalog.Index{OID: 311, Name: "u_of_t_idx", Columns: []string{"of_t"}, Valid: true, Ready: true, Method: "btree", Definition: `CREATE INDEX u_of_t_idx ON app.u USING btree (of_t)`})
	})
	wired := func(s *Input) {
		complete(s, first(s))
		complete(s, second(s))
		wire(s)
		u := second(s)
		for _, link := range Build(*s).Links {
			e := link.Edge
			for _, name := range e.TriggerNames() {
				kind := name[len(name)-1:]
				u.Triggers = append(u.Triggers, catalog.Trigger{
					Name: name, Enabled: "O", When: "(…)", Row: true, Before: kind != "l", OnInsert: kind != "u", OnUpdate: kind != "i", Definer: true, Volatile: true,
					FunctionSchema: e.Function.Schema, FunctionName: e.Function.Name, Config: []string{"search_path=pg_catalog, pg_temp"}, Source: e.FunctionSource(), FunctionOwner: e.Owner,
				})
			}
		}
	}
	for name, c := range map[string]struct {
		alter []func(*Input)
		want  EdgeState
	}{
		"wired, rows unknown": {[]func(*Input){wired}, EdgeWired},
		"wired":               {[]func(*Input){wired, rows(true)}, EdgeWired},
		"filled":              {[]func(*Input){index, wired, rows(false)}, EdgeFilled},
		"mirrored":            {[]func(*Input){index, wired, twin, rows(false)}, EdgeMirrored},
	} {
		l := link(t, Build(linked(c.alter...)), "u.t_id")
		if l.Progress != c.want || l.State != Incomplete || len(l.Missing) == 0 {
			t.Errorf("%s: %s %s %s, missing %q", name, l.State, l.Why, l.Progress, l.Missing)
		}
		if unknown := strings.Contains(name, "unknown"); slices.Contains(l.Missing, notCounted) != unknown {
			t.Errorf("%s: missing %q", name, l.Missing)
		}
	}
}
