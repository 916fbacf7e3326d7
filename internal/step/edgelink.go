package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// LinkEdge adds the uuid foreign key, with the actions, match and deferrability of the integer's, and validates it.
type LinkEdge struct {
	Edge Edge
}

// ID implements Step.
func (s LinkEdge) ID() ID { return s.Edge.id("link") }

// Explain implements Step.
func (s LinkEdge) Explain() Explanation {
	e := Explanation{
		What:     "add foreign key " + s.Edge.Constraint + " from " + s.Edge.UUID + " to " + s.Edge.Parent.String() + "." + s.Edge.ParentUUID,
		Undo:     "drop the foreign key, under ACCESS EXCLUSIVE on both tables, an instant",
		Why:      "NOT VALID reads no rows, and validating blocks no reader or writer; before the filling each filled row would be checked on its own",
		Lock:     "SHARE ROW EXCLUSIVE on both tables, an instant; SHARE UPDATE EXCLUSIVE while the rows are read",
		Scans:    "the child, once, while others read and write",
		UndoneBy: ByItself,
	}
	if s.Edge.Tree {
		e.Lock = "SHARE ROW EXCLUSIVE on the parent and each partition, an instant; before PostgreSQL 18, ACCESS EXCLUSIVE on the parent, an instant, when the partitioned table adopts the partitions' foreign keys"
	}
	return e
}

// Check implements Step.
func (s LinkEdge) Check(v View) Outcome {
	k := s.Edge.foreignKey(v.Relation(s.Edge.Child))
	return outcomeIf(k != nil && k.Validated, "no valid foreign key "+s.Edge.Constraint)
}

// validatesTrees is the version from which a foreign key of a partitioned table can be NOT VALID.
const validatesTrees = 18

// Apply implements Step.
func (s LinkEdge) Apply(v View) []Action {
	e := s.Edge
	child := v.Relation(e.Child)
	k := e.foreignKey(child)
	switch {
	case k != nil && k.Validated:
		return nil
	case k == nil && e.ownKey(child) != nil && e.Tree && v.Server.Major() < validatesTrees:
		return []Action{e.dropForeignKey(e.Child)} // the keys of the partitions go with it
	case k == nil && e.ownKey(child) != nil:
		return []Action{e.replaceForeignKey(), e.validate(e.Child)}
	case k == nil && e.Tree && v.Server.Major() < validatesTrees:
		return e.linkPartitions(child)
	case k == nil:
		return []Action{e.addForeignKey(e.Child, lock.ShareRowExclusive, " NOT VALID"), e.validate(e.Child)}
	}
	return []Action{e.validate(e.Child)}
}

// linkPartitions adds the foreign key to each partition and validates it. The foreign key of the partitioned table then
// adopts them without reading a row.
func (e Edge) linkPartitions(child *catalog.Table) []Action {
	var actions []Action
	for _, part := range leaves(child) {
		k := e.foreignKey(part)
		if k == nil && e.ownKey(part) != nil {
			actions = append(actions, e.dropForeignKey(part.Named()))
		}
		if k == nil {
			actions = append(actions, e.addForeignKey(part.Named(), lock.ShareRowExclusive, " NOT VALID"))
		}
		if k == nil || !k.Validated {
			actions = append(actions, e.validate(part.Named()))
		}
	}
	return append(actions, e.addForeignKey(e.Child, lock.AccessExclusive, ""))
}

// leaves returns the partitions that hold rows.
func leaves(child *catalog.Table) []*catalog.Table {
	var parts []*catalog.Table
	for i := range child.Below {
		if child.Below[i].Kind != catalog.Partitioned {
			parts = append(parts, &child.Below[i])
		}
	}
	return parts
}

// Undo implements Step. Partitions have foreign keys of their own if up was interrupted.
func (s LinkEdge) Undo(v View) []Action {
	e := s.Edge
	child := v.Relation(e.Child)
	if child == nil || !e.made(child) {
		return nil
	}
	if e.ownKey(child) != nil {
		return []Action{e.dropForeignKey(e.Child)}
	}
	var actions []Action
	if e.Tree {
		for _, part := range leaves(child) {
			if k := e.ownKey(part); k != nil && k.Above == 0 {
				actions = append(actions, e.dropForeignKey(part.Named()))
			}
		}
	}
	return actions
}

