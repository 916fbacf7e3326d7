package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A unique index of a partitioned table cannot be built concurrently. It is created ON ONLY the table, empty and invalid.
// Each partition's index is built concurrently and attached to it. The index becomes valid with the last one.

// createPartitionedIndexes creates the indexes of the partitioned tables, parents first. A partition that is created later
// gets an attached index at once.
func createPartitionedIndexes(t Target, root *catalog.Table) []Action {
	if stale := staleIndex(t, root); stale != nil {
		return []Action{stale}
	}
	var actions []Action
	for _, part := range t.Partitioned(root) {
		if part.Table.Index(part.Index) == nil {
			actions = append(actions, Change{Locks: part.exclusiveOnly(), Statements: []string{
				sqltext.Format("CREATE UNIQUE INDEX {} ON ONLY {} (", sqltext.Name(part.Index), part.Name()) + part.columns() + ")",
			}})
		}
	}
	return actions
}

// StaleIndex returns the action that drops an index of a partitioned table that cannot become valid any more, or nil.
func (s BuildIndex) StaleIndex(root *catalog.Table) Action {
	t, rootIndex := s.Target.ForTree(root)
	if !rootIndex {
		return nil
	}
	return staleIndex(t, root)
}

// staleIndex drops the root's index if it is invalid although every partition's index is attached: the last partition
// without one was detached, and PostgreSQL sets an index valid only in ATTACH PARTITION.
func staleIndex(t Target, root *catalog.Table) Action {
	i := root.Index(t.Index)
	withoutIndex := func(p Part) bool { return !p.HasIndex(p.Table) }
	if i == nil || i.Valid || len(attachIndexes(t, root)) > 0 || slices.ContainsFunc(t.Parts(root), withoutIndex) {
		return nil
	}
	return dropIndexOfTree(t)
}

// attachIndexes attaches each index to the index of the table above, the lowest tables first.
func attachIndexes(t Target, root *catalog.Table) []Action {
	var actions []Action
	for _, pair := range t.UnattachedIndexes(root) {
		actions = append(actions, Change{
			Locks:      pair.Below.exclusiveOnly(),
			Statements: []string{sqltext.Format("ALTER INDEX {} ATTACH PARTITION {}", pair.Above.indexName(), pair.Below.indexName())},
		})
	}
	return actions
}

// IndexPair is a table whose index is to be attached to the index of the table above it.
type IndexPair struct{ Above, Below Target }

// UnattachedIndexes returns the tables of a partitioned table whose index is not attached yet, the lowest first.
func (t Target) UnattachedIndexes(root *catalog.Table) []IndexPair {
	parts := map[uint32]Part{} // by oid
	for _, part := range t.Indexes(root) {
		parts[part.Table.OID] = part
	}
	var missing []IndexPair
	for i := range root.Below {
		below, above := parts[root.Below[i].OID], parts[root.Below[i].Above]
		own, parent := below.Table.Index(below.Index), above.Table.Index(above.Index)
		if own == nil || parent == nil || own.Parent != parent.OID {
			missing = append(missing, IndexPair{Above: above.Target, Below: below.Target})
		}
	}
	slices.Reverse(missing)
	return missing
}

// dropPartitionedIndexes drops the indexes that are attached to no other. PostgreSQL drops the attached indexes with them;
// it cannot do so concurrently.
func dropPartitionedIndexes(t Target, root *catalog.Table) []Action {
	if origin, mark := t.Read(root); origin != Made && (origin != Found || mark.Indexed) {
		return nil
	}
	var actions []Action
	for _, part := range t.Partitioned(root) {
		if i := part.Table.Index(part.Index); i != nil && i.Parent == 0 && part.IndexFits(i) {
			actions = append(actions, dropIndexOfTree(part.Target))
		}
	}
	slices.Reverse(actions)
	return actions
}

func dropIndexOfTree(t Target) Action {
	return Change{Locks: t.exclusive(), Statements: []string{sqltext.Format("DROP INDEX {}", t.indexName())}, Dropped: []string{t.Index}}
}

// Partitioned returns the root and the partitioned tables below it, parents first. They hold no rows themselves.
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

// treeHasIndex is HasIndex for a tree. An index of a partitioned table is valid when every partition has a valid index
// that is attached to it.
func (t Target) treeHasIndex(root *catalog.Table) bool {
	t, rootIndex := t.ForTree(root)
	if rootIndex {
		i := root.Index(t.Index)
		return i != nil && i.Unique && i.Valid && i.Immediate && t.IndexFits(i)
	}
	return !slices.ContainsFunc(t.Parts(root), func(p Part) bool { return !p.HasIndex(p.Table) })
}

// createAboveScript returns the statements that create the missing indexes of partitioned tables, parents first.
func (t Target) createAboveScript(root *catalog.Table) (all []Statement) {
	actions := createPartitionedIndexes(t, root)
	for _, one := range t.Partitioned(root) {
		if one.Table.Index(one.Index) != nil {
			continue
		}
		create := scripted(actions[len(all)], one.Table.Name+"_index",
			one.String()+": create index "+one.Index+", which becomes valid once an index of each partition is attached to it", condition.Not(one.hasIndexIn()))
		create.Lock += ", on the partitioned table only"
		all = append(all, create)
	}
	return all
}

// attachScript returns the statements that attach the indexes to their parent's, from the lowest level up.
func (t Target) attachScript(root *catalog.Table) (all []Statement) {
	actions := attachIndexes(t, root)
	for i, joint := range t.UnattachedIndexes(root) {
		all = append(all, scripted(actions[i], joint.Below.Table+"_attach_index",
			joint.Below.String()+": attach index "+joint.Below.Index+" to "+joint.Above.Index+" of "+joint.Above.String(),
			joint.Below.hasIndexIn(condition.Unattached)))
	}
	return all
}

// dropStaleScript returns the statement of staleIndex.
func (t Target) dropStaleScript(stale Action) Statement {
	one := scripted(stale, t.Table+"_drop_stale_index",
		"drop index "+t.Index+", which has all its parts but stays invalid, to build it again", t.hasIndexIn(condition.Stale))
	one.Lock = t.treeWords(stale.Locked())
	return one
}

// dropAboveScript returns the statement that drops the index of a partitioned table.
func (t Target) dropAboveScript(root *catalog.Table, drop Action) Statement {
	if one, ok := partOf(t.Partitioned(root), drop); ok {
		t = one
	}
	all := scripted(drop, t.Table+"_drop_index", "drop index "+t.Index+" of "+t.String()+", and the indexes of its partitions", t.hasIndexIn(t.isItsIndex()))
	all.Lock = t.treeWords(drop.Locked())
	return all
}
