package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/problem"
	"github.com/rekey-pg/rekey/internal/step"
)

// attached refuses the way down while something that up did not make hangs on what up made. DROP
// COLUMN would take indexes, constraints and statistics with it without a word, even without CASCADE.
func attached(t step.Target, table *catalog.Table) problem.List {
	origin, as := t.Read(table)
	var found problem.List
	for _, a := range attachments(t, table) {
		// A column that was found stays; only what leans on what up added to it is in the way.
		if origin == step.Found && !leans(t, table, as, a) {
			continue
		}
		found = append(found, problem.Attached(t.String(), t.Column, a.Kind, a.Name))
	}
	return found
}

// attachments are what hangs on the column and is not ours, in the table and in all that is below it.
func attachments(t step.Target, table *catalog.Table) []catalog.Attachment {
	var all []catalog.Attachment
	indexes := []string{t.Index}
	if table.Tree() {
		for _, below := range slices.Concat(t.Parts(table), t.Partitioned(table)) {
			indexes = append(indexes, below.Index)
		}
	}
	for _, one := range table.All() {
		for _, a := range one.Attachments {
			index := a.Kind == "index" && slices.Contains(indexes, a.Name)
			if a.Column == t.Column && !index && (a.Kind != "constraint" || a.Name != t.Check) {
				all = append(all, a)
			}
		}
	}
	return all
}

// leans reports whether an attachment of a found column needs the index that up built or the NOT NULL
// that up set, which no key and no replica identity can do without.
func leans(t step.Target, table *catalog.Table, as step.AsFound, a catalog.Attachment) bool {
	if !as.Indexed && a.OnIndex == t.Index {
		return true
	}
	i := table.Index(a.Name)
	needs := i != nil && (i.Primary && a.Kind == "constraint" || i.ReplicaIdentity && a.Kind == "replica identity")
	return as.Nullable && needs
}
