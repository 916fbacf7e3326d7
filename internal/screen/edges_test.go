package screen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
)

// edgesOf returns edges of texts such as "orders.user_id users".
func edgesOf(texts ...string) (edges []rekey.Edge) {
	for _, text := range texts {
		name, parent, _ := strings.Cut(text, " ")
		table, column, _ := strings.Cut(name, ".")
		edges = append(edges, rekey.Edge{Table: table, Column: column, Parent: parent, Key: "id", State: rekey.Pending, Progress: rekey.EdgeNone})
	}
	return edges
}

// linkPlan is a plan of phase linked with references of every kind.
func linkPlan() rekey.Plan {
	edges := edgesOf("orders.user_id users", "orders.approved_by users", "comments.author_id users", "comments.parent_id comments", "audit.user_id users",
		"logins.user_id auth.users", "people.team_id teams", "teams.leader_id people", "visits.country_id countries", "order_items.order_id orders", "order_items.product_id products")
	for i := range edges {
		e := &edges[i]
		e.UUIDColumn = strings.TrimSuffix(e.Column, "_id") + "_uuid"
		e.Constraint, e.UUIDConstraint = e.Table+"_"+e.Column+"_fkey", e.Table+"_"+e.UUIDColumn+"_fkey"
		e.InsertCost, e.Rows = 2.7, 12_000
		e.Triggers = []string{"~rekey_" + e.Column + "_i", "~rekey_" + e.Column + "_u"}
		e.Twins = []rekey.IndexTwin{{Of: e.Table + "_" + e.Column + "_idx", Name: e.Table + "_" + e.UUIDColumn + "_idx"}}
	}
	edges[0].State, edges[0].Progress, edges[0].Required = rekey.Complete, rekey.EdgeLinked, true
	edges[0].Twins = append(edges[0].Twins, rekey.IndexTwin{Of: "orders_number_user_id_key", Name: "orders_number_user_uuid_key", OfUnique: true})
	edges[3].ChildFirst, edges[3].Cycle = true, []string{"comments"}
	edges[4].Constraint, edges[4].UUIDConstraint, edges[4].InsertCost = "", "", 0
	edges[5].State, edges[5].Why, edges[5].UUIDColumn, edges[5].UUIDConstraint = rekey.Refused, "the parent is in schema auth", "", ""
	edges[6].Cycle, edges[7].Cycle = []string{"people", "teams"}, []string{"people", "teams"}
	edges[10].State, edges[10].Progress, edges[10].Notes = rekey.Incomplete, rekey.EdgeFilled, []string{"product_id is integer and products.id is bigint"}
	edges[2].Notes = edges[10].Notes
	edges[8].State, edges[8].Why = rekey.Skipped, "its parent countries is refused"
	doc := rekey.Plan{
		Command: rekey.Up, To: rekey.Linked, Schema: "app", Server: "15.18", Database: "shop", Role: "app", Edges: edges,
		Candidates: []rekey.Candidate{{Table: "audit", Column: "order_id", Parent: "orders", Why: "100 % of 1,000 values exist in orders.id"}},
		Unsupported: []rekey.UnsupportedReference{
			{Table: "notes", Column: "subject_id", Kind: rekey.Polymorphic, Why: "name: subject_type may name the table of subject_id"},
			{Table: "notes", Column: "user_ids", Kind: rekey.IDArray, Parent: "users", Why: "name: user_ids may be ids of rows of users; type: integer[]"},
			{Table: "notes", Column: "payload", Kind: rekey.IDDocument, Why: "keys of a sample with numbers as values: userId (users)"},
		},
	}
	for _, e := range edges {
		doc.Groups = append(doc.Groups, rekey.Group{Table: e.Table, Edge: e.Name(), State: e.State, Steps: []rekey.Step{
			{ID: "app." + e.Name() + "/wire", What: "add column " + e.UUIDColumn + " and triggers", Why: "both stay equal", Lock: "ACCESS EXCLUSIVE", Scans: "nothing", UndoneBy: "by itself", SQL: []string{"ALTER TABLE " + e.Table}},
		}})
	}
	return doc
}

func TestEdges(t *testing.T) {
	doc := linkPlan()
	golden(t, "plan-edges.txt", Plan(doc, Next{Run: "rekey up --schema app --to linked", SQL: "rekey plan --schema app --to linked --sql"}, 80))
	golden(t, "plan-edges.dot", Graph(doc, "dot"))
	golden(t, "plan-edges.mermaid", Graph(doc, "mermaid"))
	golden(t, "statements-edges.txt", Statements(doc, []string{"order_items"}, 80))
	doc.Command, doc.To, doc.Candidates, doc.Unsupported = rekey.Down, rekey.Expanded, nil, nil
	golden(t, "plan-edges-down.txt", Plan(doc, Next{}, 80))
	for line := range strings.Lines(Plan(linkPlan(), Next{}, 80)) {
		if columns(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("too wide: %s", line)
		}
	}
}

