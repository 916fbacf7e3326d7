package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// refuseAttachments refuses down while an object that up did not make depends on an object that up made. Even
// without CASCADE, DROP COLUMN silently drops indexes, constraints and statistics.
func refuseAttachments(t step.Target, table *catalog.Table) problem.List {
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
			// Down keeps an adopted column; only objects that depend on what up added to it are in the way.
			if madeByUp(t, indexes, a) || origin == step.Found && !needsMade(part.Target, part.Table, as, a) {
				continue
			}
			if a.LinkedIn != "" {
				found = append(found, message.EdgeRemains(t.String(), t.Column, a.Name, a.LinkedIn))
				continue
			}
			found = append(found, message.DependentObject(t.String(), t.Column, a.Kind, a.Name))
		}
	}
	return found
}

// madeByUp reports whether up made an object, or the object depends on another column.
func madeByUp(t step.Target, indexes []string, a catalog.Attachment) bool {
	return a.Column != t.Column || a.Kind == "index" && slices.Contains(indexes, a.Name) || a.Kind == "constraint" && a.Name == t.Check
}

// needsMade reports whether an attachment of an adopted column needs the index that up built or the NOT NULL that up
// set: a primary key and a replica identity require NOT NULL.
func needsMade(t step.Target, table *catalog.Table, as step.Mark, a catalog.Attachment) bool {
	if !as.Indexed && a.OnIndex == t.Index {
		return true
	}
	i := table.Index(a.Name)
	needs := i != nil && (i.Primary && a.Kind == "constraint" || i.ReplicaIdentity && a.Kind == "replica identity")
	return as.Nullable && needs
}
