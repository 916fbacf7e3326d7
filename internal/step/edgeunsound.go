package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// Unsound returns why the triggers of an edge cannot keep its columns equal, although they are as up makes them; "" if they
// can. The application may have altered the table since.
func (e Edge) Unsound(child, parent *catalog.Table) string {
	if parent != nil && parent.HidesFromOwner() {
		return "no triggers that see every row of " + e.Parent.String() + ": row-level security is forced on it"
	}
	if later := e.LaterTriggers(child); later != nil {
		return "BEFORE triggers that fire after rekey's own: " + strings.Join(later, ", ")
	}
	if e.ChildFirst && !e.MayWrite(child) {
		return "no AFTER trigger that may write the table as " + e.Owner
	}
	return ""
}

// LaterTriggers returns the application's BEFORE triggers of the child, and of the tables below it, that fire after the edge's
// own; nil if there is none.
func (e Edge) LaterTriggers(child *catalog.Table) []string {
	var later []string
	for _, t := range child.All() {
		for _, name := range t.FiringAfter(e.Trigger("u")) {
			if !(catalog.Trigger{Name: name}).OfEdge() && !slices.Contains(later, name) {
				later = append(later, name)
			}
		}
	}
	return later
}

// MayWrite reports whether the AFTER trigger may update rows of the child, which fires the child's own triggers: it runs with
// the rights of the parent's owner, and code of another role must not get these rights. Row-level security must not hide the
// rows.
func (e Edge) MayWrite(child *catalog.Table) bool {
	return !slices.ContainsFunc(child.All(), func(t *catalog.Table) bool { return t.Owner != e.Owner }) && !child.ForcesPolicies()
}