// Rows implements Step.
func (LinkEdge) Rows() RowReader { return nil }

// foreignKey returns the edge's foreign key of a table, validated or not; nil if there is none.
func (e Edge) foreignKey(table *catalog.Table) *catalog.ForeignKey {
	if table == nil {
		return nil
	}
	for i := range table.ForeignKeys {
		if k := &table.ForeignKeys[i]; k.Name == e.Constraint && e.mirrors(k) {
			return k
		}
	}
	return nil
}

// ownKey returns the foreign key that up made for the edge, which may differ from the one that the edge mirrors now: the
// application, or somebody else, has changed one of the two since. It returns nil if there is none.
func (e Edge) ownKey(table *catalog.Table) *catalog.ForeignKey {
	if table == nil {
		return nil
	}
	for i := range table.ForeignKeys {
		if k := &table.ForeignKeys[i]; k.Name == e.Constraint && slices.Contains(k.ChildColumns, e.UUID) {
			return k
		}
	}
	return nil
}

// mirrors reports whether a foreign key is like the one that the edge mirrors.
func (e Edge) mirrors(k *catalog.ForeignKey) bool {
	r := e.Reference
	return k.Parent.Same(e.Parent) && slices.Equal(k.ChildColumns, e.ChildColumns()) && slices.Equal(k.ParentColumns, e.ParentColumns()) &&
		k.OnDelete == r.OnDelete && k.OnUpdate == r.OnUpdate && k.Match == r.Match && k.Deferrable == r.Deferrable && k.Deferred == r.Deferred &&
		slices.Equal(k.SetColumns, replaced(r.SetColumns, e.Column, e.UUID))
}

// replaceForeignKey drops the edge's foreign key and adds it as it must be, in one transaction: at no time a row without a
// parent can be written.
func (e Edge) replaceForeignKey() Action {
	dropped, added := e.dropForeignKey(e.Child), e.addForeignKey(e.Child, lock.ShareRowExclusive, " NOT VALID")
	added.Locks, added.Statements = dropped.Locks, slices.Concat(dropped.Statements, added.Statements)
	return added
}

// addForeignKey locks both tables. Its guard is that the triggers still keep the columns equal.
func (e Edge) addForeignKey(table sqltext.Table, parent lock.Mode, suffix string) Change {
	locks := []lock.Lock{lock.On(table, lock.ShareRowExclusive), lock.On(e.Parent, parent)}
	return Change{Locks: lock.InOrder(locks), Guard: e.wiredNow(table), Statements: []string{
		sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY (", table.All(), sqltext.Name(e.Constraint)) + idents(e.ChildColumns()) +
			sqltext.Format(") REFERENCES {} (", e.Parent.All()) + idents(e.ParentColumns()) + ")" + e.keyOptions() + suffix,
	}}
}

// keyOptions returns what follows the columns of the edge's foreign key.
func (e Edge) keyOptions() string {
	like := e.Reference
	like.SetColumns = replaced(like.SetColumns, e.Column, e.UUID)
	return keyOptions(like)
}

// keyOptions returns what follows the columns of a foreign key.
func keyOptions(k catalog.ForeignKey) string {
	options := ""
	if k.Match == catalog.MatchFull {
		options += " MATCH FULL"
	}
	if k.OnUpdate != catalog.NoAction {
		options += " ON UPDATE " + k.OnUpdate.String()
	}
	if k.OnDelete != catalog.NoAction {
		options += " ON DELETE " + k.OnDelete.String()
	}
	if len(k.SetColumns) > 0 {
		options += " (" + idents(k.SetColumns) + ")"
	}
	if k.Deferrable {
		options += " DEFERRABLE"
	}
	if k.Deferred {
		options += " INITIALLY DEFERRED"
	}
	return options
}

func (e Edge) validate(table sqltext.Table) Action {
	return Validate{Table: table, Statement: sqltext.Format("ALTER TABLE {} VALIDATE CONSTRAINT {}", table.All(), sqltext.Name(e.Constraint))}
}

func (e Edge) dropForeignKey(table sqltext.Table) Change {
	return Change{Locks: lock.InOrder([]lock.Lock{lock.On(table, lock.AccessExclusive), lock.On(e.Parent, lock.AccessExclusive)}), Statements: []string{
		sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", table.All(), sqltext.Name(e.Constraint)),
	}}
}
