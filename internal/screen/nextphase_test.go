package screen

import (
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/problem"
)

func TestNextPhase(t *testing.T) {
	edge := func(state rekey.State, progress rekey.EdgeState) []rekey.Edge {
		return []rekey.Edge{{Table: "orders", State: state, Progress: progress}}
	}
	key := func(state rekey.State, progress rekey.KeyState) []rekey.Key {
		return []rekey.Key{{Table: "orders", State: state, Progress: progress}}
	}
	pending := []rekey.TableStatus{{Table: "orders", State: rekey.Pending}}
	for name, c := range map[string]struct {
		status rekey.Status
		want   string
	}{
		"integers":                           {rekey.Status{Tables: pending}, ""},
		"linked":                             {rekey.Status{Edges: edge(rekey.Complete, rekey.EdgeLinked)}, ""},
		"half linked":                        {rekey.Status{Edges: edge(rekey.Incomplete, rekey.EdgeWired)}, "rekey up --to linked"},
		"a new table when linked":            {rekey.Status{Tables: pending, Edges: edge(rekey.Complete, rekey.EdgeLinked)}, "rekey up --to linked"},
		"half switched":                      {rekey.Status{Keys: key(rekey.Incomplete, rekey.KeyDoubled)}, "rekey up --to switched"},
		"a new table, switched":              {rekey.Status{Tables: pending, Keys: key(rekey.Complete, rekey.KeySwitched)}, "rekey up --to switched"},
		"switched":                           {rekey.Status{Keys: key(rekey.Complete, rekey.KeySwitched), Edges: edge(rekey.Complete, rekey.EdgeLinked)}, ""},
		"half contracted, name with a space": {rekey.Status{Schema: "My App", Keys: key(rekey.Complete, rekey.KeySwitched), Edges: edge(rekey.Complete, rekey.EdgeContracted)}, "rekey up --to contracted --confirm 'My App'"},
		"half contracted":                    {rekey.Status{Schema: "app", Keys: key(rekey.Complete, rekey.KeySwitched), Edges: edge(rekey.Complete, rekey.EdgeContracted)}, "rekey up --to contracted --confirm app"},
		"contracted":                         {rekey.Status{Keys: key(rekey.Complete, rekey.KeyContracted), Edges: edge(rekey.Complete, rekey.EdgeContracted)}, ""},
		"refused":                            {rekey.Status{Keys: key(rekey.Incomplete, rekey.KeyDoubled), Refusals: problem.List{{}}}, ""},
	} {
		if got := NextPhase(c.status); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// phasesStatus has a table in each phase.
func phasesStatus() rekey.Status {
	status := rekey.Status{Schema: "app", Phase: rekey.Linked}
	for i, progress := range []rekey.KeyState{rekey.KeyInteger, rekey.KeyDoubled, rekey.KeyReady, rekey.KeySwitched, rekey.KeyContracted} {
		name, key := "t_"+string(progress), rekey.Key{Progress: progress, State: rekey.Complete}
		if key.Table = name; i < 3 {
			key.State = rekey.Incomplete
		}
		if i == 1 {
			key.Missing = []string{"no index for the new primary key"}
		}
		edge := rekey.Edge{Table: name, Column: "user_id", Parent: "users", State: rekey.Complete, Progress: rekey.EdgeLinked, Rows: 90}
		if progress == rekey.KeyContracted {
			edge.Progress = rekey.EdgeContracted
		}
		status.Keys, status.Edges = append(status.Keys, key), append(status.Edges, edge)
		status.Tables = append(status.Tables, rekey.TableStatus{Table: name, State: rekey.Complete, Rows: 90})
	}
	status.Keys = append(status.Keys, rekey.Key{Table: "codes", State: rekey.Skipped, Why: "it has no primary key"})
	status.Tables = append(status.Tables, rekey.TableStatus{Table: "codes", State: rekey.Complete, Rows: 3})
	return status
}

func TestPhasesStatus(t *testing.T) { golden(t, "status-phases.txt", Status(phasesStatus(), 80)) }

func TestGraphMarksSwitchedTables(t *testing.T) {
	s := phasesStatus()
	doc := rekey.Plan{Command: rekey.Up, Schema: "app", Edges: s.Edges, Keys: s.Keys}
	golden(t, "phases.dot", Graph(doc, "dot"))
	golden(t, "phases.mermaid", Graph(doc, "mermaid"))
}

func TestEndedReport(t *testing.T) {
	golden(t, "report-ended.txt", Report(rekey.Report{
		Schema: "app", OK: true, Function: rekey.FunctionReport{Unneeded: true},
		Tables: []rekey.TableReport{{Table: "users", OK: true, Rows: 20_000}},
		Edges: []rekey.EdgeReport{
			{Table: "orders", Column: "user_id", Parent: "users", UUIDColumn: "user_uuid", Progress: rekey.EdgeContracted, OK: true},
			{Table: "audit", Column: "user_id", Parent: "users", UUIDColumn: "user_uuid", Progress: rekey.EdgeLinked, OK: true, Rows: 90},
		},
		Keys: []rekey.KeyReport{{Table: "users", Progress: rekey.KeySwitched, OK: true}, {Table: "orders", Progress: rekey.KeyContracted, Missing: []string{"column id is kept and is not unique"}}},
	}, 80))
}
