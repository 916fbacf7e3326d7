package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// switching returns the input of up to phase switched for t and u, where u.t_id refers to t, with every hazard accepted, altered.
func switching(alter ...func(*Input)) Input {
	s := linked()
	s.Goal, s.Policy.Accept = Switched, []HazardName{HazardGroupBy, HazardOnConflictConstraint, HazardOnConflictRace}
	for i := range s.Schema.Relations {
		s.Schema.Relations[i].Columns[0].Default = "nextval('app.id_seq'::regclass)"
	}
	key := second(&s).ForeignKeys[0]
	key.Index, key.ChildOwned = first(&s).Indexes[0].OID, true
	first(&s).ReferencedBy = []catalog.ForeignKey{key}
	for _, f := range alter {
		f(&s)
	}
	return s
}

// incoming returns an alteration of the foreign key of u, as its parent has it.
func incoming(f func(*catalog.ForeignKey)) func(*Input) {
	return func(s *Input) { f(&first(s).ReferencedBy[0]) }
}

// primaryKey returns the primary key of a table of a plan.
func primaryKey(t *testing.T, p Plan, table string) PrimaryKey {
	t.Helper()
	for _, k := range p.PrimaryKeys {
		if k.Key.Table.Name == table {
			return k
		}
	}
	t.Fatalf("no primary key of %s", table)
	return PrimaryKey{}
}

func TestPrimaryKeys(t *testing.T) {
	p := Build(switching())
	if len(p.Refusals) > 0 || len(p.Keys()) != 2 || p.PendingKeys() != 2 || p.Keys()[0].String() != "app.t primary key" {
		t.Fatalf("%v %v", p.Refusals, p.Keys())
	}
	want := step.Key{Table: named("t"), Columns: []string{"id"}, UUIDs: []string{"uuid"}, Constraint: "t_pkey", Unique: "t_id_key"}
	k := primaryKey(t, p, "t")
	if diff := cmp.Diff(want, k.Key); diff != "" {
		t.Error(diff)
	}
	if k.State != Pending || k.Progress != KeyInteger || k.String() != "app.t primary key" || !k.SwitchedAt().IsZero() || strings.Join(k.Component, " ") != "app.t app.u" {
		t.Errorf("%+v", k)
	}
	if faults, begun := k.Faults(&catalog.Table{}); faults != nil || begun {
		t.Error(faults, begun)
	}
	groups := p.Groups[len(p.Groups)-2:]
	if groups[0].Key == nil || groups[0].Phase != Switched || len(groups[0].Steps) == 0 || groups[0].Target.Column != "uuid" {
		t.Errorf("the keys are not last: %+v", groups)
	}
	for name, c := range map[string]struct {
		alter func(*Input)
		want  string // the state and the reason of t's key
	}{
		"no primary key": {onTable(func(t *catalog.Table) { t.Indexes[0].Primary = false }), "skipped it has no primary key"},
		"a text key":     {onTable(func(t *catalog.Table) { t.Columns[0].Type = "text" }), "skipped its primary key (id) has no integer key"},
	} {
		if k := primaryKey(t, Build(switching(c.alter)), "t"); string(k.State)+" "+k.Why != c.want {
			t.Errorf("%s: %s %s", name, k.State, k.Why)
		}
	}
}

func TestUniqueName(t *testing.T) {
	for name, alter := range map[string]func(*Input){
		"an index":          onChild(func(u *catalog.Table) { u.Indexes = append(u.Indexes, uniqueIndex("t_id_key", "t_id")) }),
		"a table":           func(s *Input) { addTable(s, "t_id_key") },
		"in another schema": func(s *Input) { s.Schema.OtherSchemas = []catalog.Table{{Schema: "app", Name: "t_id_key"}} },
		"a constraint":      onTable(func(t *catalog.Table) { t.Constraints = append(t.Constraints, catalog.Constraint{Name: "t_id_key"}) }),
	} {
		if k := primaryKey(t, Build(switching(alter)), "t"); k.Key.Unique != "t_id_key_" {
			t.Errorf("%s: %q", name, k.Key.Unique)
		}
	}
	other := func(s *Input) { s.Schema.OtherSchemas = []catalog.Table{{Schema: "crm", Name: "t_id_key"}} }
	if k := primaryKey(t, Build(switching(other)), "t"); k.Key.Unique != "t_id_key" {
		t.Errorf("a table of another schema: %q", k.Key.Unique)
	}
}

