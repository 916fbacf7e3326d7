package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// SwapPrimaryKey makes the uuid the primary key, in one short transaction. The uuid foreign keys stay on the unique index that they
// have, so that the way back drops the primary key without touching them.
type SwapPrimaryKey struct {
	Key Key
}

// ID implements Step.
func (s SwapPrimaryKey) ID() ID { return s.Key.id("swap-primary-key") }

// Explain implements Step.
func (s SwapPrimaryKey) Explain() Explanation {
	e := Explanation{
		What:     "make " + idents(s.Key.UUIDs) + " the primary key in place of " + idents(s.Key.Columns),
		Undo:     "build an index on the integers and make them the primary key again",
		Why:      "the replica identity changes in the same transaction, so that no published row is without one",
		Lock:     lockWords(s.Key.on(lock.AccessExclusive), briefly),
		Scans:    "nothing; its undo reads the table, twice, while others read and write",
		UndoneBy: ByItself,
	}
	if s.Key.Tree {
		e.Why = "the replica identity of each partition is pinned before, in a transaction of its own, so that no published row is without one"
	}
	return e
}

// Check implements Step.
func (s SwapPrimaryKey) Check(v View) Outcome {
	return outcomeIf(s.Key.Switched(v.Relation(s.Key.Table)), idents(s.Key.UUIDs)+" is not the primary key")
}

// Apply implements Step.
func (s SwapPrimaryKey) Apply(v View) []Action {
	k := s.Key
	t, pk := k.table(v)
	if t == nil || !k.integers(t) {
		return nil
	}
	mark := k.Mark()
	mark.Identity = identityOf(t, pk)
	swap := swapping{key: k, parts: k.parts(t), columns: k.UUIDs}
	if pins := k.pinPartitions(swap.parts); len(pins) > 0 {
		return pins
	}
	if root := swap.parts[0]; root.leaf() && root.own != nil && mark.Identity != IdentityKept {
		swap.before = []string{root.pin()}
	}
	swap.after = []string{mark.writeNow(swap.parts[0].of(k.Unique))}
	return []Action{swap.change()}
}

// pinPartitions returns the actions that pin the replica identity of partitions before the swap, so that it holds its locks for a
// shorter time. The index has the columns of the primary key, so that a subscriber notices nothing.
func (k Key) pinPartitions(parts []*keyPart) (actions []Action) {
	for _, p := range parts[1:] {
		identity := identityOf(p.table, p.pk)
		if !p.leaf() || p.own == nil || identity == IdentityKept {
			continue
		}
		mark := KeyMark{Table: p.table.Named(), Primary: p.pk.Constraint, Columns: k.Columns, UUIDs: k.UUIDs, Identity: identity}
		actions = append(actions, Change{Locks: p.only(lock.AccessExclusive), Statements: []string{p.pin(), mark.write(p.of(p.unique))}})
	}
	return actions
}

// unpinPartitions returns the actions that give partitions the replica identity from before.
func (k Key) unpinPartitions(t *catalog.Table) (actions []Action) {
	for _, p := range k.parts(t)[1:] {
		if statements := p.restoreIdentity(); len(statements) > 0 {
			actions = append(actions, Change{Locks: p.only(lock.AccessExclusive), Statements: statements})
		}
	}
	return actions
}

func (p *keyPart) pin() string { return p.identity("USING INDEX " + sqltext.Ident(p.unique)) }

// identityOf returns the replica identity that a table loses with its primary key.
func identityOf(t *catalog.Table, pk *catalog.Index) Identity {
	switch {
	case t.ReplicaIdentity == "d":
		return IdentityDefault
	case pk.ReplicaIdentity:
		return IdentityPrimary
	}
	return IdentityKept
}

