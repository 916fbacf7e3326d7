package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A unique index of a partitioned table cannot be built concurrently. It is made of the table alone, empty and not
// valid; each partition's own is built concurrently and attached to it. With the last one it becomes valid.

// partitionedIndexes makes those of the partitioned tables, the upper ones first. A partition that is
// made from then on gets its own at once, and attached.
func createPartitionedIndexes(t Target, root *catalog.Table) []Action {
	if stale := staleIndex(t, root); stale != nil {
		return []Action{stale}
	}
	var actions []Action
	for _, one := range t.Partitioned(root) {
		if one.Table.Index(one.Index) == nil {
			actions = append(actions, Change{Table: one.Relation(), Exclusive: true, Only: true, Statements: []string{
				sqltext.Format("CREATE UNIQUE INDEX {} ON ONLY {} (", sqltext.Name(one.Index), one.Name()) + one.columns() + ")",
			}})
		}
	}
	return actions
}

// Stale is the dropping of an index of a partitioned table that cannot become valid any more; nil where there is none.
func (s BuildIndex) StaleIndex(root *catalog.Table) Action {
	t, joined := s.Target.ForTree(root)
	if !joined {
		return nil
	}
	return staleIndex(t, root)
}

// staleIndex drops the root's index where nothing is left to be attached to it, and it is not valid all the
// same: the last partition that it lacked was detached, and only an ATTACH makes PostgreSQL look again.
func staleIndex(t Target, root *catalog.Table) Action {
	i := root.Index(t.Index)
	lacking := func(p Part) bool { return !p.HasIndex(p.Table) }
	if i == nil || i.Valid || len(attachIndexes(t, root)) > 0 || slices.ContainsFunc(t.Parts(root), lacking) {
		return nil
	}
	return dropIndexOfTree(t)
}

// attachments attaches each index below to the one above, from below.
func attachIndexes(t Target, root *catalog.Table) []Action {
	var actions []Action
	for _, joint := range t.UnattachedIndexes(root) {
		actions = append(actions, Change{
			Table: joint.Below.Relation(), Exclusive: true, Only: true,
			Statements: []string{sqltext.Format("ALTER INDEX {} ATTACH PARTITION {}", joint.Above.indexName(), joint.Below.indexName())},
		})
	}
	return actions
}

// Joint is where the index of a table is to be attached to that of the table above it.
type IndexPair struct{ Above, Below Target }

// Joints are those of a partitioned table that are missing, from below.
func (t Target) UnattachedIndexes(root *catalog.Table) []IndexPair {
	above := map[uint32]Part{}
	for _, one := range t.Indexes(root) {
		above[one.Table.OID] = one
	}
	var missing []IndexPair
	for i := range root.Below {
		one, upper := above[root.Below[i].OID], above[root.Below[i].Above]
		own, parent := one.Table.Index(one.Index), upper.Table.Index(upper.Index)
		if own == nil || parent == nil || own.Parent != parent.OID {
			missing = append(missing, IndexPair{Above: upper.Target, Below: one.Target})
		}
	}
	slices.Reverse(missing)
	return missing
}

// withoutPartitionedIndexes drops those that are attached to no other, and what is attached to them with
// them, which cannot be done concurrently.
func dropPartitionedIndexes(t Target, root *catalog.Table) []Action {
	if origin, as := t.Read(root); origin != Made && (origin != Found || as.Indexed) {
		return nil
	}
	var actions []Action
	for _, one := range t.Partitioned(root) {
		if i := one.Table.Index(one.Index); i != nil && i.Parent == 0 && one.IndexFits(i) {
			actions = append(actions, dropIndexOfTree(one.Target))
		}
	}
	slices.Reverse(actions)
	return actions
}

func dropIndexOfTree(t Target) Action {
	return Change{Table: t.Relation(), Exclusive: true, Statements: []string{sqltext.Format("DROP INDEX {}", t.indexName())}}
}

// Partitioned are the tables of a tree that hold no rows themselves, the upper ones first.
func (t Target) Partitioned(root *catalog.Table) []Part {
	all := []Part{{t, root}}
	names := t.names(root)
	for i := range root.Below {
		if table := &root.Below[i]; table.Kind == catalog.Partitioned {
			all = append(all, Part{t.below(table, names, t.Keys), t.inherited(root, table)})
		}
	}
	return all
}

func (t Target) indexName() sqltext.Table { return sqltext.Table{Schema: t.Schema, Name: t.Index} }

// indexed is HasIndex of a tree. PostgreSQL calls an index of a partitioned table valid when each partition has
// a valid one that is attached to it.
func (t Target) treeHasIndex(root *catalog.Table) bool {
	t, whole := t.ForTree(root)
	if whole {
		i := root.Index(t.Index)
		return i != nil && i.Unique && i.Valid && i.Immediate && t.IndexFits(i)
	}
	return !slices.ContainsFunc(t.Parts(root), func(p Part) bool { return !p.HasIndex(p.Table) })
}
