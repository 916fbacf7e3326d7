package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// partitionedRun returns the input of up for events, partitioned by at, with the partition events_1, and the altered tables.
func partitionedRun(alter ...func(*Input)) Input {
	s := schemaRun()
	s.Schema.Relations = []catalog.Table{partitioned()}
	for _, f := range alter {
		f(&s)
	}
	return s
}

func partitioned() catalog.Table {
	root, partition := newTable("events", 1), newTable("events_1", 2)
	addColumn(&root, catalog.Column{Name: "at", Type: timestamptz, NotNull: true})
	addColumn(&partition, catalog.Column{Name: "at", Type: timestamptz, NotNull: true})
	root.Kind, root.PartitionKey = catalog.Partitioned, []string{"at"}
	partition.Partition, partition.Parents, partition.Above = true, 1, root.OID
	root.Below = []catalog.Table{partition}
	return root
}

// inheritance turns the tree into a parent with a child.
func inheritance(s *Input) {
	root := first(s)
	root.Kind, root.PartitionKey, root.Below[0].Partition = catalog.Ordinary, nil, false
}

// below returns an alteration of the partition.
func below(f func(*catalog.Table)) func(*Input) {
	return func(s *Input) { f(&first(s).Below[0]) }
}

// both returns an alteration of the root and the partition.
func both(f func(*catalog.Table)) func(*Input) {
	return func(s *Input) { f(first(s)); f(&first(s).Below[0]) }
}

func TestTreeRefusals(t *testing.T) {
	hidden := func(t *catalog.Table) { t.RowSecurity, t.ForceRowSecurity = true, true }
	for name, test := range map[string]struct {
		alter []func(*Input)
		want  string
		text  string
	}{
		"a partitioned table":  {},
		"a parent and a child": {alter: []func(*Input){inheritance}},
		"another owner's root": {[]func(*Input){onTable(func(t *catalog.Table) { t.Owned = false })}, "not_owner", "app.events"},
		"a foreign partition":  {[]func(*Input){below(func(t *catalog.Table) { t.Kind = catalog.Foreign })}, "unsupported_table", "partition app.events_1 is a foreign table"},
		"a temporary child":    {[]func(*Input){inheritance, below(func(t *catalog.Table) { t.Persistence = "t" })}, "unsupported_table", "child app.events_1 is a temporary table"},
		"another owner's":      {[]func(*Input){below(func(t *catalog.Table) { t.Owned, t.Owner = false, "bob" })}, "unsupported_table", "belongs to bob"},
		"an extension's":       {[]func(*Input){below(func(t *catalog.Table) { t.Extension = "x" })}, "unsupported_table", "belongs to the extension x"},
		"two parents":          {[]func(*Input){inheritance, below(func(t *catalog.Table) { t.Parents = 2 })}, "unsupported_table", "has another parent"},
		"a column of its own":  {[]func(*Input){below(func(t *catalog.Table) { addUUID(t) })}, "unsupported_table", "has a column uuid of its own"},
		"1,600 columns below":  {[]func(*Input){below(func(t *catalog.Table) { t.Attributes = MaxColumns })}, "unsupported_table", "1,600"},
		"1,600 columns above":  {[]func(*Input){onTable(func(t *catalog.Table) { t.Attributes = MaxColumns })}, "unsupported_table", "1,600"},
		"NULL allowed below":   {[]func(*Input){both(func(t *catalog.Table) { addUUID(t).NotNull = t.Kind == catalog.Partitioned })}, "unsupported_table", "allows NULL in uuid"},
		"an index below": {[]func(*Input){both(func(t *catalog.Table) { addUUID(t) }), below(func(t *catalog.Table) {
			t.Indexes = append(t.Indexes, uniqueIndex("events_1_uuid_at_idx", "uuid", "at"))
		})}, "unsupported_table", "PostgreSQL cannot detach it"},
		"a column that exists":  {alter: []func(*Input){both(func(t *catalog.Table) { addUUID(t) })}},
		"duplicates in one":     {[]func(*Input){both(func(t *catalog.Table) { addUUID(t) }), func(s *Input) { s.Parts = map[uint32]catalog.Data{2: {Duplicates: []string{"x"}}} }}, "duplicates", "app.events_1"},
		"duplicates in several": {[]func(*Input){both(func(t *catalog.Table) { addUUID(t) }), func(s *Input) { s.Data[named("events")] = catalog.Data{SharedAcross: []string{"x"}} }}, "duplicates", "app.events"},
		"hidden rows above":     {[]func(*Input){onTable(hidden)}, "row_security", ""},
		"hidden rows below":     {[]func(*Input){below(hidden)}, "row_security", ""},
		"a trigger below":       {[]func(*Input){below(trigger("O"))}, "triggers_fire", ""},
		"the root published":    {[]func(*Input){onTable(published(nil, false))}, "published published", ""}, //nolint:dupword // two refusals
		"published with list":   {alter: []func(*Input){onTable(published([]string{"id"}, false))}},
		"updates of the root":   {[]func(*Input){onTable(published([]string{"id"}, true)), below(func(t *catalog.Table) { t.ReplicaIdentity = "n" })}, "no_replica_identity", ""},
		"a level without rows":  {[]func(*Input){secondLevel, func(s *Input) { published([]string{"id"}, true)(first(s)); first(s).Below[1].ReplicaIdentity = "n" }}, "no_replica_identity", ""},
		"index name taken":      {[]func(*Input){func(s *Input) { s.Schema.Relations = append(s.Schema.Relations, newTable("events_uuid_at_idx", 9)) }}, "index_name_taken", ""},
		"index name taken there": {[]func(*Input){func(s *Input) {
			first(s).Below[0].Schema = "other"
			s.Schema.OtherSchemas = []catalog.Table{{Schema: "other", Name: "events_1_uuid_at_idx", Kind: catalog.View}}
		}}, "index_name_taken", ""},
	} {
		p := Build(partitionedRun(test.alter...))
		if codes(p.Refusals) != test.want || test.want != "" && !strings.Contains(p.Refusals[0].Error()+p.Refusals[0].Message, test.text) {
			t.Errorf("%s: %v, want %q", name, p.Refusals, test.want)
		}
		for _, refused := range p.Refusals {
			if refused.Table != "app.events" {
				t.Errorf("%s: the refusal is of %s, not of the tree", name, refused.Table)
			}
		}
	}
}

