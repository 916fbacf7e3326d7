package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// The tests read the catalogue of a Citus cluster, which TestRecordCatalogue of internal/citustest has recorded.

// clusterRun returns the input of up for a recorded schema, altered.
func clusterRun(t *testing.T, schema string, alter ...func(*Input)) Input {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "citus", "catalogue.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Server  catalog.Server
		Schemas []catalog.Schema
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	s := schemaRun()
	s.Server = recorded.Server
	for _, one := range recorded.Schemas {
		if one.Name == schema {
			one.SetPlaces()
			s.Schema = one
		}
	}
	for _, f := range alter {
		f(&s)
	}
	return s
}

// onCluster returns an alteration of the cluster.
func onCluster(f func(*catalog.Cluster)) func(*Input) {
	return func(s *Input) { f(s.Server.Cluster) }
}

func TestIndexesOfEachKindOfTable(t *testing.T) {
	want := map[string]string{
		"accounts": "uuid tenant_id", "events": "uuid tenant_id", // distributed
		"countries": "uuid", "notes": "uuid", "plain": "uuid", "single": "uuid", // reference, local, ordinary, single-shard
	}
	p := Build(clusterRun(t, "app"))
	if len(p.Refusals) > 0 {
		t.Fatal(p.Refusals)
	}
	got := map[string]string{}
	for _, g := range p.Targets() {
		got[g.Table.Name] = strings.Join(g.Target.IndexColumns(), " ")
		unique := Uniqueness(g.Target, p.Schema.Named(g.Table))
		if distributed := strings.Contains(got[g.Table.Name], "tenant_id"); distributed != (unique == "in each tenant_id, by (uuid, tenant_id)") {
			t.Errorf("%s is unique %q", g, unique)
		}
		actions := step.BuildIndex{Target: g.Target}.Apply(p.View(g))
		columns := "(" + strings.ReplaceAll(`"`+got[g.Table.Name]+`"`, " ", `", "`) + ")"
		if len(actions) != 1 || !strings.HasSuffix(actions[0].SQL()[0], columns) {
			t.Errorf("%s: %v, want an index on %s", g, actions, columns)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("indexes %v, want %v", got, want)
	}
	note := func(line string) bool {
		return strings.HasPrefix(line, "accounts, events: the values are unique in each tenant_id") && strings.Contains(line, "verify counts duplicates over the whole table")
	}
	if !slices.ContainsFunc(p.Notes, note) {
		t.Errorf("no note of what is unique: %q", p.Notes)
	}
}

// A plan after up finds the index by both columns and has nothing to do. An index by the column alone is another one.
func TestIndexOfADistributedTableIsFound(t *testing.T) {
	for columns, want := range map[string]string{"uuid tenant_id": "", "uuid": "index_differs"} {
		s := clusterRun(t, "app", func(s *Input) {
			s.Schema.Relations = []catalog.Table{*s.Schema.Relation("accounts")}
			s.Schema.SetPlaces()
			s.Schema.Function = &catalog.Function{Schema: "app", Name: step.FunctionName, OwnedByRole: true}
			table := s.Schema.Relation("accounts")
			complete(s, table)
			table.Index("accounts_uuid_idx").Columns = strings.Fields(columns)
			s.Data[named("accounts")] = catalog.Data{}
		})
		p := Build(s)
		g := p.Targets()[0]
		if state := g.State; (state == Complete) != (want == "") || want != "" && !strings.Contains(codes(p.Refusals), want) {
			t.Errorf("index on (%s): state %s, refusals %s, want %q", columns, state, codes(p.Refusals), want)
		}
	}
}

func TestTablesThatAClusterRefuses(t *testing.T) {
	p := Build(clusterRun(t, "odd"))
	got := map[string]string{}
	for _, one := range p.Refusals {
		got[one.Table] = one.Code
		if one.Detail == "" || one.Hint == "" {
			t.Errorf("%s has no detail or no hint", one.Code)
		}
	}
	want := map[string]string{
		"odd.appended": "distributed_kind", "odd.ranged": "distributed_kind", "odd.keyless": "reference_without_key",
		"odd.tenants": "shard_order", "odd.replicated": "shard_replicas",
	}
	if !maps.Equal(got, want) {
		t.Errorf("refused %v, want %v", got, want)
	}
	timed := clusterRun(t, "odd", func(s *Input) { s.Policy.Values.Sources = map[string]Source{"tenants": ByClock} })
	if codes(Build(timed).Refusals) == "" || strings.Contains(codes(Build(timed).Refusals), "shard_order") {
		t.Errorf("with the migration's time: %s", codes(Build(timed).Refusals))
	}
	skipped := Build(clusterRun(t, "odd", func(s *Input) { s.Policy.SkipRefused = true }))
	if len(skipped.Refusals) > 0 || len(skipped.Skipped) != len(want) || len(skipped.Targets()) != 2 {
		t.Errorf("with --skip-refused: refusals %v, skipped %d, targets %v", skipped.Refusals, len(skipped.Skipped), skipped.Targets())
	}
}

func TestClustersThatAreRefused(t *testing.T) {
	second := func(f func(*catalog.Node)) func(*catalog.Cluster) { return func(c *catalog.Cluster) { f(&c.Nodes[1]) } }
	for name, test := range map[string]struct {
		alter          func(*catalog.Cluster)
		want, readOnly string
		text           string
	}{
		"as recorded":      {func(*catalog.Cluster) {}, "", "", ""},
		"a worker":         {func(c *catalog.Cluster) { c.Group = 1 }, "citus_worker", "citus_worker", "postgres://10.0.0.1:5432/shop"},
		"Citus 11":         {func(c *catalog.Cluster) { c.Library, c.Extension = "11.3.0", "11.3-1" }, "citus_too_old", "citus_too_old", "11.3.0"},
		"half upgraded":    {func(c *catalog.Cluster) { c.Extension = "13.0-1" }, "citus_versions", "citus_versions", "library 13.2.2 and extension 13.0-1"},
		"another library":  {second(func(n *catalog.Node) { n.Library = "13.2.1" }), "citus_versions", "", "10.0.0.2:5432 has library 13.2.1"},
		"no extension":     {second(func(n *catalog.Node) { n.Extension = "" }), "citus_versions", "", "10.0.0.2:5432 has library 13.2.2 and extension none"},
		"inactive":         {second(func(n *catalog.Node) { n.Active = false }), "citus_node", "", "citus_activate_node('10.0.0.2', 5432)"},
		"not synchronized": {second(func(n *catalog.Node) { n.Synced = false }), "citus_node", "", "start_metadata_sync_to_all_nodes"},
		"no answer":        {second(func(n *catalog.Node) { n.Library, n.Extension, n.Fault = "", "", "could not connect" }), "citus_node", "citus_node", "10.0.0.2:5432 does not answer"},
		"a dead secondary": {second(func(n *catalog.Node) { n.Primary, n.Active = false, false }), "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := clusterRun(t, "app", onCluster(test.alter))
			for readOnly, want := range map[bool]string{false: test.want, true: test.readOnly} {
				found := CheckServer(s.Server, readOnly)
				if (found == nil) != (want == "") || found != nil && (found.Code != want || !strings.Contains(found.Error()+found.Detail+found.Hint, test.text)) {
					t.Errorf("read-only %t: %+v, want %q with %q", readOnly, found, want, test.text)
				}
			}
			if test.readOnly != "" {
				return // no plan is made
			}
			if got := codes(Build(s).Refusals); got != test.want {
				t.Errorf("the plan is refused for %q, want %q", got, test.want)
			}
		})
	}
}