// Long names are not shortened as long as another column can be left out.
func TestLongNamesOfReferences(t *testing.T) {
	doc := linkPlan()
	doc.Edges = doc.Edges[1:2]
	doc.Edges[0].Table, doc.Edges[0].Column, doc.Edges[0].UUIDColumn = "phoenix_kit_user_connections_history", "user_a_id", "user_a_uuid"
	for width, want := range map[int]string{80: "  phoenix_kit_user_connections_history.user_a_id  pending  i u ", 120: "user_a_id  pending  user_a_uuid  i u "} {
		if text := Plan(doc, Next{}, width); !strings.Contains(text, want) {
			t.Errorf("%d columns: no %q in\n%s", width, want, text)
		}
	}
}

// The page of a thousand references has a line for each, and a few more.
func TestManyEdges(t *testing.T) {
	doc := linkPlan()
	doc.Edges, doc.Groups, doc.Candidates, doc.Unsupported = nil, nil, nil, nil
	for i := range 1000 {
		e := linkPlan().Edges[0]
		e.State, e.Progress = rekey.Pending, rekey.EdgeNone
		e.Table, e.Parent = fmt.Sprintf("t%d", i+1), fmt.Sprintf("t%d", i/10)
		doc.Edges = append(doc.Edges, e)
		doc.Candidates = append(doc.Candidates, rekey.Candidate{Table: e.Table, Column: "x_id", Parent: "x", Why: "names"})
	}
	text := Plan(doc, Next{}, 80)
	if n := strings.Count(text, "\n"); n > 1150 {
		t.Errorf("%d lines", n)
	}
	if !strings.Contains(text, "2,000 indexes that hold integer columns get twins.") || !strings.Contains(text, "and 988 more") {
		t.Error(text[max(0, len(text)-2000):])
	}
}

// A name cannot end a line or a text of a graph.
func TestGraphFilesAreQuoted(t *testing.T) {
	doc := rekey.Plan{Command: rekey.Up, Schema: `a"b`, Edges: edgesOf("x\n\"y.c\\_id z]#<b>&amp;")}
	for _, format := range []string{"dot", "mermaid"} {
		text := Graph(doc, format)
		for _, bad := range []string{"x\n", "<b>", "\n\"y"} {
			if format == "mermaid" && strings.Contains(text, bad) {
				t.Errorf("%s: %q in %s", format, bad, text)
			}
		}
		golden(t, "hostile."+format, text)
	}
}

func TestEdgeStatus(t *testing.T) {
	golden(t, "status-edges.txt", Status(rekey.Status{
		Schema: "app", Phase: rekey.Expanded, Edges: linkPlan().Edges, Tables: []rekey.TableStatus{
			{Table: "users", State: rekey.Complete, Phase: rekey.Expanded, Rows: 20_000},
			{Table: "orders", State: rekey.Complete, Phase: rekey.Linked, Rows: 12_000},
			{Table: "countries", State: rekey.Skipped, Why: "its primary key is a uuid already"},
		},
	}, 80))
}

func TestEdgeReport(t *testing.T) {
	report := rekey.Report{
		Schema: "app", OK: true, Function: rekey.FunctionReport{Unneeded: true},
		Tables: []rekey.TableReport{{Table: "users", OK: true, Rows: 20_000}},
		Edges: []rekey.EdgeReport{
			{Table: "orders", Column: "user_id", Parent: "users", UUIDColumn: "user_uuid", Progress: rekey.EdgeLinked, OK: true, Rows: 12_000},
			{Table: "audit", Column: "user_id", Parent: "users", UUIDColumn: "user_uuid", Progress: rekey.EdgeFilled, OK: true, Rows: 90},
		},
	}
	golden(t, "report-edges.txt", Report(report, 80))
	report.OK, report.Edges[1].OK = false, false
	report.Edges[1].Mismatches, report.Edges[1].Orphans, report.Edges[1].OneSided, report.Edges[1].OrphanKeys = 1, 4, 2, []string{"7", "8", "9"}
	report.Differences = []string{"audit.user_id: 1 row whose two columns refer to different rows of users"}
	golden(t, "report-edges-differ.txt", Report(report, 80))
}
