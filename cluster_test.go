package rekey_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/screen"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// clusterPlan returns the plan of a schema of a Citus cluster that was recorded, altered.
func clusterPlan(t *testing.T, schema string, alter func(*plan.Input)) rekey.Plan {
	t.Helper()
	var recorded struct {
		Server  catalog.Server
		Schemas []catalog.Schema
	}
	if err := json.Unmarshal([]byte(read(t, "testdata/citus/catalogue.json")), &recorded); err != nil {
		t.Fatal(err)
	}
	s := plan.Input{
		Server: recorded.Server, Direction: plan.Up, Data: map[sqltext.Table]catalog.Data{},
		Scope: plan.Scope{Selection: plan.Selection{Naming: plan.Naming{Column: "uuid"}}},
	}
	s.Schema = recorded.Schemas[slices.IndexFunc(recorded.Schemas, func(one catalog.Schema) bool { return one.Name == schema })]
	alter(&s)
	return rekey.DocumentOf(plan.Build(s))
}

// large makes of the recorded cluster one of 21 nodes, and of app.events 12 tables of 1,000 shards.
func large(s *plan.Input) {
	c := s.Server.Cluster
	for i := len(c.Nodes); i <= 20; i++ {
		n := c.Nodes[1]
		n.ID, n.Group, n.Host = int32(i+1), int32(i), fmt.Sprintf("10.0.0.%d", i+1)
		c.Nodes = append(c.Nodes, n)
	}
	events := *s.Schema.Relation("events")
	sharding := *events.Sharding
	sharding.Shards, sharding.Nodes = 1000, 20
	events.Sharding, events.Rows, events.Bytes = &sharding, 250e6, 40<<30
	for i := range 12 {
		events.OID++
		events.Name = fmt.Sprintf("events_of_2026_%02d", i+1)
		s.Schema.Relations = append(s.Schema.Relations, events)
	}
	s.Schema.SetPlaces()
}

func TestPlanOfACluster(t *testing.T) {
	next := screen.Next{Run: "rekey up --schema app", SQL: "rekey plan --schema app --sql"}
	for name, alter := range map[string]func(*plan.Input){"app": func(*plan.Input) {}, "large": large} {
		doc := clusterPlan(t, "app", alter)
		doc.Cluster.MaxPerNode = 8
		golden(t, filepath.Join("citus", "plan-"+name+".txt"), screen.Plan(doc, next, 80))
		if name == "app" {
			continue
		}
		doc.Groups, doc.Relations, doc.Notes = doc.Groups[:2], nil, nil
		doc.Groups[1].Steps, doc.Groups[0].Steps = nil, nil
		text, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("citus", "plan-"+name+".json"), string(text)+"\n")
	}
	golden(t, filepath.Join("citus", "plan-refused.txt"), screen.Plan(clusterPlan(t, "odd", func(*plan.Input) {}), next, 80))
}

// A plan of many shards is as long as one of few.
func TestPlanOfManyShardsIsShort(t *testing.T) {
	lines := func(shards, nodes int) int {
		return strings.Count(screen.Plan(clusterPlan(t, "app", func(s *plan.Input) {
			for i := range s.Schema.Relations {
				if sharding := s.Schema.Relations[i].Sharding; sharding != nil {
					sharding.Shards, sharding.Nodes = shards, nodes
				}
			}
		}), screen.Next{}, 120), "\n")
	}
	const ofLocks = 3 // the note on how long a lock of many shards is held
	if few, many := lines(4, 2), lines(1000, 20); many-few > ofLocks {
		t.Errorf("%d lines with 4 shards, %d with 1,000", few, many)
	}
}
