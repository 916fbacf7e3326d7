package step

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A tree is a partitioned table with its partitions, or a table with tables that inherit from it. All of them have the
// root's column, so that one ALTER TABLE adds or drops it. Work on rows is done table by table: each table that holds rows
// is a part, and the steps treat a part as they treat an ordinary table.

// Part is one table of a tree that holds rows.
type Part struct {
	Target

	Table *catalog.Table
}

// Parts returns the tables of a tree that hold rows, children before their parents. A table that is no tree is its own
// only part.
func (t Target) Parts(table *catalog.Table) []Part {
	switch {
	case !table.IsTree():
		return []Part{{t, table}}
	case t.Only && !t.IsTree(): // the tables that inherit are edges of their own
		return []Part{{t, table.WithoutBelow()}}
	case table.Kind == catalog.Partitioned:
		return t.partitions(table)
	}
	parts := t.partitions(table)
	slices.Reverse(parts)
	root := t
	root.Root, root.Only = t.Name(), true
	return append(parts, Part{root, table.WithoutBelow()})
}

// partitions returns the parts below the root.
func (t Target) partitions(table *catalog.Table) []Part {
	names := t.names(table)
	keys, _ := t.keys(table)
	var parts []Part
	for i := range table.Below {
		below := &table.Below[i]
		if below.Kind != catalog.Partitioned {
			parts = append(parts, Part{t.below(below, names, keys), t.inherited(table, below)})
		}
	}
	return parts
}

// below returns the target of a table below the root.
func (t Target) below(table *catalog.Table, names map[uint32]string, keys []string) Target {
	part := t
	part.Schema, part.Table, part.Root, part.Pattern = table.Schema, table.Name, t.Name(), ""
	part.Index, part.Keys = names[table.OID], keys
	part.Only = table.Kind == catalog.Ordinary && !table.Partition
	return part
}

// inherited returns a table below the root as the steps see it: its column has the comment, and so the mark, of the root's.
func (t Target) inherited(root, table *catalog.Table) *catalog.Table {
	part := table.WithoutBelow()
	own, above := part.Column(t.Column), root.Column(t.Column)
	if own != nil && above != nil {
		own.Comment = above.Comment
	}
	return part
}

// names returns the names of the indexes below the root, by the table's oid: the index that is attached to the one above,
// or else the name that the pattern gives. The pattern gets all columns, so that a table that is detached later can have
// an index on the column alone under another name.
func (t Target) names(root *catalog.Table) map[uint32]string {
	names := map[uint32]string{}
	withKeys, _ := t.ForTree(root)
	columns := strings.Join(withKeys.IndexColumns(), "_")
	indexOf := map[uint32]uint32{} // by oid of the table
	if i := root.Index(t.Index); i != nil {
		indexOf[root.OID] = i.OID
	}
	for _, table := range root.Below {
		names[table.OID] = IndexName(t.Pattern, table.Name, columns)
		if above := indexOf[table.Above]; above != 0 {
			at := slices.IndexFunc(table.Indexes, func(i catalog.Index) bool { return i.Parent == above })
			if at >= 0 {
				names[table.OID] = table.Indexes[at].Name
			}
		}
		if i := table.Index(names[table.OID]); i != nil {
			indexOf[table.OID] = i.OID
		}
	}
	return names
}

// keys returns the columns, in addition to the target's, that a unique index of the whole tree must have: the partition keys, and the
// distribution column on a cluster. rootIndex is
// false if there can be no such index: the root is not partitioned, or an expression is among the partition keys.
func (t Target) keys(root *catalog.Table) (keys []string, rootIndex bool) {
	if root.Kind != catalog.Partitioned {
		return nil, false
	}
	for _, table := range root.All() {
		for _, key := range table.PartitionKey {
			switch {
			case key == "":
				return nil, false
			case key != t.Column && !slices.Contains(keys, key):
				keys = append(keys, key)
			}
		}
	}
	if sharding := root.Sharding; sharding != nil && sharding.Column != "" && sharding.Column != t.Column && !slices.Contains(keys, sharding.Column) {
		keys = append(keys, sharding.Column)
	}
	return keys, true
}

// ForTree returns the target with the Keys of a table's tree, and whether the root has an index to which the indexes of
// its partitions are attached. A distributed table keeps the Keys of its goal.
func (t Target) ForTree(table *catalog.Table) (target Target, rootIndex bool) {
	if table.Sharding != nil && !table.IsTree() {
		return t, false
	}
	keys, rootIndex := t.keys(table)
	t.Keys = keys
	return t, rootIndex
}

// IsTree reports whether the target's column belongs to tables below it as well.
func (t Target) IsTree() bool { return t.Pattern != "" }

// HasRootIndex reports whether the indexes of a tree are attached to an index of the root. It needs the target of ForTree.
func (t Target) HasRootIndex() bool { return len(t.Keys) > 0 }

// forEachPart returns the actions of all parts of the view's table, in order.
func forEachPart(t Target, v View, actionsOf func(Target, View) []Action) []Action {
	if v.Table == nil || !v.Table.IsTree() {
		return actionsOf(t, v)
	}
	var actions []Action
	for _, part := range t.Parts(v.Table) {
		actions = append(actions, actionsOf(part.Target, v.ofTable(part.Table))...)
	}
	return actions
}

// forAllParts reports whether a condition holds for every part of the view's table.
func forAllParts(t Target, v View, holds func(Target, View) bool) bool {
	if v.Table == nil || !v.Table.IsTree() {
		return holds(t, v)
	}
	for _, part := range t.Parts(v.Table) {
		if !holds(part.Target, v.ofTable(part.Table)) {
			return false
		}
	}
	return true
}

// ofTable returns the view of one part of the view's tree.
func (v View) ofTable(table *catalog.Table) View {
	v.Table, v.Unfilled = table, !v.Filled[table.OID]
	return v
}

// IndexName returns the name of a table's index: the pattern with {table} and {column} replaced. A name of more than 63
// bytes is truncated and ends with eight digits of the full name's SHA-256, so that long names with a common beginning
// stay different.
func IndexName(pattern, table, column string) string {
	name := strings.NewReplacer("{table}", table, "{column}", column).Replace(pattern)
	if len(name) <= sqltext.MaxIdentifier {
		return name
	}
	digest := sha256.Sum256([]byte(name))
	suffix := "_" + hex.EncodeToString(digest[:])[:8]
	short := []rune(name)
	for len(string(short))+len(suffix) > sqltext.MaxIdentifier {
		short = short[:len(short)-1]
	}
	return string(short) + suffix
}