// secondLevel partitions the partition.
func secondLevel(s *Input) {
	leaf := newTable("events_1_a", 3)
	addColumn(&leaf, catalog.Column{Name: "at", Type: timestamptz, NotNull: true})
	leaf.Partition, leaf.Parents, leaf.Above = true, 1, 2
	middle := &first(s).Below[0]
	middle.Kind, middle.PartitionKey = catalog.Partitioned, []string{"id"}
	first(s).Below = append(first(s).Below, leaf)
}

func TestTreeDownRefusals(t *testing.T) {
	made := func(s *Input) {
		s.Direction = Down
		comment := s.Selection.Target("app", first(s), Up).Mark()
		addUUID(first(s)).Comment = &comment
		addUUID(&first(s).Below[0])
	}
	view := []catalog.Attachment{{Column: "uuid", Kind: "view", Name: "v"}}
	for name, test := range map[string]struct {
		alter func(*Input)
		want  string
	}{
		"nothing attached":      {func(*Input) {}, ""},
		"a view of the root":    {onTable(func(t *catalog.Table) { t.Attachments = view }), "dependent_object"},
		"a view of a partition": {below(func(t *catalog.Table) { t.Attachments = view }), "dependent_object"},
		"found before":          {func(s *Input) { s.Adopted = adopted("events") }, "mark_lost"},
		"another owner's":       {onTable(func(t *catalog.Table) { t.Owned = false }), "not_owner"},
	} {
		p := Build(partitionedRun(made, test.alter))
		if codes(p.Refusals) != test.want {
			t.Errorf("%s: %v, want %q", name, p.Refusals, test.want)
		}
		if test.want == "" && !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "detached since up keeps its column") }) {
			t.Errorf("%s: the notes are %q", name, p.Notes)
		}
	}
}

// TestUniquenessOfTrees checks among which rows the values are unique, and the note about the tree.
func TestUniquenessOfTrees(t *testing.T) {
	for name, test := range map[string]struct {
		alter        func(*Input)
		unique, note string
	}{
		"by a column":      {func(*Input) {}, "in each partition, by (uuid, at)", "ATTACH PARTITION fails"},
		"two levels":       {secondLevel, "in each partition, by (uuid, at, id)", "ATTACH PARTITION fails"},
		"by an expression": {onTable(func(t *catalog.Table) { t.PartitionKey = []string{""} }), "in each partition, by (uuid); a partition key is an expression", "ATTACH PARTITION fails"},
		"by inheritance":   {inheritance, "in each table of the inheritance tree, by (uuid)", "an index does not cover children"},
		"no tree":          {func(s *Input) { s.Schema.Relations = []catalog.Table{newTable("t", 1)} }, "", ""},
	} {
		p := Build(partitionedRun(test.alter))
		if got := p.Relations[0].Unique; !strings.HasPrefix(got, test.unique) || (got == "") != (test.unique == "") {
			t.Errorf("%s: %q", name, got)
		}
		noted := slices.ContainsFunc(p.Notes, func(n string) bool { return test.note != "" && strings.Contains(n, test.note) })
		if noted != (test.note != "") {
			t.Errorf("%s: the notes are %q", name, p.Notes)
		}
	}
}

// TestTablesBelow checks the targets that a tree's backfill has, their tables and their rows.
func TestTablesBelow(t *testing.T) {
	for name, test := range map[string]struct {
		alter func(*Input)
		fills []string
		rows  int64
	}{
		"partitions": {func(*Input) {}, []string{"app.events_1"}, 5},
		"two levels": {secondLevel, []string{"app.events_1_a"}, 5},
		"children":   {inheritance, []string{"app.events_1", "app.events"}, 10},
	} {
		p := Build(partitionedRun(test.alter))
		g := p.Targets()[0]
		var got []string
		for _, fill := range p.Fills(g) {
			table := p.Table(g, fill)
			if table == nil || table.Name != fill.Table || len(table.Below) > 0 {
				t.Errorf("%s: the table of %s is %+v", name, fill, table)
			}
			got = append(got, fill.String())
		}
		if _, rows := p.Work(g); !slices.Equal(got, test.fills) || rows != test.rows {
			t.Errorf("%s: fills %v with %d rows", name, got, rows)
		}
		gone := p.Fills(g)[0]
		gone.Table = "dropped"
		if p.Table(g, gone) != nil {
			t.Errorf("%s: a dropped partition has a table", name)
		}
	}
}

func TestIndexNamesOfTreesAreUnique(t *testing.T) {
	s := partitionedRun(func(s *Input) {
		s.Schema.Relations = append(s.Schema.Relations, newTable("u", 9))
		s.Selection.Overrides = map[string]Naming{"u": {Index: "events_1_uuid_at_idx"}}
	})
	if p := Build(s); codes(p.Refusals) != "duplicate_index_name" || p.Refusals[0].Table != "app.u" {
		t.Errorf("%v", p.Refusals)
	}
}
