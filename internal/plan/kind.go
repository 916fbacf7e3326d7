package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Kind is what is remembered of a plan that other schemas have too.
type Shared struct {
	first Document // without what it says of single tables
	fills []string // the tables of which rows are filled
}

// Share takes up a plan for those that have the same fingerprint. One that tells why something is refused or
// passed over is not shared: each schema is to be told in its own words. Nor is one with tables below others, which
// may be in any schema.
func Share(p Plan, doc Document) (Shared, bool) {
	if len(doc.Refusals) > 0 || len(doc.Skipped) > 0 || slices.ContainsFunc(p.Schema.Relations, catalog.Table.IsTree) {
		return Shared{}, false
	}
	k := Shared{first: doc}
	k.first.Groups, k.first.Relations, k.first.Notes, k.first.Code = []GroupDocument{}, nil, []string{}, nil
	for _, g := range p.Targets() {
		if len(p.Fills(g)) > 0 {
			k.fills = append(k.fills, g.Table)
		}
	}
	return k, true
}

// For is the document of a schema with the same fingerprint.
func (k Shared) For(s Input) Document {
	doc := k.first
	doc.Schema, doc.SameAs, doc.Rows = s.Schema.Name, k.first.Schema, 0
	doc.Absent = slices.Clone(doc.Absent)
	for _, name := range k.fills {
		doc.Rows += Rows(s.Schema.Relation(name))
	}
	return doc
}
