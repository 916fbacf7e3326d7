package step_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestServes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*catalog.Index)
		want   bool
	}{
		"as built":           {func(*catalog.Index) {}, true},
		"another name":       {func(i *catalog.Index) { i.Name = "any" }, true},
		"invalid":            {func(i *catalog.Index) { i.Valid = false }, false},
		"not unique":         {func(i *catalog.Index) { i.Unique = false }, false},
		"deferrable":         {func(i *catalog.Index) { i.Immediate = false }, false},
		"partial":            {func(i *catalog.Index) { i.Predicate = "(id > 7)" }, false},
		"hash":               {func(i *catalog.Index) { i.Method = "hash" }, false},
		"more columns":       {func(i *catalog.Index) { i.Columns = []string{"uuid", "id"} }, false},
		"an included column": {func(i *catalog.Index) { i.Included = []string{"id"} }, false},
	} {
		i := index("orders_uuid_idx")
		c.change(&i)
		if got := orders().Serves(&i); got != c.want {
			t.Errorf("%s: serves %t", name, got)
		}
		if got := orders().HasEquivalentIndex(table(column(), i)); got != c.want {
			t.Errorf("%s: equivalent index %t", name, got)
		}
		if got := orders().HasIndex(table(column(), i)); got != (c.want && i.Name == "orders_uuid_idx") {
			t.Errorf("%s: has index %t", name, got)
		}
	}
}

func TestComplete(t *testing.T) {
	complete := func() *catalog.Table { return withIndexes(partitioned(column(defaulted, notNull)), true) }
	changed := func(change func(*catalog.Table)) *catalog.Table {
		root := complete()
		change(root)
		return root
	}
	for name, c := range map[string]struct {
		target step.Target
		table  *catalog.Table
		want   bool
	}{
		"complete":               {orders(), table(column(defaulted, notNull), index("orders_uuid_idx")), true},
		"nullable":               {orders(), table(column(defaulted), index("orders_uuid_idx")), false},
		"no default":             {orders(), table(column(notNull), index("orders_uuid_idx")), false},
		"no index":               {orders(), table(column(defaulted, notNull)), false},
		"no column":              {orders(), table(index("orders_uuid_idx")), false},
		"tree":                   {tree(), complete(), true},
		"tree, partition null":   {tree(), changed(func(root *catalog.Table) { root.Below[2].Columns[0].NotNull = false }), false},
		"tree, index invalid":    {tree(), changed(func(root *catalog.Table) { root.Indexes[0].Valid = false }), false},
		"tree, without a column": {tree(), changed(func(root *catalog.Table) { root.Below[0].Columns = nil }), false},
	} {
		if got := c.target.Complete(c.table); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Parts are the tables that hold rows, and the names of their indexes follow what is attached.
func TestParts(t *testing.T) {
	renamed := withIndexes(partitioned(column()), true)
	renamed.Below[0].Indexes[0].Name = "renamed"
	for name, c := range map[string]struct {
		target step.Target
		table  *catalog.Table
		want   string
	}{
		"a table":                      {orders(), table(), "app.orders orders_uuid_idx"},
		"partitions":                   {tree(), partitioned(), "app.orders_a orders_a_uuid_id_region_idx, app.orders_b orders_b_uuid_id_region_idx"},
		"partitions, an index renamed": {tree(), renamed, "app.orders_a renamed, app.orders_b orders_b_uuid_id_region_idx"},
		"inheritance": {
			tree(), inherited(),
			"app.orders_grandchild orders_grandchild_uuid_idx only, app.orders_child orders_child_uuid_idx only, app.orders orders_uuid_idx only",
		},
	} {
		var parts []string
		for _, p := range c.target.Parts(c.table) {
			line := p.String() + " " + p.Index
			if p.Rows().Only {
				line += " only"
			}
			parts = append(parts, line)
			if p.Table.IsTree() {
				t.Errorf("%s: part %s has tables below it", name, p.String())
			}
		}
		if got := strings.Join(parts, ", "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// After an interrupted build every part has an invalid index, and the build starts again with dropping it.
func TestWithInvalidIndexes(t *testing.T) {
	made := column(defaulted, commented(unfinished))
	for name, from := range map[string]*catalog.Table{"no index": table(made), "a valid index": table(made, index("orders_uuid_idx"))} {
		got := orders().WithInvalidIndexes(from)
		equal(t, name, step.BuildIndex{Target: orders()}.Apply(step.View{Table: got}), []string{drops, builds})
		if len(from.Indexes) > 0 && !from.Indexes[0].Valid {
			t.Errorf("%s: the table itself was changed", name)
		}
	}
	root := tree().WithInvalidIndexes(partitioned(column(commented(treeMade))))
	for _, part := range tree().Parts(root) {
		if i := part.Table.Index(part.Index); i == nil || i.Valid {
			t.Errorf("%s: index %+v", part.String(), i)
		}
	}
}

func TestProves(t *testing.T) {
	proof := orders().Proof()
	for name, c := range map[string]struct {
		change func(*catalog.Constraint)
		want   bool
	}{
		"as added":          {func(*catalog.Constraint) {}, true},
		"not validated":     {func(c *catalog.Constraint) { c.Validated, c.Definition = false, c.Definition+" NOT VALID" }, true},
		"not inherited":     {func(c *catalog.Constraint) { c.Definition += " NO INHERIT NOT VALID" }, true},
		"another column":    {func(c *catalog.Constraint) { c.Columns = []string{"id"} }, false},
		"another condition": {func(c *catalog.Constraint) { *c = other(*c) }, false},
		"a foreign key":     {func(c *catalog.Constraint) { c.Kind = "f" }, false},
	} {
		constraint := proof
		c.change(&constraint)
		if got := orders().Proves(&constraint); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
