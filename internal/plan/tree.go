package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// refuseTree returns the refusals for a partitioned table or a parent and all tables below it. A refusal of one table
// refuses the whole tree.
func refuseTree(s Input, p Plan, g Group, table *catalog.Table, fills []step.Target) problem.List {
	t := g.Target
	found := unfitTree(t, table)
	if !table.Owned {
		found = append(found, message.NotOwner(t.String(), t.Relation(), table.Owner, s.Server.Role.Name))
	}
	switch {
	case p.Direction == Down:
		found = append(found, refuseMark(s, t, table)...)
		found = append(found, refuseAttachments(t, table)...)
	case len(found) == 0:
		for _, part := range t.Parts(table) {
			filled := func(f step.Target) bool { return f.Name() == part.Name() }
			found = append(found, refuseUp(s, part.Target, withRootPublications(table, part.Table), slices.ContainsFunc(fills, filled))...)
		}
		found = append(found, refusePartitioned(s, t, table)...)
		if across := s.Data[t.Name()].SharedAcross; len(across) > 0 {
			found = append(found, message.DuplicateValues(t.String(), t.Relation(), t.Column, across))
		}
	}
	for _, one := range found {
		one.Table = t.String() // the tree has one state
	}
	return found
}

func unfitTree(t step.Target, root *catalog.Table) (found problem.List) {
	for _, one := range root.All() {
		if why := unfitBelow(t, root, one); why != "" {
			found = append(found, message.UnsupportedTable(t.String(), why))
		}
	}
	if origin, _ := t.Read(root); origin == step.Untouched {
		for _, why := range irreversible(t, root) {
			found = append(found, message.UnsupportedTable(t.String(), why))
		}
	}
	return found
}

// irreversible returns the reasons why down could not restore a column that existed before up.
func irreversible(t step.Target, root *catalog.Table) (why []string) {
	required := map[uint32]bool{}
	for _, table := range root.All() {
		c := table.Column(t.Column)
		required[table.OID] = c != nil && c.NotNull
		if required[table.Above] && !required[table.OID] {
			why = append(why, fmt.Sprintf("%s.%s allows NULL in %s, and the table above it does not; set it NOT NULL there too", table.Schema, table.Name, t.Column))
		}
	}
	if !t.HasRootIndex() || t.HasIndex(root) {
		return why
	}
	for _, one := range slices.Concat(t.Partitioned(root), t.Parts(root)) {
		if i := one.Table.Index(one.Index); i != nil {
			why = append(why, fmt.Sprintf("its index %s.%s would be attached to the index of the partitioned table, and PostgreSQL cannot detach it; "+
				"rename it (ALTER INDEX .. RENAME TO), or create the index of the partitioned table", one.Schema, i.Name))
		}
	}
	return why
}

// unfitBelow returns why one table of a tree cannot get the column, or "".
func unfitBelow(t step.Target, root, table *catalog.Table) string {
	c := table.Column(t.Column)
	name := table.Schema + "." + table.Name
	text := "its child " + name
	if table.Partition {
		text = "its partition " + name
	}
	switch {
	case table.OID == root.OID:
		return ""
	case table.Kind == catalog.Foreign:
		return text + " is a foreign table"
	case table.Persistence == "t":
		return text + " is a temporary table"
	case !table.Owned:
		return fmt.Sprintf("%s belongs to %s, and only its owner can alter it", text, table.Owner)
	case table.Extension != "":
		return text + " belongs to the extension " + table.Extension
	case table.Parents > 1:
		return text + " has another parent"
	case root.Column(t.Column) == nil && c != nil:
		return text + " has a column " + t.Column + " of its own, with which PostgreSQL would merge the parent's"
	case c == nil && table.Attributes >= MaxColumns:
		return text + " has reached PostgreSQL's limit of 1,600 columns, dropped ones included"
	}
	return ""
}

// refusePartitioned returns the refusals of the partitioned tables of a tree, which hold no rows but have names and
// policies.
func refusePartitioned(s Input, t step.Target, root *catalog.Table) problem.List {
	if root.Kind != catalog.Partitioned {
		return nil
	}
	var found problem.List
	found = append(found, refuseDefault(s, t, root)...)
	if root.Column(t.Column) == nil && root.Attributes >= MaxColumns {
		found = append(found, message.UnsupportedTable(t.String(), columnLimit))
	}
	if root.Hides(s.Server.Role) {
		found = append(found, message.RowSecurity(t.String(), t.Relation(), s.Server.Role.Name))
	}
	found = append(found, refusePublished(s, t, root)...)
	if t.HasRootIndex() {
		for _, one := range t.Partitioned(root) {
			found = append(found, refuseNames(s, one.Target, one.Table)...)
		}
	}
	return found
}

// withRootPublications returns a partition with the publications of the tables above it, which publish it too.
func withRootPublications(root, table *catalog.Table) *catalog.Table {
	if !table.Partition {
		return table
	}
	with, all := *table, root.All()
	for above := table.Above; above != 0; {
		i := slices.IndexFunc(all, func(one *catalog.Table) bool { return one.OID == above })
		if i < 0 {
			break
		}
		with.Publications = slices.Concat(with.Publications, all[i].Publications)
		above = all[i].Above
	}
	return &with
}

// Uniqueness returns among which rows the uuids of a tree, or of a distributed table, are unique; "" for any other table, where it is
// all rows.
func Uniqueness(t step.Target, table *catalog.Table) string {
	columns := strings.Join(t.IndexColumns(), ", ")
	switch {
	case table != nil && table.Sharding != nil && len(t.Keys) > 0:
		return uniqueInShards(t)
	case table == nil || !table.IsTree():
		return ""
	case t.HasRootIndex():
		return "in each partition, by (" + columns + ")"
	case table.Kind == catalog.Partitioned:
		return "in each partition, by (" + columns + "); a partition key is an expression, so that the partitioned table has no unique index"
	default:
		return "in each table of the inheritance tree, by (" + columns + ")"
	}
}

// treeNote returns the note about a tree.
func treeNote(t step.Target, table *catalog.Table, direction Direction) string {
	switch {
	case !table.IsTree():
		return ""
	case direction == Down:
		return t.String() + ": a table that was detached since up keeps its column."
	case table.Kind == catalog.Partitioned:
		return t.String() + " is partitioned: the values are unique " + Uniqueness(t, table) + ". " +
			"After up, ATTACH PARTITION fails for a table without the column " + t.Column + "; the next up completes an attached table that has it. " +
			"A detached partition keeps its column."
	default:
		return t.String() + " has children by inheritance: the values are unique " + Uniqueness(t, table) + ", since an index does not cover children. " +
			"After up, ALTER TABLE .. INHERIT fails for a table without the column " + t.Column + "; a new child gets the column without an index, and the next up builds the index."
	}
}