// Undo implements Step. Foreign keys that the application has created since, onto the new primary key, move to another index on the
// same columns.
func (s SwapPrimaryKey) Undo(v View) []Action {
	k := s.Key
	t, pk := k.table(v)
	switch {
	case t == nil:
		return nil
	case k.integers(t):
		return k.unpinPartitions(t)
	case !k.Switched(t), k.unique(t) == nil: // nothing shows that up switched the table
		return nil
	}
	if prepared := dropPrepared(v, t); len(prepared) > 0 {
		return prepared
	}
	if other := otherIndex(t, pk); len(referencesOn(t, pk)) > 0 && other != nil {
		return moveAll(v, k, t, pk, other)
	}
	var builds []Action
	swap := swapping{key: k, parts: k.parts(t), columns: k.Columns}
	for _, p := range swap.parts {
		if !p.leaf() {
			continue
		}
		if built, next := p.built(temporaryName(p.pk.Name), k.Columns); built == nil && next != nil {
			builds = append(builds, next)
		}
	}
	if len(builds) > 0 {
		return builds
	}
	swap.after = append(swap.parts[0].restoreIdentity(), k.Mark().write(swap.parts[0].of(k.Unique)))
	return []Action{swap.change()}
}

// otherIndex returns an index on which the foreign keys onto the primary key could depend as well; nil if there is none.
func otherIndex(t *catalog.Table, pk *catalog.Index) *catalog.Index {
	for i := range t.Indexes {
		if index := &t.Indexes[i]; index != pk && !IsTemporaryIndex(index.Name) && couldServe(index, pk.Columns) {
			return index
		}
	}
	return nil
}

// restoreIdentity returns the statements that give a table the replica identity from before, unless somebody has changed it.
func (p *keyPart) restoreIdentity() []string {
	if p.own == nil || !p.own.ReplicaIdentity {
		return nil
	}
	mark, _ := ReadKeyMark(p.own)
	if !mark.Table.Same(p.table.Named()) {
		return nil
	}
	statements := map[Identity]string{
		IdentityDefault: p.identity("DEFAULT"), IdentityPrimary: p.identity("USING INDEX " + sqltext.Ident(p.pk.Constraint)),
	}[mark.Identity]
	if statements == "" {
		return nil
	}
	if p.above == nil { // the mark of the goal is written again
		return []string{statements}
	}
	return []string{statements, sqltext.Format("COMMENT ON INDEX {} IS NULL", p.of(p.own.Name))}
}

func (p *keyPart) identity(which string) string {
	return sqltext.Format("ALTER TABLE ONLY {} REPLICA IDENTITY ", p.table.Named()) + which
}

// swapping is the change that replaces the primary key of a table by one on other columns, with the indexes that were built for it.
type swapping struct {
	key     Key
	parts   []*keyPart
	columns []string
	before  []string // statements while the old primary key exists
	after   []string // statements when the new one exists
}

// change returns the action. The new primary key takes the name, the comments and the CLUSTER mark of the old one.
//
// A partitioned table cannot take an index that exists. Its primary key goes first, with the primary keys of the partitions; each partition
// takes the index that was built for it, and the new primary key of the partitioned table adopts them without reading a row.
func (s swapping) change() Action {
	root := s.parts[0]
	statements := slices.Clone(s.before)
	if len(s.parts) == 1 && root.leaf() {
		statements = append(statements, sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}, ADD CONSTRAINT {} PRIMARY KEY USING INDEX {}",
			s.key.Table, sqltext.Name(root.pk.Constraint), sqltext.Name(s.key.Constraint), sqltext.Name(temporaryName(root.pk.Name))))
	} else {
		statements = append(statements, root.inPlace()...)
		statements = append(statements, sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", root.table.Named(), sqltext.Name(root.pk.Constraint)))
		for _, p := range slices.Backward(s.parts) {
			statements = append(statements, p.addPrimaryKey(s.columns))
		}
	}
	change := Change{Locks: s.key.on(lock.AccessExclusive), Early: s.guard()}
	for _, p := range s.parts {
		if p.pk.ConstraintComment != nil {
			statements = append(statements, sqltext.Format("COMMENT ON CONSTRAINT {} ON {} IS {}", sqltext.Name(p.pk.Constraint), p.table.Named(), sqltext.Value(*p.pk.ConstraintComment)))
		}
		statements = append(statements, detailsOf(p.table, p.pk)...)
	}
	change.Dropped, change.Statements = []string{root.pk.Name}, slices.Concat(statements, s.after)
	return change
}

