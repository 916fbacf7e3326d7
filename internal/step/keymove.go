package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// keyMove moves one foreign key to another index of its parent.
type keyMove struct {
	view  View
	key   Key
	table *catalog.Table // the parent
	child *catalog.Table // nil if the view does not have it
	old   catalog.ForeignKey
	to    *catalog.Index
}

// Unmovable returns the foreign keys that refer to the table and keep its primary key from being dropped, since nothing moves them:
// all onto a partitioned table; one of a partitioned table that is a partition itself; on the way back also one onto the uuids that
// no other unique index could serve.
func (k Key) Unmovable(v View) (keys []catalog.ForeignKey) {
	t, pk := k.table(v)
	if t == nil {
		return nil
	}
	for _, p := range k.parts(t) {
		indexes := []*catalog.Index{p.pk}
		if p.own != nil && !k.Tree {
			indexes = append(indexes, p.own)
		}
		for _, i := range indexes {
			for _, one := range withoutEndingKeys(referencesOn(p.table, i)) {
				child := v.Relation(one.Child)
				between := child != nil && child.Kind == catalog.Partitioned && child.Parents > 0
				if k.Tree || between || i == pk && k.Switched(t) && otherIndex(t, pk) == nil {
					keys = append(keys, one)
				}
			}
		}
	}
	return keys
}

// twinKeyName returns the name of the twin of a foreign key.
func twinKeyName(name string) string { return temporaryName(name) }

func isTwinKey(name string) bool { return IsTemporaryIndex(name) && !isEndingKey(name) }

// twin returns the foreign key that takes the old one's place. If it can be deferred, it is deferred until then: SET CONSTRAINTS with
// the name of the old one does not reach it, and the old one still reports what it has to report at once.
func (m keyMove) twin() catalog.ForeignKey {
	twin := m.old
	twin.Name, twin.Deferred = twinKeyName(m.old.Name), m.old.Deferrable
	return twin
}

// owns reports whether a foreign key is the twin, or the twin of a partition.
func (m keyMove) owns(k catalog.ForeignKey) bool {
	return k.Name == twinKeyName(m.old.Name) &&
		(k.Child.Same(m.old.Child) || slices.ContainsFunc(m.leaves(), func(t *catalog.Table) bool { return t.Named().Same(k.Child) }))
}

// leavesFirst reports whether the partitions get their foreign keys before the child: before version 18 one of a partitioned table
// cannot be NOT VALID.
func (m keyMove) leavesFirst() bool {
	return m.child != nil && m.child.Kind == catalog.Partitioned && m.view.Server.Major() < validatesTrees
}

// leaves returns the partitions that get a foreign key of their own first.
func (m keyMove) leaves() []*catalog.Table {
	if !m.leavesFirst() {
		return nil
	}
	return leaves(m.child)
}

// found returns the twin that a table has; nil if it has none.
func (m keyMove) found(table sqltext.Table) *catalog.ForeignKey {
	for i := range m.table.ReferencedBy {
		if k := &m.table.ReferencedBy[i]; k.Above == 0 && k.Child.Same(table) && k.Name == twinKeyName(m.old.Name) {
			return k
		}
	}
	return nil
}

// fits reports whether a twin depends on the index and is like the old foreign key.
func (m keyMove) fits(k *catalog.ForeignKey) bool {
	o := m.twin()
	return k.Index == m.to.OID && k.Parent.Same(o.Parent) && slices.Equal(k.ChildColumns, o.ChildColumns) && slices.Equal(k.ParentColumns, o.ParentColumns) &&
		k.OnDelete == o.OnDelete && k.OnUpdate == o.OnUpdate && k.Match == o.Match && k.Deferrable == o.Deferrable && k.Deferred == o.Deferred &&
		slices.Equal(k.SetColumns, o.SetColumns)
}

// actions returns the actions that move the foreign key. A twin that does not fit is dropped and made again.
func (m keyMove) actions() []Action {
	twin, found := m.twin(), m.found(m.old.Child)
	var actions []Action
	if found != nil && !m.fits(found) {
		actions, found = append(actions, m.drop(*found)), nil
	}
	switch {
	case found != nil && (found.Validated || !m.old.Validated):
	case found != nil:
		actions = append(actions, validateKey(twin.Child, twin.Name))
	case m.leavesFirst():
		actions = append(actions, m.addToLeaves(twin)...)
	default:
		actions = append(actions, m.add(twin.Child, twin, lock.ShareRowExclusive, " NOT VALID"))
		if twin.Validated {
			actions = append(actions, validateKey(twin.Child, twin.Name))
		}
	}
	return append(actions, m.replace())
}

// addToLeaves adds the foreign key to each partition and validates it; the one of the partitioned table then adopts them.
func (m keyMove) addToLeaves(twin catalog.ForeignKey) []Action {
	var actions []Action
	for _, part := range m.leaves() {
		found := m.found(part.Named())
		if found != nil && !m.fits(found) {
			actions, found = append(actions, m.drop(*found)), nil
		}
		if found == nil {
			actions = append(actions, m.add(part.Named(), twin, lock.ShareRowExclusive, " NOT VALID"))
		}
		if found == nil || !found.Validated {
			actions = append(actions, validateKey(part.Named(), twin.Name))
		}
	}
	return append(actions, m.add(twin.Child, twin, lock.AccessExclusive, ""))
}

