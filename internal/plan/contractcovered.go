package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// coveredKeys returns the composite foreign keys that have no edge of their own and hold a column that ends, and refuses one of whose
// pairs of columns only one ends.
func (c *contraction) coveredKeys() (keys []catalog.ForeignKey) {
	seen := map[sqltext.Table]bool{}
	for _, l := range c.links {
		child := l.Edge.Child.All()
		if seen[child] {
			continue
		}
		seen[child] = true
		for _, k := range c.input.Schema.Named(child).ForeignKeys {
			if k.Above == 0 && len(k.ChildColumns) > 1 && !step.IsTemporaryIndex(k.Name) && !c.hasEdge(child, k) && c.covers(k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// hasEdge reports whether a foreign key is mirrored by an edge, or was made for one.
func (c *contraction) hasEdge(child sqltext.Table, k catalog.ForeignKey) bool {
	return slices.ContainsFunc(c.links, func(l Link) bool {
		return l.Edge.Child.Same(child) && (l.Edge.Reference.Name == k.Name || l.Edge.Constraint == k.Name)
	})
}

// covers reports whether columns of a foreign key end, each with its counterpart in the parent.
func (c *contraction) covers(k catalog.ForeignKey) bool {
	columns, parents, ends := c.uuids[k.Child], c.uuids[k.Parent], false
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

// withoutIntegers returns the steps that make the foreign keys that end with an edge's column anew on uuids. A foreign key ends with the
// first of its columns.
func (c *contraction) withoutIntegers(l Link) (links []step.LinkWithoutIntegers) {
	child := c.input.Schema.Named(l.Edge.Child.All())
	for _, k := range c.covered {
		first := c.links[slices.IndexFunc(c.links, func(l Link) bool { return k.Child.Same(l.Edge.Child) && slices.Contains(k.ChildColumns, l.Edge.Column) })]
		if KeyOf(first.Edge) != KeyOf(l.Edge) {
			continue
		}
		e, key := l.Edge, k.ReferencedColumn(l.Edge.Column)
		linked := step.Edge{
			Child: e.Child, Column: e.Column, UUID: e.UUID, Parent: parentName(k.Parent, c.input.Schema.Named(k.Parent)), Key: key, ParentUUID: c.uuids[k.Parent][key],
			Reference: k, Tree: e.Tree, Wired: &e, Constraint: keyName(k.Name, child.Name, e.Column, e.UUID),
		}
		for child.Constraint(linked.Constraint) != nil || slices.ContainsFunc(links, func(s step.LinkWithoutIntegers) bool { return s.Edge.Constraint == linked.Constraint }) {
			linked.Constraint += "_"
		}
		links = append(links, step.LinkWithoutIntegers{Edge: linked, Final: linked.WithoutIntegers(c.uuids[k.Child], c.uuids[k.Parent])})
	}
	return links
}

// holds reports whether a foreign key that has no edge of its own needs a column of the parent as long as the edge's column exists.
func holds(k catalog.ForeignKey, e, of step.Edge) bool {
	return k.Child.Same(e.Child) && k.Parent.Same(of.Child) && slices.Contains(k.ChildColumns, e.Column) && slices.Contains(k.ParentColumns, of.Column)
}
