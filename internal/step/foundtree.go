package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A column that was there in a tree may have been another one in each of its tables: with a default, NOT NULL, or with an
// index of its own. The mark on the root's column tells all of it, and each table gets its own back.

// foundBelow gives what the tables of a tree were like that were not like its top.
func (t Target) foundBelow(root *catalog.Table, top Mark) map[string]Mark {
	if !root.IsTree() {
		return nil
	}
	below := map[string]Mark{}
	for _, one := range slices.Concat(t.Parts(root), t.Partitioned(root)) {
		c := one.Table.Column(t.Column)
		if c == nil {
			continue
		}
		indexed := top.Indexed
		if !one.HasRootIndex() && one.Table.Kind == catalog.Ordinary {
			indexed = one.HasIndex(one.Table)
		}
		if own := columnState(c, indexed); own.Default != top.Default || own.Nullable != top.Nullable || own.Indexed != top.Indexed {
			below[one.String()] = own
		}
	}
	return below
}

// allowTree gives back where NULL was allowed. PostgreSQL takes a NOT NULL away from a table and from all that is below it; one
// that had its own gets it again in the same transaction, and is not read for it: a CHECK that was validated before proves it.
func allowNullInTree(t Target, root *catalog.Table, as Mark) []Action {
	statements, lost := dropNotNull(t, root, as)
	var actions []Action
	for _, part := range t.Parts(root) {
		proof := part.proof(part.Table)
		switch wanted := lost[part.Table.OID]; {
		case proof != nil && !wanted:
			actions = append(actions, dropCheckNow(part.Target)...)
		case wanted && proof == nil:
			actions = append(actions, addCheck(part.Target), validate(part.Target))
		case wanted && !proof.Validated:
			actions = append(actions, validate(part.Target))
		}
	}
	if len(statements) == 0 {
		return actions
	}
	return append(actions, Change{Table: t.Relation(), Exclusive: true, Statements: statements})
}

// loosen gives the statements that make NULL allowed where it was, and nowhere else, from above. Lost are the tables that lose
// their own NOT NULL on the way, by oid.
func dropNotNull(t Target, root *catalog.Table, as Mark) (statements []string, lost map[uint32]bool) {
	lost = map[uint32]bool{}
	dropped, set, allowed := map[uint32]bool{}, map[uint32]bool{}, as.allowed(root)
	for _, table := range root.All() {
		c := table.Column(t.Column)
		if c == nil {
			continue
		}
		name := sqltext.Table{Schema: table.Schema, Name: table.Name}
		nullable := allowed[table.OID]
		dropped[table.OID], set[table.OID] = dropped[table.Above], set[table.Above]
		lost[table.OID] = c.NotNull && !nullable && (dropped[table.Above] || lost[table.Above])
		switch {
		case nullable && c.NotNull && !dropped[table.Above]:
			statements = append(statements, sqltext.Format("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL", name, sqltext.Name(t.Column)))
			dropped[table.OID] = true
		case lost[table.OID] && !set[table.Above]:
			statements = append(statements, sqltext.Format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", name, sqltext.Name(t.Column)))
			dropped[table.OID], set[table.OID] = false, true
		}
	}
	return statements, lost
}

// Nullable are the tables of a tree in whose column NULL was allowed when it was found.
func (t Target) Nullable(root *catalog.Table) (allowed []Target) {
	_, as := t.Read(root)
	nullable := as.allowed(root)
	for _, table := range root.All() {
		if nullable[table.OID] {
			one := t
			one.Schema, one.Table = table.Schema, table.Name
			allowed = append(allowed, one)
		}
	}
	return allowed
}

// allowed are the tables of a tree, by oid, in which NULL was allowed when its column was found. A table that came since is as the top
// was, unless the one above it did not allow NULL: PostgreSQL lets none below that allow it.
func (a Mark) allowed(root *catalog.Table) map[uint32]bool {
	allowed := map[uint32]bool{}
	for _, table := range root.All() {
		allowed[table.OID] = a.ofTable(table.Schema+"."+table.Name).Nullable && (table.OID == root.OID || allowed[table.Above])
	}
	return allowed
}