// addPrimaryKey returns the statement that adds the primary key of one table of a tree, the lowest first.
func (p *keyPart) addPrimaryKey(columns []string) string {
	add := sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY ", p.table.Named(), sqltext.Name(p.pk.Constraint))
	if p.leaf() {
		return add + sqltext.Format("USING INDEX {}", sqltext.Name(temporaryName(p.pk.Name)))
	}
	add += "(" + idents(columns) + ")"
	if len(p.pk.Included) > 0 {
		add += " INCLUDE (" + idents(p.pk.Included) + ")"
	}
	if d, ok := parseIndex(p.pk); ok && len(d.options) > 0 {
		add += " WITH (" + sqltext.Join(d.options) + ")"
	}
	if p.pk.Tablespace != "" {
		add += sqltext.Format(" USING INDEX TABLESPACE {}", sqltext.Name(p.pk.Tablespace))
	}
	return add
}

// guard returns the early guard of the swap, which takes long for a table of many partitions. SHARE UPDATE EXCLUSIVE, under which it
// runs, conflicts with every statement that could change the result, except for names and comments of indexes: the indexes are valid and as they were read, the tree has no further partition, the columns
// of the new primary key are NOT NULL, so that no row is read, and no foreign key depends on the old one. It returns no row for a
// table whose index was not built.
func (s swapping) guard() string {
	var seen, tables, keys []string
	for _, p := range s.parts {
		indexes := []*catalog.Index{p.pk}
		if p.own != nil {
			indexes = append(indexes, p.own)
		}
		if p.leaf() {
			built, _ := p.built(temporaryName(p.pk.Name), s.columns)
			if built == nil || p.own == nil {
				return "SELECT WHERE false"
			}
			indexes = append(indexes, built)
		}
		table := sqltext.Value(sqltext.Qualified(p.table.Schema, p.table.Name))
		for _, i := range indexes {
			seen = append(seen, sqltext.Format("({}, {}, {}, {})", table, sqltext.Value(i.Name), sqltext.Value(i.Definition), sqltext.Value(text(i.Comment))))
		}
		tables = append(tables, sqltext.Format("{}", table))
		keys = append(keys, sqltext.Format("{}", sqltext.Value(sqltext.Qualified(p.table.Schema, p.pk.Name))))
	}
	conditions := []string{
		sqltext.Format("(SELECT pg_catalog.count(*) FROM (VALUES ") + strings.Join(seen, ", ") + sqltext.Format(") s (relation, name, definition, comment)"+
			" JOIN pg_catalog.pg_index i ON i.indrelid = pg_catalog.to_regclass(s.relation) AND i.indisvalid JOIN pg_catalog.pg_class n ON n.oid = i.indexrelid AND n.relname = s.name"+
			" WHERE pg_catalog.pg_get_indexdef(n.oid) = s.definition AND coalesce(pg_catalog.obj_description(n.oid, 'pg_class'), '') = s.comment) = {}", len(seen)),
		s.required(tables),
		"NOT EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND f.conindid = ANY (ARRAY[" + strings.Join(keys, ", ") + "]::pg_catalog.regclass[]))",
	}
	if s.key.Tree {
		conditions = append(conditions, sqltext.Format("(SELECT pg_catalog.count(*) FROM pg_catalog.pg_partition_tree({}::pg_catalog.regclass)) = {}",
			sqltext.Value(sqltext.Qualified(s.parts[0].table.Schema, s.parts[0].table.Name)), len(s.parts)))
	}
	return "SELECT WHERE " + strings.Join(conditions, " AND ")
}

// required is true if the columns of the new primary key are NOT NULL in all tables, whose names are literals.
func (s swapping) required(tables []string) string {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = sqltext.Format("{}", sqltext.Value(c))
	}
	return "(SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = ANY (ARRAY[" + strings.Join(tables, ", ") +
		"]::pg_catalog.regclass[]) AND a.attnotnull AND NOT a.attisdropped AND a.attname IN (" + strings.Join(names, ", ") + sqltext.Format(")) = {}", len(tables)*len(s.columns))
}

// Rows implements Step.
func (SwapPrimaryKey) Rows() RowReader { return nil }

// AfterApply implements Step. Scripts do not switch keys.
func (SwapPrimaryKey) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (SwapPrimaryKey) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (SwapPrimaryKey) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (SwapPrimaryKey) UndoScript(View) []Statement { return nil }
