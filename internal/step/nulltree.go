package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// An existing column may differ between the tables of a tree: in its default, in NOT NULL, or in its index. The mark on
// the root's column records the differences, and down restores each table's own state.

// foundBelow returns the state of the column in the tables below the root that differ from the root.
func (t Target) foundBelow(root *catalog.Table, top Mark) map[string]Mark {
	if !root.IsTree() {
		return nil
	}
	below := map[string]Mark{}
	for _, part := range slices.Concat(t.Parts(root), t.Partitioned(root)) {
		c := part.Table.Column(t.Column)
		if c == nil {
			continue
		}
		indexed := top.Indexed
		if !part.HasRootIndex() && part.Table.Kind == catalog.Ordinary {
			indexed = part.HasIndex(part.Table)
		}
		if own := columnState(c, indexed); own.Default != top.Default || own.Nullable != top.Nullable || own.Indexed != top.Indexed {
			below[part.String()] = own
		}
	}
	return below
}

// allowNullInTree allows NULL where it was allowed before. DROP NOT NULL on a table also applies to all tables below it. A
// table that was NOT NULL before is set NOT NULL again in the same transaction; a CHECK, validated before, saves the scan.
func allowNullInTree(t Target, root *catalog.Table, mark Mark) []Action {
	statements, lost := dropNotNull(t, root, mark)
	var actions []Action
	for _, part := range t.Parts(root) {
		proof := part.proof(part.Table)
		switch needed := lost[part.Table.OID]; {
		case proof != nil && !needed:
			actions = append(actions, dropCheckNow(part.Target)...)
		case needed && proof == nil:
			actions = append(actions, addCheck(part.Target), validate(part.Target))
		case needed && !proof.Validated:
			actions = append(actions, validate(part.Target))
		}
	}
	if len(statements) == 0 {
		return actions
	}
	return append(actions, Change{Locks: t.exclusive(), Statements: statements})
}

// dropNotNull returns the statements, parents first, that allow NULL where it was allowed before and nowhere else. lost has
// the oids of the tables that lose their own NOT NULL in between.
func dropNotNull(t Target, root *catalog.Table, mark Mark) (statements []string, lost map[uint32]bool) {
	lost = map[uint32]bool{}
	dropped, set, allowed := map[uint32]bool{}, map[uint32]bool{}, mark.nullableTables(root)
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

// Nullable returns the targets of the tables of a tree whose column allowed NULL before up.
func (t Target) Nullable(root *catalog.Table) (targets []Target) {
	_, mark := t.Read(root)
	nullable := mark.nullableTables(root)
	for _, table := range root.All() {
		if nullable[table.OID] {
			target := t
			target.Schema, target.Table = table.Schema, table.Name
			targets = append(targets, target)
		}
	}
	return targets
}

// nullableTables returns the oids of the tables of a tree whose column allowed NULL before up. A table that was attached
// later counts as the root did, but never allows NULL if its parent does not.
func (m Mark) nullableTables(root *catalog.Table) map[uint32]bool {
	nullable := map[uint32]bool{}
	for _, table := range root.All() {
		nullable[table.OID] = m.ofTable(table.Named()).Nullable && (table.OID == root.OID || nullable[table.Above])
	}
	return nullable
}
