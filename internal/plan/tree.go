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

// refuseTree looks at a partitioned table or a parent, and at all that is below it: what is in the way of one
// of them is in the way of all.
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
			filled := func(f step.Target) bool { return f.Relation() == part.Relation() }
			found = append(found, refuseUp(s, part.Target, withRootPublications(table, part.Table), slices.ContainsFunc(fills, filled))...)
		}
		found = append(found, refusePartitioned(s, t, table)...)
		if across := s.Data[t.Table].SharedAcross; len(across) > 0 {
			found = append(found, message.Duplicates(t.String(), t.Relation(), t.Column, across))
		}
	}
	for _, one := range found {
		one.Table = t.String() // the verdict is one
	}
	return found
}

func unfitTree(t step.Target, root *catalog.Table) (found problem.List) {
	for _, one := range root.All() {
		if why := unfitBelow(t, root, one); why != "" {
			found = append(found, message.UnfitTable(t.String(), why))
		}
	}
	if origin, _ := t.Read(root); origin == step.Untouched {
		for _, why := range irreversible(t, root) {
			found = append(found, message.UnfitTable(t.String(), why))
		}
	}
	return found
}

// irreversible says what of a column that was there before down could not give back.
func irreversible(t step.Target, root *catalog.Table) (why []string) {
	required := map[uint32]bool{}
	for _, table := range root.All() {
		c := table.Column(t.Column)
		required[table.OID] = c != nil && c.NotNull
		if required[table.Above] && !required[table.OID] {
			why = append(why, fmt.Sprintf("%s.%s allows NULL in %s, and the table above it does not; make it NOT NULL there too", table.Schema, table.Name, t.Column))
		}
	}
	if !t.HasRootIndex() || t.HasIndex(root) {
		return why
	}
	for _, one := range slices.Concat(t.Partitioned(root), t.Parts(root)) {
		if i := one.Table.Index(one.Index); i != nil {
			why = append(why, fmt.Sprintf("its index %s.%s would be part of the one of the whole, and PostgreSQL has no way to take it out again; "+
				"give it another name (ALTER INDEX .. RENAME TO), or make the one of the whole", one.Schema, i.Name))
		}
	}
	return why
}

// unfitBelow says why one table of a tree cannot get the column.
func unfitBelow(t step.Target, root, table *catalog.Table) string {
	c := table.Column(t.Column)
	name := table.Schema + "." + table.Name
	word := "its child " + name
	if table.Partition {
		word = "its partition " + name
	}
	switch {
	case table.OID == root.OID:
		return ""
	case table.Kind == catalog.Foreign:
		return word + " is a foreign table, whose rows are not this server's"
	case table.Persistence == "t":
		return word + " is a temporary table, which goes with its session"
	case !table.Owned:
		return fmt.Sprintf("%s belongs to %s, and only an owner may alter a table", word, table.Owner)
	case table.Extension != "":
		return word + " belongs to the extension " + table.Extension
	case table.Parents > 1:
		return word + " has another parent as well, whose columns it would share"
	case root.Column(t.Column) == nil && c != nil:
		return word + " has a column " + t.Column + " of its own, with which the parent's would be merged"
	case c == nil && table.Attributes >= MaxColumns:
		return word + " has had 1,600 columns, PostgreSQL's limit; dropped ones count"
	}
	return ""
}

// refuseAbove looks at the tables of a tree that hold no rows: they have names and policies, too.
func refusePartitioned(s Input, t step.Target, root *catalog.Table) problem.List {
	if root.Kind != catalog.Partitioned {
		return nil
	}
	var found problem.List
	found = append(found, refuseDefault(s, t, root)...)
	if root.Column(t.Column) == nil && root.Attributes >= MaxColumns {
		found = append(found, message.UnfitTable(t.String(), "it has had 1,600 columns, PostgreSQL's limit; dropped ones count"))
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

// published is a partition that goes wherever those above it go: publish_via_partition_root names them alone.
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

// Uniqueness says among which rows the uuids of a tree are unique; "" of any other table, where it is all.
func Uniqueness(t step.Target, table *catalog.Table) string {
	columns := strings.Join(t.IndexColumns(), ", ")
	switch {
	case table == nil || !table.IsTree():
		return ""
	case t.HasRootIndex():
		return "in each partition, by (" + columns + ")"
	case table.Kind == catalog.Partitioned:
		return "in each partition, by (" + columns + "); an expression is among the partition keys, so that there is no index of all"
	default:
		return "in each table of the inheritance tree, by (" + columns + ")"
	}
}

// treeNote is what a reader should know of a tree.
func treeNote(t step.Target, table *catalog.Table, direction Direction) string {
	switch {
	case !table.IsTree():
		return ""
	case direction == Down:
		return t.String() + ": a table that was detached from it since up keeps its column, which is its own now."
	case table.Kind == catalog.Partitioned:
		return t.String() + " is partitioned: the values are unique " + Uniqueness(t, table) + ". " +
			"ATTACH PARTITION of a table without the column " + t.Column + " fails from now on; one with it is looked at by the next up, which fills what it lacks. " +
			"A partition that is detached keeps its column."
	default:
		return t.String() + " has children by inheritance: the values are unique " + Uniqueness(t, table) + ", since no index covers a child. " +
			"ALTER TABLE .. INHERIT of a table without the column " + t.Column + " fails from now on; a new child gets it without an index, which the next up builds."
	}
}
