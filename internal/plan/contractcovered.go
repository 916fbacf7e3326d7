package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// coveredKeys returns the foreign keys that have no edge of their own and hold a column that ends: composite ones, and further ones on the
// column of an edge, with other actions. It refuses one of whose pairs of columns only one ends.
func (c *contraction) coveredKeys() (keys []catalog.ForeignKey) {
	seen := map[sqltext.Table]bool{}
	for _, l := range c.links {
		child := l.Edge.Child.All()
		if seen[child] {
			continue
		}
		seen[child] = true
		for _, k := range c.input.Schema.Named(child).ForeignKeys {
			if k.Above == 0 && !step.IsTemporaryIndex(k.Name) && !c.hasEdge(child, k) && c.covers(k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// hasEdge reports whether a foreign key is mirrored by an edge, was made for one, or does what the one of an edge does.
func (c *contraction) hasEdge(child sqltext.Table, k catalog.ForeignKey) bool {
	return slices.ContainsFunc(c.links, func(l Link) bool {
		r := l.Edge.Reference
		same := slices.Equal(r.ChildColumns, k.ChildColumns) && slices.Equal(r.ParentColumns, k.ParentColumns) && r.Parent.Same(k.Parent) &&
			r.OnDelete == k.OnDelete && r.OnUpdate == k.OnUpdate && r.Match == k.Match && r.Deferrable == k.Deferrable && r.Deferred == k.Deferred
		return l.Edge.Child.Same(child) && (r.Name == k.Name || l.Edge.Constraint == k.Name || same)
	})
}

// covers reports whether columns of a foreign key end, each with its counterpart in the parent.
func (c *contraction) covers(k catalog.ForeignKey) bool {
	columns, parents, ends := c.uuids[k.Child], c.parentsOf(k), false
	for i, column := range k.ChildColumns {
		child, parent := columns[column] != "", parents[k.ParentColumns[i]] != ""
		if child != parent {
			c.found = append(c.found, message.ContractMixed(k.Child.String()+"."+column, k.Name, k.Child.String()+"."+column, k.Parent.String()+"."+k.ParentColumns[i], parent, ""))
			return false
		}
		ends = ends || child
	}
	return ends
}

// parentsOf returns the uuid column of each column of the parent to which a foreign key refers: of those that end, and of the keys of
// edges, which may stay.
func (c *contraction) parentsOf(k catalog.ForeignKey) map[string]string {
	uuids := map[string]string{}
	for i, name := range k.ParentColumns {
		uuids[name] = c.uuids[k.Parent][name]
		for _, l := range c.links {
			if e := l.Edge; uuids[name] == "" && e.Child.Same(k.Child) && e.Column == k.ChildColumns[i] && e.Parent.Same(k.Parent) && e.Key == name {
				uuids[name] = e.ParentUUID
			}
		}
	}
	return uuids
}

// withoutIntegers returns the steps that create, on uuids, the foreign keys that end with an edge's column. A foreign key ends with the
// first of its columns.
func (c *contraction) withoutIntegers(l Link) (links []step.LinkWithoutIntegers) {
	child := c.input.Schema.Named(l.Edge.Child.All())
	for _, k := range c.covered {
		first := c.links[slices.IndexFunc(c.links, func(l Link) bool { return k.Child.Same(l.Edge.Child) && slices.Contains(k.ChildColumns, l.Edge.Column) })]
		if KeyOf(first.Edge) != KeyOf(l.Edge) {
			continue
		}
		e, key, parents := l.Edge, k.ReferencedColumn(l.Edge.Column), c.parentsOf(k)
		linked := step.Edge{
			Child: e.Child, Column: e.Column, UUID: e.UUID, Parent: parentName(k.Parent, c.input.Schema.Named(k.Parent)), Key: key, ParentUUID: parents[key],
			Reference: k, Tree: e.Tree, Wired: &e, Constraint: keyName(k.Name, child.Name, e.Column, e.UUID),
		}
		for child.Constraint(linked.Constraint) != nil || slices.ContainsFunc(links, func(s step.LinkWithoutIntegers) bool { return s.Edge.Constraint == linked.Constraint }) {
			linked.Constraint += "_"
		}
		final := linked.WithoutIntegers(c.uuids[k.Child], parents)
		c.refuseWithoutIndex(e, k, final.ParentColumns())
		links = append(links, step.LinkWithoutIntegers{Edge: linked, Final: final})
	}
	return links
}

// refuseWithoutIndex refuses a foreign key onto the parent's own key and other columns if no unique index on their uuids exists when the
// plan is made.
func (c *contraction) refuseWithoutIndex(e step.Edge, k catalog.ForeignKey, columns []string) {
	parent := c.input.Schema.Named(k.Parent)
	isOwn := func(name string) bool {
		return c.parentsOf(k)[name] != "" && !slices.ContainsFunc(c.links, func(l Link) bool { return l.Edge.Child.Same(k.Parent) && l.Edge.Column == name })
	}
	if !slices.ContainsFunc(k.ParentColumns, isOwn) {
		return
	}
	serves := func(i catalog.Index) bool {
		return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && slices.Equal(slices.Sorted(slices.Values(i.Columns)), slices.Sorted(slices.Values(columns)))
	}
	if parent != nil && slices.ContainsFunc(parent.Indexes, serves) {
		return
	}
	quoted := make([]string, len(columns))
	for i, name := range columns {
		quoted[i] = sqltext.Ident(name)
	}
	one := message.ContractDependent(e.String(), "foreign key "+k.Name)
	one.Detail = "It is made again on uuids, which needs a unique index that " + k.Parent.String() + " does not have."
	one.Hint = "Create it, or drop the foreign key: CREATE UNIQUE INDEX CONCURRENTLY ON " + sqltext.Qualified(k.Parent.Schema, k.Parent.Name) + " (" + strings.Join(quoted, ", ") + ");"
	c.found = append(c.found, one)
}

// holds reports whether a foreign key that has no edge of its own needs a column of the parent as long as the edge's column exists.
func holds(k catalog.ForeignKey, e, of step.Edge) bool {
	return k.Child.Same(e.Child) && k.Parent.Same(of.Child) && slices.Contains(k.ChildColumns, e.Column) && slices.Contains(k.ParentColumns, of.Column)
}
