package screen

import (
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// The line of one schema of many counts tables and references apart.
func TestLinesOfSchemas(t *testing.T) {
	doc := linkPlan()
	doc.Relations = []rekey.Relation{{Table: "users", State: rekey.Complete}, {Table: "orders", State: rekey.Pending}}
	want := "1 pending, 1 complete; references: 7 pending, 1 incomplete, 1 complete, 1 skipped, 1 refused"
	if got, tables := PlanLine(doc); got != want || tables != 2 {
		t.Errorf("%d tables: %s", tables, got)
	}
	doc.Profile, doc.Relations = "acme", nil
	doc.Groups = append(doc.Groups, rekey.Group{Table: "users", State: rekey.Complete})
	if got, tables := PlanLine(doc); tables != 1 {
		t.Errorf("%d tables: %s", tables, got)
	}
	for want, result := range map[string]event.Result{
		"2 tables and 3 references, 7 rows filled, 1.0 s": {Command: "up", Tables: 2, Edges: 3, Rows: 7, Elapsed: time.Second},
		"3 references, 1.0 s":                             {Command: "down", Edges: 3, Elapsed: time.Second},
	} {
		if got := ResultLine(result); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