// on returns the locks on a child and on the parent. Tables that inherit from them are left out: they have foreign keys of their own.
func (m keyMove) on(child sqltext.Table, mode, parent lock.Mode) []lock.Lock {
	if m.child != nil && m.child.Kind == catalog.Ordinary {
		child.Only = true
	}
	return lock.InOrder([]lock.Lock{lock.On(child, mode), lock.On(m.key.Table, parent)})
}

func (m keyMove) add(child sqltext.Table, k catalog.ForeignKey, parent lock.Mode, suffix string) Action {
	return Change{Locks: m.on(child, lock.ShareRowExclusive, parent), Statements: []string{
		sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY (", child.All(), sqltext.Name(k.Name)) + idents(k.ChildColumns) +
			sqltext.Format(") REFERENCES {} (", k.Parent.All()) + idents(k.ParentColumns) + ")" + keyOptions(k) + suffix,
	}}
}

func validateKey(child sqltext.Table, name string) Action {
	return Validate{Table: child, Statement: sqltext.Format("ALTER TABLE {} VALIDATE CONSTRAINT {}", child.All(), sqltext.Name(name))}
}

func (m keyMove) drop(k catalog.ForeignKey) Action {
	return Change{Locks: m.on(k.Child, lock.AccessExclusive, lock.AccessExclusive), Statements: []string{dropKeySQL(k)}}
}

func dropKeySQL(k catalog.ForeignKey) string {
	return sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", k.Child.All(), sqltext.Name(k.Name))
}

// replace drops the foreign key and gives its name and its comment to its twin, on each partition too: RENAME CONSTRAINT does not
// reach them.
func (m keyMove) replace() Action {
	statements := []string{dropKeySQL(m.old)}
	if m.twin().Deferred != m.old.Deferred {
		statements = append(statements, sqltext.Format("ALTER TABLE {} ALTER CONSTRAINT {} DEFERRABLE INITIALLY IMMEDIATE", m.old.Child.All(), sqltext.Name(twinKeyName(m.old.Name))))
	}
	for _, k := range append([]catalog.ForeignKey{m.old}, m.below()...) {
		statements = append(statements, sqltext.Format("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", k.Child.All(), sqltext.Name(twinKeyName(m.old.Name)), sqltext.Name(k.Name)))
		if k.Comment != nil {
			statements = append(statements, sqltext.Format("COMMENT ON CONSTRAINT {} ON {} IS {}", sqltext.Name(k.Name), k.Child.All(), sqltext.Value(*k.Comment)))
		}
	}
	return Change{Locks: m.on(m.old.Child, lock.AccessExclusive, lock.AccessExclusive), Guard: m.ready(), Statements: statements}
}

// below returns the foreign keys of partitions that are dropped with the one of the child.
func (m keyMove) below() []catalog.ForeignKey {
	if m.child == nil {
		return nil
	}
	var keys []catalog.ForeignKey
	dropped := []uint32{m.old.OID}
	for i := range m.child.Below {
		for _, k := range m.child.Below[i].ForeignKeys {
			if slices.Contains(dropped, k.Above) {
				keys, dropped = append(keys, k), append(dropped, k.OID)
			}
		}
	}
	return keys
}

// ready returns the guard of replace: the twins are valid if the foreign keys are, depend on the index, and have their definition,
// except that they are deferred; the comments are those that were read. A child that was partitioned or attached since has another number of foreign keys.
func (m keyMove) ready() string {
	all := append([]catalog.ForeignKey{m.old}, m.below()...)
	seen := make([]string, len(all))
	for i, k := range all {
		seen[i] = sqltext.Format("({}::pg_catalog.regclass, {}, {})", sqltext.Value(sqltext.Qualified(k.Child.Schema, k.Child.Name)), sqltext.Value(k.Name), sqltext.Value(text(k.Comment)))
	}
	return sqltext.Format("SELECT FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_constraint n ON n.conrelid = o.conrelid AND n.contype = 'f'"+
		" WHERE o.contype = 'f' AND n.conname = {} AND n.conindid = {}::pg_catalog.regclass"+
		" AND pg_catalog.replace(pg_catalog.pg_get_constraintdef(n.oid), ' INITIALLY DEFERRED', '') = pg_catalog.replace(pg_catalog.pg_get_constraintdef(o.oid), ' INITIALLY DEFERRED', '')"+
		" AND (o.conrelid::pg_catalog.regclass, o.conname::text, coalesce(pg_catalog.obj_description(o.oid, 'pg_constraint'), '')) IN (",
		sqltext.Value(twinKeyName(m.old.Name)), sqltext.Value(sqltext.Qualified(m.table.Schema, m.to.Name))) +
		strings.Join(seen, ", ") + sqltext.Format(") HAVING pg_catalog.count(*) = {}", len(all))
}