func TestPhasesOnACluster(t *testing.T) {
	for _, phase := range []Phase{Linked, Switched, Contracted} {
		p := Build(clusterRun(t, "app", func(s *Input) { s.Goal = phase }))
		if codes(p.Refusals) != "citus_phase" || p.Pending() && len(p.Edges()) > 0 {
			t.Errorf("%s: %s", phase, codes(p.Refusals))
		}
	}
}

func TestNotesOnACluster(t *testing.T) {
	p := Build(clusterRun(t, "app", onCluster(func(c *catalog.Cluster) {
		c.Moves = []catalog.ShardMove{
			{Kind: "move or split", State: "running", Relation: "app.accounts", Colocation: 1}, {Kind: "move", State: "running", Relation: "app.single"}, {Kind: "rebalance", State: "scheduled"},
		}
		c.Pending = []catalog.PendingTransaction{{Node: "10.0.0.2:5432", GID: "citus_0_1_2_3", Age: 61.5}, {Node: "10.0.0.3:5432", GID: "citus_0_1_2_4", Age: 8}}
	})))
	text := strings.Join(p.Notes, "\n")
	for _, want := range []string{
		"A move or split of shards of app.accounts, or of a table colocated with it, has not ended: a run waits for it",
		"A move of shards of app.single has not ended: a run waits for it",
		"The background job rebalance of the cluster is scheduled",
		"Node 10.0.0.2:5432 has the prepared transaction citus_0_1_2_3 of the cluster, 1m1s old (and 1 more).",
		"SELECT recover_prepared_transactions();",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no note %q in\n%s", want, text)
		}
	}
	if len(p.Refusals) > 0 {
		t.Error(p.Refusals)
	}
}

