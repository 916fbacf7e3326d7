package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// attached refuses the way down while something that up did not make hangs on what up made. DROP
// COLUMN would take indexes, constraints and statistics with it without a word, even without CASCADE.
func attached(t step.Target, table *catalog.Table) problem.List {
	parts := t.Parts(table)
	if table.Kind == catalog.Partitioned {
		parts = slices.Concat(parts, t.Partitioned(table))
	}
	indexes := append([]string{t.Index}, t.Aliases...)
	for _, part := range parts {
		indexes = append(indexes, part.Index)
	}
	var found problem.List
	for _, part := range parts {
		origin, as := part.Read(part.Table)
		for _, a := range part.Table.Attachments {
			// A column that was found stays; only what leans on what up added to it is in the way.
			if ours(t, indexes, a) || origin == step.Found && !leans(part.Target, part.Table, as, a) {
				continue
			}
			found = append(found, message.Attached(t.String(), t.Column, a.Kind, a.Name))
		}
	}
	return found
}

// ours reports whether something is made by up, or hangs on another column.
func ours(t step.Target, indexes []string, a catalog.Attachment) bool {
	return a.Column != t.Column || a.Kind == "index" && slices.Contains(indexes, a.Name) || a.Kind == "constraint" && a.Name == t.Check
}

// leans reports whether an attachment of a found column needs the index that up built or the NOT NULL
// that up set, which no key and no replica identity can do without.
func leans(t step.Target, table *catalog.Table, as step.Mark, a catalog.Attachment) bool {
	if !as.Indexed && a.OnIndex == t.Index {
		return true
	}
	i := table.Index(a.Name)
	needs := i != nil && (i.Primary && a.Kind == "constraint" || i.ReplicaIdentity && a.Kind == "replica identity")
	return as.Nullable && needs
}
