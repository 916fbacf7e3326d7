package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// MoveReferences moves the foreign keys that refer to the integers from the primary key's index to the unique index, or back.
//
// A foreign key cannot be altered to use another index. With named columns PostgreSQL takes the first fitting index by oid, so
// rekey gives the other ones higher oids with REINDEX INDEX CONCURRENTLY. Then each foreign key gets a twin, which is validated
// and takes its place and its name in one transaction: at no time the reference is without a valid foreign key.
type MoveReferences struct {
	Key Key
}

// ID implements Step.
func (s MoveReferences) ID() ID { return s.Key.id("move-references") }

// Explain implements Step.
func (s MoveReferences) Explain() Explanation {
	return Explanation{
		What: "move the foreign keys on the integers to unique index " + s.Key.Unique + ": each gets a twin, which is validated and takes its place",
		Undo: "move them back to the primary key's index in the same way",
		Why:  "the primary key's index can be dropped only if no foreign key depends on it, and no row may be without one",
		Lock: "SHARE ROW EXCLUSIVE on both tables, an instant; SHARE UPDATE EXCLUSIVE while the rows are read; " +
			"ACCESS EXCLUSIVE on both tables, an instant; for each foreign key on its own",
		Scans:    "each referring table, once, while others read and write",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s MoveReferences) Check(v View) Outcome {
	k, t := s.Key, v.Relation(s.Key.Table)
	switch pk := primary(t); {
	case t == nil, pk == nil:
		return pending("no primary key " + k.Constraint)
	case k.unique(t) == nil:
		return pending("no unique index " + k.Unique)
	case k.integers(t) && len(referencesOn(t, pk)) > 0:
		return pending("foreign key " + referencesOn(t, pk)[0].Name + " of " + referencesOn(t, pk)[0].Child.String() + " depends on the primary key")
	}
	return outcomeIf(len(twinKeys(t)) == 0, "a twin of a foreign key is left")
}

// Apply implements Step.
func (s MoveReferences) Apply(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	pk := primary(t)
	if pk == nil || !k.integers(t) {
		return nil
	}
	to := k.unique(t)
	if to == nil { // as it will be: a plan asks before the index exists
		to = &catalog.Index{Name: k.Unique, OID: pk.OID}
	}
	return moveAll(v, t, pk, to)
}

// Undo implements Step.
func (s MoveReferences) Undo(v View) []Action {
	k, t := s.Key, v.Relation(s.Key.Table)
	if t == nil || !k.integers(t) {
		return nil
	}
	from := k.markedUnique(t)
	if from == nil {
		return nil
	}
	return moveAll(v, t, from, primary(t))
}

// moveAll returns the actions that move all foreign keys from one index of a table to another one, and drop twins without an original.
func moveAll(v View, t *catalog.Table, from, to *catalog.Index) []Action {
	keys := referencesOn(t, from)
	actions := dropUnfinished(t)
	for _, k := range twinKeys(t) {
		if !slices.ContainsFunc(keys, func(o catalog.ForeignKey) bool { return o.Child.Same(k.Child) && twinKeyName(o.Name) == k.Name }) {
			actions = append(actions, dropKey(k))
		}
	}
	if len(keys) == 0 {
		return actions
	}
	actions = append(actions, steer(t, to, keys[0].ParentColumns)...)
	for _, k := range keys {
		actions = append(actions, move(v, t, k, to)...)
	}
	return actions
}

// dropUnfinished returns the actions that drop the indexes that an interrupted REINDEX CONCURRENTLY left.
func dropUnfinished(t *catalog.Table) []Action {
	var actions []Action
	for i := range t.Indexes {
		index := &t.Indexes[i]
		if !index.Valid && slices.ContainsFunc(t.Indexes, func(of catalog.Index) bool { return IsLeftOfReindex(index.Name, of.Name) }) {
			actions = append(actions, Concurrently{Table: t.Named(), Index: index.Name, Invalid: true, Statement: dropOn(t, index.Name).SQL()[0]})
		}
	}
	return actions
}

// IsLeftOfReindex reports whether an index has the name of one that REINDEX CONCURRENTLY of another index makes.
// Source: PostgreSQL's manual, REINDEX, Rebuilding Indexes Concurrently.
func IsLeftOfReindex(name, of string) bool {
	for _, suffix := range []string{"_ccnew", "_ccold"} {
		before, number, found := strings.Cut(name, suffix)
		if found && before != "" && strings.HasPrefix(of, before) && strings.Trim(number, "0123456789") == "" && (before == of || len(name) >= sqltext.MaxIdentifier) {
			return true
		}
	}
	return false
}

// steer returns the actions after which the next foreign key on the columns depends on an index: the fitting indexes with a lower
// oid get a new one. Source: pg_constraint.conindid as seen on 13, 15 and 18.
func steer(t *catalog.Table, to *catalog.Index, columns []string) []Action {
	var actions []Action
	for i := range t.Indexes {
		index := &t.Indexes[i]
		if index.Name != to.Name && index.OID <= to.OID && couldServe(index, columns) {
			actions = append(actions, reindex(t, index))
		}
	}
	return actions
}

// couldServe reports whether a foreign key on the columns, in any order, could depend on an index.
func couldServe(i *catalog.Index, columns []string) bool {
	return i.Unique && i.Valid && i.Immediate && i.Predicate == "" && !slices.Contains(i.Columns, "") && slices.Equal(slices.Sorted(slices.Values(i.Columns)), slices.Sorted(slices.Values(columns)))
}

// move returns the actions that move one foreign key.
func move(v View, t *catalog.Table, k catalog.ForeignKey, to *catalog.Index) []Action {
	twin := k
	twin.Name = twinKeyName(k.Name)
	var actions []Action
	for i := range t.ReferencedBy {
		found := &t.ReferencedBy[i]
		if found.Above != 0 || !found.Child.Same(k.Child) || found.Name != twin.Name {
			continue
		}
		if found.Index == to.OID && sameKey(*found, k) {
			if k.Validated && !found.Validated {
				actions = append(actions, validateKey(k.Child, twin.Name))
			}
			return append(actions, replaceKey(v, t, k, to))
		}
		actions = append(actions, dropKey(*found))
	}
	actions = append(actions, addTwin(v, twin)...)
	return append(actions, replaceKey(v, t, k, to))
}

// sameKey reports whether two foreign keys differ only in their name, their index and whether they are validated.
func sameKey(a, b catalog.ForeignKey) bool {
	return a.Parent.Same(b.Parent) && slices.Equal(a.ChildColumns, b.ChildColumns) && slices.Equal(a.ParentColumns, b.ParentColumns) &&
		a.OnDelete == b.OnDelete && a.OnUpdate == b.OnUpdate && a.Match == b.Match && a.Deferrable == b.Deferrable && a.Deferred == b.Deferred &&
		slices.Equal(a.SetColumns, b.SetColumns)
}

// addTwin returns the actions that add a foreign key and validate it.
func addTwin(v View, twin catalog.ForeignKey) []Action {
	child := v.Relation(twin.Child)
	if child != nil && child.Kind == catalog.Partitioned && v.Server.Major() < validatesTrees {
		return addTwinOfTree(child, twin)
	}
	actions := []Action{addKey(twin.Child, twin, lock.ShareRowExclusive, " NOT VALID")}
	if twin.Validated {
		actions = append(actions, validateKey(twin.Child, twin.Name))
	}
	return actions
}

// addTwinOfTree adds the foreign key to each partition and validates it; the one of the partitioned table then adopts them.
func addTwinOfTree(child *catalog.Table, twin catalog.ForeignKey) []Action {
	var actions []Action
	for _, part := range leaves(child) {
		found := part.ForeignKey(twin.Name)
		if found == nil {
			actions = append(actions, addKey(part.Named(), twin, lock.ShareRowExclusive, " NOT VALID"))
		}
		if found == nil || !found.Validated {
			actions = append(actions, validateKey(part.Named(), twin.Name))
		}
	}
	return append(actions, addKey(twin.Child, twin, lock.AccessExclusive, ""))
}

func addKey(child sqltext.Table, k catalog.ForeignKey, parent lock.Mode, suffix string) Action {
	return Change{Locks: lock.InOrder([]lock.Lock{lock.On(child, lock.ShareRowExclusive), lock.On(k.Parent, parent)}), Statements: []string{
		sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY (", child.All(), sqltext.Name(k.Name)) + idents(k.ChildColumns) +
			sqltext.Format(") REFERENCES {} (", k.Parent.All()) + idents(k.ParentColumns) + ")" + keyOptions(k) + suffix,
	}}
}

func validateKey(child sqltext.Table, name string) Action {
	return Validate{Table: child, Statement: sqltext.Format("ALTER TABLE {} VALIDATE CONSTRAINT {}", child.All(), sqltext.Name(name))}
}

func dropKey(k catalog.ForeignKey) Action {
	return Change{Locks: bothExclusive(k), Statements: []string{dropKeySQL(k)}}
}

func dropKeySQL(k catalog.ForeignKey) string {
	return sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", k.Child.All(), sqltext.Name(k.Name))
}

func bothExclusive(k catalog.ForeignKey) []lock.Lock {
	return lock.InOrder([]lock.Lock{lock.On(k.Child, lock.AccessExclusive), lock.On(k.Parent, lock.AccessExclusive)})
}

// replaceKey drops a foreign key and gives its name and its comment to its twin. The guard compares the two definitions.
func replaceKey(v View, t *catalog.Table, k catalog.ForeignKey, to *catalog.Index) Action {
	twin := twinKeyName(k.Name)
	statements := []string{dropKeySQL(k), renameKeySQL(k.Child, twin, k.Name)}
	if k.Comment != nil {
		statements = append(statements, sqltext.Format("COMMENT ON CONSTRAINT {} ON {} IS {}", sqltext.Name(k.Name), k.Child.All(), sqltext.Value(*k.Comment)))
	}
	return Change{Locks: bothExclusive(k), Guard: twinReady(t, k, twin, to), Statements: append(statements, partKeys(v, k, twin)...)}
}

func renameKeySQL(child sqltext.Table, from, to string) string {
	return sqltext.Format("ALTER TABLE {} RENAME CONSTRAINT {} TO {}", child.All(), sqltext.Name(from), sqltext.Name(to))
}

// partKeys returns the statements that give the twins of partitions the names of the foreign keys that were dropped with that of the
// partitioned table: RENAME CONSTRAINT does not reach them.
func partKeys(v View, k catalog.ForeignKey, twin string) []string {
	child := v.Relation(k.Child)
	if child == nil {
		return nil
	}
	var statements []string
	for i := range child.Below {
		for _, old := range child.Below[i].ForeignKeys {
			if old.Above != 0 && old.Parent.Same(k.Parent) && slices.Equal(old.ChildColumns, k.ChildColumns) && !isTwinKey(old.Name) {
				statements = append(statements, renameKeySQL(child.Below[i].Named(), twin, old.Name))
			}
		}
	}
	return statements
}

// twinReady returns the guard of replaceKey: the twin is valid, depends on the index, and has the definition and the comment of the
// foreign key as they were read.
func twinReady(t *catalog.Table, k catalog.ForeignKey, twin string, to *catalog.Index) string {
	valid := ""
	if k.Validated {
		valid = " AND n.convalidated"
	}
	return sqltext.Format("SELECT FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_constraint n ON n.conrelid = o.conrelid AND n.contype = 'f'"+
		" WHERE o.contype = 'f' AND o.conrelid = {}::pg_catalog.regclass AND o.conname = {} AND n.conname = {} AND n.conindid = {}::pg_catalog.regclass"+
		" AND pg_catalog.pg_get_constraintdef(n.oid) = pg_catalog.pg_get_constraintdef(o.oid)"+
		" AND coalesce(pg_catalog.obj_description(o.oid, 'pg_constraint'), '') = {}",
		sqltext.Value(sqltext.Qualified(k.Child.Schema, k.Child.Name)), sqltext.Value(k.Name), sqltext.Value(twin),
		sqltext.Value(sqltext.Qualified(t.Schema, to.Name)), sqltext.Value(text(k.Comment))) + valid
}

// twinKeyName returns the name of the twin of a foreign key.
func twinKeyName(name string) string { return temporaryName(name) }

func isTwinKey(name string) bool { return strings.HasPrefix(name, temporaryIndex) }

// twinKeys returns the twins of foreign keys that refer to a table.
func twinKeys(t *catalog.Table) []catalog.ForeignKey {
	var keys []catalog.ForeignKey
	for _, k := range t.ReferencedBy {
		if k.Above == 0 && isTwinKey(k.Name) {
			keys = append(keys, k)
		}
	}
	return keys
}

// Rows implements Step.
func (MoveReferences) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (MoveReferences) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (MoveReferences) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (MoveReferences) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (MoveReferences) UndoScript(View) []Statement { return nil }