// Schemas of a distributed schema each have the same plan, wherever their shards are; tables that are distributed otherwise have not.
func TestFingerprintOfAnotherShard(t *testing.T) {
	base := Fingerprint(clusterRun(t, "app"))
	for change, same := range map[string]bool{"Shards": true, "Nodes": true, "Colocation": true, "Replicas": false, "Column": false, "Kind": false} {
		s := clusterRun(t, "app", func(s *Input) {
			field := reflect.ValueOf(s.Schema.Relation("accounts").Sharding).Elem().FieldByName(change)
			if field.Kind() == reflect.String {
				field.SetString("other")
			} else {
				field.SetInt(77)
			}
		})
		if got := Fingerprint(s) == base; got != same {
			t.Errorf("another %s: the same fingerprint %t, want %t", change, got, same)
		}
	}
}

func TestTableThatIsDistributedDuringTheRun(t *testing.T) {
	p := Build(clusterRun(t, "app"))
	g := p.Targets()[slices.IndexFunc(p.Targets(), func(g Group) bool { return g.Table == sqltext.Table{Schema: "app", Name: "plain"} })]
	now := clusterRun(t, "app").Schema
	if why := p.Altered(g, now); why != "" {
		t.Errorf("nothing has changed: %s", why)
	}
	now.Relation("plain").Sharding = &catalog.Sharding{Kind: catalog.HashDistributed, Column: "id", Shards: 32, Nodes: 2, Replicas: 1}
	if why := p.Altered(g, now); why != "It is now distributed by id." {
		t.Errorf("%q", why)
	}
	if text := fmt.Sprint(now.Relation("notes").Sharding, (*catalog.Sharding)(nil)); text != "local an ordinary table" {
		t.Error(text)
	}
}

// The tables of a profile get the same indexes as those of a schema run.
func TestIndexesOfAProfileOnACluster(t *testing.T) {
	distributed := func(table *catalog.Table) {
		addColumn(table, catalog.Column{Name: "tenant_id", Type: "integer", Length: 4, Alignment: 4, NotNull: true})
		table.Sharding = &catalog.Sharding{Kind: catalog.HashDistributed, Column: "tenant_id", Shards: 32, Nodes: 2, Replicas: 1}
	}
	s := profileRun("1", onTable(distributed))
	p := Build(s)
	if len(p.Targets()) != 1 || !slices.Equal(p.Targets()[0].Target.IndexColumns(), []string{"uuid", "tenant_id"}) {
		t.Fatalf("%v, %v", p.Targets(), p.Refusals)
	}
	table := first(&s)
	addUUID(table)
	table.Indexes = append(table.Indexes, uniqueIndex("t_uuid_idx", "uuid", "tenant_id"))
	if missing := strings.Join(Missing(p.Targets()[0].Target, table), ", "); strings.Contains(missing, "index") {
		t.Errorf("with an index by both columns %s are missing", missing)
	}
}
