package step

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A tree is a partitioned table with what is below it, or a table with children by inheritance. A column of
// the table at the top belongs to all of them, so that it comes and goes with one ALTER. What has to do with
// rows is done table by table: each of those that hold rows is a part, an ordinary target whose column is
// inherited, and the steps ask of it what they ask of any table.

// Part is one table of a tree that holds rows.
type Part struct {
	Target

	Table *catalog.Table
}

// Parts are the tables of a tree that hold rows, children before their parents; a table without anything
// below it is its own only part.
func (t Target) Parts(table *catalog.Table) []Part {
	switch {
	case !table.IsTree():
		return []Part{{t, table}}
	case table.Kind == catalog.Partitioned:
		return t.partitions(table)
	}
	parts := t.partitions(table)
	slices.Reverse(parts)
	top := t
	top.Root, top.Only = t.String(), true
	return append(parts, Part{top, table.WithoutBelow()})
}

// partitions are the parts below the top.
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

// below is the target of a table below the top.
func (t Target) below(table *catalog.Table, names map[uint32]string, keys []string) Target {
	part := t
	part.Schema, part.Table, part.Root, part.Pattern = table.Schema, table.Name, t.String(), ""
	part.Index, part.Keys = names[table.OID], keys
	part.Only = table.Kind == catalog.Ordinary && !table.Partition
	return part
}

// inherited is a table below the top as its steps see it: the mark on the root's column is that of its own.
func (t Target) inherited(root, table *catalog.Table) *catalog.Table {
	alone := table.WithoutBelow()
	mine, above := alone.Column(t.Column), root.Column(t.Column)
	if mine != nil && above != nil {
		mine.Comment = above.Comment
	}
	return alone
}

// names are those of the indexes below the top: the one that is attached to the index above, or else what the
// pattern says. All columns are in it, as in PostgreSQL's own: the index by the column alone, which a table
// would get that was detached, has another name.
func (t Target) names(root *catalog.Table) map[uint32]string {
	names := map[uint32]string{}
	joined, _ := t.ForTree(root)
	columns := strings.Join(joined.IndexColumns(), "_")
	of := map[uint32]uint32{} // the index of a table
	if i := root.Index(t.Index); i != nil {
		of[root.OID] = i.OID
	}
	for _, table := range root.Below {
		names[table.OID] = IndexName(t.Pattern, table.Name, columns)
		if above := of[table.Above]; above != 0 {
			at := slices.IndexFunc(table.Indexes, func(i catalog.Index) bool { return i.Parent == above })
			if at >= 0 {
				names[table.OID] = table.Indexes[at].Name
			}
		}
		if i := table.Index(names[table.OID]); i != nil {
			of[table.OID] = i.OID
		}
	}
	return names
}

// keys are the columns that a unique index of the whole tree must have beside the column. There is none for a
// table with children by inheritance, and none where an expression is among the keys.
func (t Target) keys(root *catalog.Table) (keys []string, whole bool) {
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
	return keys, true
}

// Spread is the target with what a table's tree says of its index, and whether there is one index of all of it.
func (t Target) ForTree(table *catalog.Table) (Target, bool) {
	keys, whole := t.keys(table)
	t.Keys = keys
	return t, whole
}

// Spreads reports whether the target's column belongs to other tables as well.
func (t Target) IsTree() bool { return t.Pattern != "" }

// Joined reports whether the indexes of a tree are attached to one of all of it.
func (t Target) HasRootIndex() bool { return len(t.Keys) > 0 }

// across asks something of every part of the view's table, one after the other.
func forEachPart(t Target, v View, ask func(Target, View) []Action) []Action {
	if v.Table == nil || !v.Table.IsTree() {
		return ask(t, v)
	}
	var actions []Action
	for _, part := range t.Parts(v.Table) {
		actions = append(actions, ask(part.Target, v.ofTable(part.Table))...)
	}
	return actions
}

// everywhere reports whether something holds of every part of the view's table.
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

// of is the view of one part of the view's tree.
func (v View) ofTable(table *catalog.Table) View {
	v.Table, v.Unfilled = table, !v.Filled[table.OID]
	return v
}

// IndexName makes the name of a table's index: {table} and {column} stand for the names. One of more than 63
// bytes is cut, and ends with eight digits of the whole name's SHA-256, so that long names that begin alike
// stay different.
func IndexName(pattern, table, column string) string {
	whole := strings.NewReplacer("{table}", table, "{column}", column).Replace(pattern)
	if len(whole) <= sqltext.MaxIdentifier {
		return whole
	}
	digest := sha256.Sum256([]byte(whole))
	tail := "_" + hex.EncodeToString(digest[:])[:8]
	cut := []rune(whole)
	for len(string(cut))+len(tail) > sqltext.MaxIdentifier {
		cut = cut[:len(cut)-1]
	}
	return string(cut) + tail
}