// TestCompositeKeys checks which column takes the place of each column of a composite key.
func TestCompositeKeys(t *testing.T) {
	key := func(alter func(*catalog.Table)) func(*Input) {
		return onChild(func(u *catalog.Table) {
			addColumn(u, catalog.Column{Name: "line", Type: "integer", NotNull: true})
			u.Column("t_id").NotNull = true
			u.Indexes[0].Columns = []string{"id", "t_id", "line"}
			alter(u)
		})
	}
	for name, c := range map[string]struct {
		alter func(*catalog.Table)
		want  string
	}{
		"its own id, a reference and a number": {func(*catalog.Table) {}, "uuid t_uuid line"},
		"an identity":                          {func(u *catalog.Table) { u.Columns[0].Default, u.Columns[0].Identity = "", "a" }, "uuid t_uuid line"},
		"a number that nothing makes":          {func(u *catalog.Table) { u.Columns[0].Default = "" }, "id t_uuid line"},
	} {
		k := primaryKey(t, Build(switching(key(c.alter))), "u")
		if got := strings.Join(k.Key.UUIDs, " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	referred := func(s *Input) {
		key(func(u *catalog.Table) { u.Columns[0].Default = "" })(s)
		u := second(s)
		u.Indexes = append(u.Indexes, uniqueIndex("u_id", "id"))
		v := addTable(s, "v")
		v.Columns[0].Default = "nextval('app.id_seq'::regclass)"
		refer(v, "u_id", second(s))
	}
	if k := primaryKey(t, Build(switching(referred)), "u"); strings.Join(k.Key.UUIDs, " ") != "uuid t_uuid line" {
		t.Errorf("a column that a reference needs: %v", k.Key.UUIDs)
	}
	number := func(s *Input) { // a composite foreign key refers to the number
		referred(s)
		u := second(s)
		u.Columns[0].Default, u.Indexes = "", slices.DeleteFunc(u.Indexes, func(i catalog.Index) bool { return i.Name == "u_id" })
	}
	if k := primaryKey(t, Build(switching(number)), "u"); strings.Join(k.Key.UUIDs, " ") != "id t_uuid line" {
		t.Errorf("a number to which a reference refers: %v", k.Key.UUIDs)
	}
	loose := Build(switching(onKey(func(k *catalog.ForeignKey) { k.Validated = false }), key(func(*catalog.Table) {})))
	if k := primaryKey(t, loose, "u"); k.State != Refused || !strings.Contains(k.Why, "t_uuid can be NULL, because no valid foreign key") {
		t.Errorf("a reference that may be without a parent: %s %s", k.State, k.Why)
	}
	early := Build(switching(onKey(func(k *catalog.ForeignKey) { k.Deferrable = true }), key(func(*catalog.Table) {})))
	if k := primaryKey(t, early, "u"); k.State != Refused || !strings.Contains(k.Why, "is deferrable") {
		t.Errorf("a reference that may be written before its parent: %s %s", k.State, k.Why)
	}
	races := Build(switching(key(func(u *catalog.Table) { u.Indexes[0].Columns = []string{"t_id", "line"} })))
	if at := len(races.Hazards) - 1; races.Hazards[at].Name != HazardOnConflictRace || strings.Join(races.Hazards[at].Tables, " ") != "app.u" {
		t.Errorf("%+v", races.Hazards)
	}
}

// TestSwitchedKeys checks how far a key is by the catalogue.
func TestSwitchedKeys(t *testing.T) {
	p := Build(switching(func(s *Input) {
		for i := range s.Schema.Relations {
			complete(s, &s.Schema.Relations[i])
			switched(&s.Schema.Relations[i])
		}
	}))
	k := primaryKey(t, p, "t")
	if k.State != Complete && len(k.Missing) == 0 || k.Key.Unique != "t_id_key" || k.Key.Constraint != "t_pkey" {
		t.Errorf("%+v", k)
	}
	unreadable := func(s *Input) {
		complete(s, first(s))
		switched(first(s))
		edited := "[rekey 2: key {nonsense"
		first(s).Indexes[len(first(s).Indexes)-1].Comment = &edited
	}
	if p := Build(switching(unreadable)); codes(p.Refusals) != "key_mark_unreadable" || primaryKey(t, p, "t").State != Refused {
		t.Error(p.Refusals)
	}
	begun := func(s *Input) {
		complete(s, first(s))
		switched(first(s))
		first(s).Indexes[0].Columns = []string{"id"} // only the unique index is there
	}
	p = Build(switching(begun))
	k = primaryKey(t, p, "t")
	if faults, begun := k.Faults(&catalog.Table{}); k.State != Incomplete || len(k.Missing) == 0 || !begun || !cmp.Equal(faults, k.Missing) {
		t.Errorf("%+v %v", k, faults)
	}
	if _, begun := k.Faults(nil); begun {
		t.Error("a table that was dropped")
	}
	down := switching(begun)
	down.Direction, down.Goal = Down, Linked
	p = Build(down)
	if len(p.PrimaryKeys) != 1 || len(p.Groups) != 1 || p.Groups[0].Key == nil || p.PrimaryKeys[0].State != Pending || len(p.Refusals) > 0 {
		t.Errorf("%+v %v", p.PrimaryKeys, p.Refusals)
	}
	for _, goal := range []Phase{Expanded, Integers} {
		down.Goal = goal
		if p := Build(down); codes(p.Refusals) != "keys_switched" {
			t.Errorf("down to %s: %v", goal, p.Refusals)
		}
	}
	lower := switching(begun)
	lower.Goal = Linked
	if p := Build(lower); len(p.PrimaryKeys) != 2 || len(p.Keys()) != 0 {
		t.Errorf("up to linked: %+v", p.PrimaryKeys)
	}
}

func TestContractedKey(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	table := newTable("t", 1)
	comment := step.KeyMark{Table: named("t"), Primary: "t_pkey", Columns: []string{"id"}, UUIDs: []string{"uuid"}, Switched: at, Contracted: true}.Comment()
	table.Indexes[0].Columns, table.Indexes[0].Comment = []string{"uuid"}, &comment
	if got := SwitchedAt(&table); !got.Equal(at) {
		t.Error(got)
	}
	addUUID(&table)
	f := keyFinder{}
	k := f.of(Group{Table: named("t")}, &table)
	f.progress(&k, &table)
	if k.State != Complete || k.Progress != KeyContracted || k.Key.Unique != "" || !k.SwitchedAt().Equal(at) {
		t.Errorf("%+v", k)
	}
	if faults, begun := k.Faults(&table); !begun || strings.Join(faults, "; ") != "column id is kept and is not unique" {
		t.Error(faults, begun)
	}
	table.Indexes = append(table.Indexes, uniqueIndex("t_id_key", "id"))
	if faults, begun := k.Faults(&table); !begun || faults != nil {
		t.Error(faults, begun)
	}
	table.Columns = table.Columns[1:]
	if faults, begun := k.Faults(&table); !begun || faults != nil {
		t.Error(faults, begun)
	}
}

// TestFaultsOfKeys checks what is wrong with a switched key besides what its steps find.
func TestFaultsOfKeys(t *testing.T) {
	mark := step.KeyMark{Table: named("t"), Primary: "t_pkey", Columns: []string{"id"}, UUIDs: []string{"uuid"}, Identity: step.IdentityDefault}
	k := PrimaryKey{Key: step.Key{Table: named("t"), Columns: []string{"id"}, UUIDs: []string{"uuid"}, Unique: "t_id_key"}, made: true, mark: mark}
	for want, alter := range map[string]func(*PrimaryKey, *catalog.Table){
		"": func(_ *PrimaryKey, t *catalog.Table) { t.Indexes[1].ReplicaIdentity = true },
		"foreign key u_t_id_fkey of app.u is not valid": func(_ *PrimaryKey, t *catalog.Table) {
			t.Indexes[1].ReplicaIdentity, t.ReferencedBy[0].Validated = true, false
		},
		"foreign key w_t_id_fkey of app.w is not valid": func(_ *PrimaryKey, t *catalog.Table) { // u's is linked: the valid one on the uuids proves its rows
			t.Indexes[1].ReplicaIdentity, t.ReferencedBy[0].Validated = true, false
			t.ReferencedBy = append(t.ReferencedBy,
				catalog.ForeignKey{Name: "u_t_uuid_fkey", Child: named("u"), ParentColumns: []string{"uuid"}, Validated: true},
				catalog.ForeignKey{Name: "w_t_id_fkey", Child: named("w"), ParentColumns: []string{"id"}},
				catalog.ForeignKey{Name: "w_t_uuid_fkey", Child: named("w"), ParentColumns: []string{"uuid"}})
		},
		"the replica identity of app.t is not index t_id_key": func(*PrimaryKey, *catalog.Table) {},
		"missing; odd": func(k *PrimaryKey, t *catalog.Table) {
			t.ReplicaIdentity, k.State, k.Missing, k.Why = "f", Refused, []string{"missing"}, "odd"
		},
	} {
		table, k := newTable("t", 1), k
		index, comment := uniqueIndex("t_id_key", "id"), mark.Comment()
		index.Comment = &comment
		table.Indexes = append(table.Indexes, index)
		table.ReferencedBy = []catalog.ForeignKey{
			{Name: "u_t_id_fkey", Child: named("u"), ParentColumns: []string{"id"}, Validated: true},
			{Name: "x", Child: named("x"), ParentColumns: []string{"code"}},
		}
		alter(&k, &table)
		if faults, begun := k.Faults(&table); !begun || strings.Join(faults, "; ") != want {
			t.Errorf("%q, want %q", faults, want)
		}
		pins := k.Pins(&table)
		if unpinned := strings.Contains(want, "replica identity"); unpinned != (pins != nil) {
			t.Errorf("%s: %q", want, pins)
		} else if unpinned && pins[0] != `ALTER TABLE ONLY "app"."t" REPLICA IDENTITY USING INDEX "t_id_key";` {
			t.Errorf("%q", pins)
		}
	}
}

func TestKeyRefusals(t *testing.T) {
	onPrimary := func(f func(*catalog.Index)) func(*Input) {
		return onTable(func(t *catalog.Table) { f(&t.Indexes[0]) })
	}
	below := func(column string) func(*Input) {
		return func(s *Input) {
			first(s).Kind, first(s).PartitionKey, first(s).ReferencedBy = catalog.Partitioned, []string{column}, nil
			second(s).ForeignKeys = nil
		}
	}
	notOurs := incoming(func(k *catalog.ForeignKey) { k.Child = sqltext.Table{Schema: "crm", Name: "orders"} })
	for name, c := range map[string]struct {
		alter func(*Input)
		codes string
		text  string
	}{
		"another owner":    {onTable(func(t *catalog.Table) { t.Owned, t.Owner = false, "boss" }), "key_owner key_not_linked", "boss"},
		"deferrable":       {onPrimary(func(i *catalog.Index) { i.Immediate = false }), "key_unsupported", "DEFERRABLE"},
		"without overlaps": {onPrimary(func(i *catalog.Index) { i.Method = "gist" }), "key_unsupported", "no B-tree"},
		"a view":           {onPrimary(func(i *catalog.Index) { i.Dependents = []string{"view app.report"} }), "key_dependent", "view app.report"},
		"a function names it": {func(s *Input) {
			s.ConstraintUsers = map[sqltext.Table][]string{{Schema: "app", Name: "t_pkey"}: {"function app.save()"}}
		}, "key_named_by_function", "function app.save()"},
		"partitioned by the time":   {below("at"), "key_unsupported", "partitioned by at"},
		"partitioned by expression": {below(""), "key_unsupported", "an expression"},
		"a child of another owner":  {incoming(func(k *catalog.ForeignKey) { k.ChildOwned = false }), "key_child_owner", "u_t_id_fkey"},
		"NOT ENFORCED":              {incoming(func(k *catalog.ForeignKey) { k.NotEnforced = true }), "key_unsupported", "NOT ENFORCED"},
		"PERIOD":                    {incoming(func(k *catalog.ForeignKey) { k.Period = true }), "key_unsupported", "PERIOD"},
		"own operators":             {incoming(func(k *catalog.ForeignKey) { k.OwnOperators = true }), "key_unsupported", "an operator of an extension"},
		"another schema":            {notOurs, "key_other_schema", "crm.orders"},
		"not of the run":            {incoming(func(k *catalog.ForeignKey) { k.Child.Name, k.Name = "x", "x_fkey" }), "key_not_linked", "not part of this run"},
		"id without a default":      {onTable(func(t *catalog.Table) { t.Columns[0].Default = "" }), "key_without_default", "id"},
	} {
		p := Build(switching(c.alter))
		got := ""
		for _, one := range p.Refusals {
			if strings.HasPrefix(one.Code, "key_") {
				got = strings.TrimSpace(got + " " + one.Code)
				if one.Table != "app.t" || !strings.HasSuffix(one.Hint, "rekey up --to switched --skip-refused") {
					t.Errorf("%s: %v; %s; hint: %s", name, one, one.Table, one.Hint)
				}
			}
		}
		if got != c.codes || !strings.Contains(p.Refusals.Error(), c.text) {
			t.Errorf("%s: %q, want %q: %v", name, got, c.codes, p.Refusals)
		}
	}
	for name, alter := range map[string]func(*catalog.Table){
		"only expanded integers": func(*catalog.Table) {},
		"an identity":            func(t *catalog.Table) { t.Columns[0].Default, t.Columns[0].Identity = "", "d" },
		"a key onto other columns": func(t *catalog.Table) {
			t.ReferencedBy = append(t.ReferencedBy, catalog.ForeignKey{Name: "x", Child: named("x"), ParentColumns: []string{"code"}})
		},
		"of a partition": func(t *catalog.Table) {
			t.ReferencedBy = append(t.ReferencedBy, catalog.ForeignKey{Name: "x", Above: 5, Child: named("x"), ParentColumns: []string{"id"}})
		},
	} {
		if p := Build(switching(onTable(alter))); len(p.Refusals) > 0 {
			t.Errorf("%s: %v", name, p.Refusals)
		}
	}
}

// TestKeyLinkedBeside checks that a foreign key of another schema counts as linked only next to a valid one on all of the uuids.
func TestKeyLinkedBeside(t *testing.T) {
	k := PrimaryKey{Key: step.Key{Table: named("t"), Columns: []string{"tenant", "id"}, UUIDs: []string{"tenant", "uuid"}}}
	child := sqltext.Table{Schema: "crm", Name: "orders"}
	integer := catalog.ForeignKey{Child: child, ParentColumns: []string{"tenant", "id"}, Validated: true}
	for name, c := range map[string]struct {
		other catalog.ForeignKey
		want  bool
	}{
		"on the uuids":     {catalog.ForeignKey{Child: child, ParentColumns: []string{"tenant", "uuid"}, Validated: true}, true},
		"NOT VALID":        {catalog.ForeignKey{Child: child, ParentColumns: []string{"tenant", "uuid"}}, false},
		"the same":         {integer, false},
		"another order":    {catalog.ForeignKey{Child: child, ParentColumns: []string{"uuid", "tenant"}, Validated: true}, false},
		"fewer columns":    {catalog.ForeignKey{Child: child, ParentColumns: []string{"uuid"}, Validated: true}, false},
		"of another child": {catalog.ForeignKey{Child: named("orders"), ParentColumns: []string{"tenant", "uuid"}, Validated: true}, false},
	} {
		if got := linkedBeside(k, &catalog.Table{ReferencedBy: []catalog.ForeignKey{integer, c.other}}, integer); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestKeyLinks checks that a primary key waits for the references of its integers.
func TestKeyLinks(t *testing.T) {
	key := catalog.ForeignKey{Name: "u_t_id_fkey", Child: named("u"), ChildColumns: []string{"t_id"}, ParentColumns: []string{"id"}}
	k, table := PrimaryKey{Key: step.Key{Table: named("t"), Columns: []string{"id"}, UUIDs: []string{"uuid"}}}, &catalog.Table{Schema: "app", Name: "t"}
	edge := step.Edge{Child: named("u"), Column: "t_id", UUID: "t_uuid", Parent: named("t"), Reference: key}
	copied := edge
	copied.Reference.Name = "another"
	without := edge
	without.UUID = ""
	for name, c := range map[string]struct {
		links []Link
		want  string
	}{
		"linked":                {[]Link{{Edge: edge, State: Complete}}, ""},
		"to be linked":          {[]Link{{Edge: edge, State: Pending}}, ""},
		"refused":               {[]Link{{Edge: edge, State: Refused, Why: "it is odd"}}, "it is odd"},
		"skipped":               {[]Link{{Edge: edge, State: Skipped}}, "it is not linked"},
		"no column":             {[]Link{{Edge: without, State: Pending}}, "it is not linked"},
		"a copy is linked":      {[]Link{{Edge: copied, State: Complete}}, ""},
		"a copy is refused":     {[]Link{{Edge: copied, State: Refused}}, "not part of this run"},
		"no reference is known": {nil, "not part of this run"},
	} {
		found := keyCheck{links: c.links}.refuseUnlinked(k, table, key)
		if (len(found) > 0) != (c.want != "") || c.want != "" && (codes(found) != "key_not_linked" || !strings.Contains(strings.ToLower(found.Error()), c.want)) {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestUnmovableKeys(t *testing.T) {
	one := catalog.ForeignKey{Name: "x_fkey", Child: named("x"), ParentColumns: []string{"uuid"}}
	k := PrimaryKey{Key: step.Key{Table: named("t"), Columns: []string{"id"}, UUIDs: []string{"uuid"}, Constraint: "t_pkey"}}
	tree := k
	tree.Key.Tree = true
	integers, uuids := newTable("t", 1), newTable("t", 1)
	uuids.Indexes[0].Columns = []string{"uuid"}
	for want, got := range map[string]string{
		"cannot make it depend on another index": unmovable(tree, &integers, one),
		"no other unique index has its columns":  unmovable(k, &uuids, one),
		"is a partition itself":                  unmovable(k, &integers, one),
	} {
		if !strings.HasPrefix(got, "foreign key x_fkey of app.x ") || !strings.HasSuffix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	root := newTable("t", 1)
	root.Indexes[0].Dependents, root.Below = []string{"a"}, []catalog.Table{newTable("t1", 2), {Name: "no key"}}
	root.Below[0].Indexes[0].Dependents = []string{"b"}
	if got := strings.Join(keyDependents(k, &root), " "); got != "a" {
		t.Error(got)
	}
	if got := strings.Join(keyDependents(tree, &root), " "); got != "a b" {
		t.Error(got)
	}
}

// TestComponents checks that tables that references connect switch together, unless the user chose the tables.
func TestComponents(t *testing.T) {
	add := func(s *Input) { // v and w: another component; w has no integer key
		v := addTable(s, "v")
		v.Columns[0].Default = "nextval('app.id_seq'::regclass)"
	}
	odd := onTable(func(t *catalog.Table) { t.Indexes[0].Immediate = false })
	p := Build(switching(add, odd))
	states := ""
	for _, k := range p.PrimaryKeys {
		states += k.Key.Table.Name + " " + string(k.State) + ", "
	}
	if states != "t refused, u skipped, v pending, " {
		t.Errorf("%s %v", states, p.Refusals)
	}
	if k := primaryKey(t, p, "u"); k.Why != "references connect it with app.t, which is refused" || k.Hint == "" {
		t.Errorf("%+v", k)
	}
	chosen := func(s *Input) {
		all, err := discover.ParsePatterns("*")
		if err != nil {
			t.Fatal(err)
		}
		s.Selection.Filter.Tables = all
	}
	if k := primaryKey(t, Build(switching(add, odd, chosen)), "u"); k.State != Pending {
		t.Errorf("%+v", k)
	}
	gone := PrimaryKey{Key: step.Key{Table: named("t"), Unique: "t_id_key"}}
	if found := (keyCheck{}).refuse(gone, &catalog.Table{}); codes(found) != "key_unsupported" || !strings.Contains(found.Error(), "was dropped") {
		t.Error(found)
	}
}

func TestHazards(t *testing.T) {
	none := func(s *Input) { s.Policy.Accept = nil }
	p := Build(switching(none, func(s *Input) { s.Suspects = map[HazardName][]string{HazardGroupBy: {"function app.f()"}} }))
	if codes(p.Refusals) != "hazard_not_accepted" || !strings.Contains(p.Refusals[0].Hint, "--accept group-by,on-conflict-constraint") {
		t.Errorf("%v: %s", p.Refusals, p.Refusals[0].Hint)
	}
	if h := p.Hazards[0]; h.Name != HazardGroupBy || h.Accepted || strings.Join(h.Tables, " ") != "app.t app.u" || len(h.Seen) != 1 {
		t.Errorf("%+v", h)
	}
	some := Build(switching(func(s *Input) { s.Policy.Accept = []HazardName{HazardGroupBy} }))
	if found := some.Refusals.Error(); codes(some.Refusals) != "hazard_not_accepted" || strings.Contains(found, "2 hazards") || !some.Hazards[0].Accepted {
		t.Error(found)
	}
	if p := Build(switching()); len(p.Hazards) != 2 || !p.Hazards[1].Accepted {
		t.Errorf("%+v", p.Hazards)
	}
}

// TestPhaseOfKeys checks the phases after linked.
func TestPhaseOfKeys(t *testing.T) {
	complete, linkedEdges := []State{Complete}, []State{Complete}
	key := func(state State, progress KeyState) PrimaryKey { return PrimaryKey{State: state, Progress: progress} }
	for name, c := range map[string]struct {
		references []State
		keys       []PrimaryKey
		want       Phase
	}{
		"switched":                 {linkedEdges, []PrimaryKey{key(Complete, KeySwitched)}, Switched},
		"a key is behind":          {linkedEdges, []PrimaryKey{key(Complete, KeySwitched), key(Incomplete, KeyReady)}, Linked},
		"a key is refused":         {linkedEdges, []PrimaryKey{key(Complete, KeySwitched), key(Refused, KeyInteger)}, Linked},
		"a key is skipped":         {linkedEdges, []PrimaryKey{key(Complete, KeySwitched), key(Skipped, KeyInteger)}, Switched},
		"all are skipped":          {linkedEdges, []PrimaryKey{key(Skipped, KeyInteger)}, Linked},
		"a reference is behind":    {[]State{Pending}, []PrimaryKey{key(Complete, KeySwitched)}, Expanded},
		"without references":       {nil, []PrimaryKey{key(Complete, KeySwitched)}, Switched},
		"contracted":               {linkedEdges, []PrimaryKey{key(Complete, KeyContracted), key(Skipped, KeyInteger)}, Contracted},
		"one of two is contracted": {linkedEdges, []PrimaryKey{key(Complete, KeyContracted), key(Complete, KeySwitched)}, Switched},
	} {
		if got := PhaseOf(complete, c.references, c.keys); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
