package citustest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
)

//nolint:gochecknoglobals // a flag of the test program
var update = flag.Bool("update", false, "record the catalogue of the cluster in testdata")

// recorded is what the tests without a cluster read from testdata/catalogue.json.
type recorded struct {
	Server  catalog.Server
	Schemas []catalog.Schema
}

// TestRecordCatalogue records the catalogue of the tables with -update. The other tests of plans read it: they need no cluster.
func TestRecordCatalogue(t *testing.T) {
	if !*update {
		t.Skip("to record the catalogue again: go test ./internal/citustest -run TestRecordCatalogue -update")
	}
	c := newCluster(t, tables, refusedTables)
	pool := c.Pool(t)
	all := recorded{Server: inspectServer(t, pool)}
	all.Server.Database, all.Server.Now = "shop", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range all.Server.Cluster.Nodes {
		n := &all.Server.Cluster.Nodes[i]
		n.Host, n.Port = fmt.Sprintf("10.0.0.%d", i+1), 5432
	}
	for _, name := range []string{"app", "tenant_a", "odd"} {
		schema := inspectSchema(t, pool, name)
		schema.Places = nil
		for i := range schema.Relations {
			schema.Relations[i].Rows = math.Round(schema.Relations[i].Rows)
		}
		all.Schemas = append(all.Schemas, schema)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var values any
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	if text, err = json.MarshalIndent(withoutZeros(values), "", " "); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("..", "..", "testdata", "citus", "catalogue.json"), append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// withoutZeros leaves out fields that have their zero value.
func withoutZeros(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			field = withoutZeros(field)
			v[name] = field
			if list, ok := field.(map[string]any); field == nil || field == "" || field == false || field == 0.0 || ok && len(list) == 0 {
				delete(v, name)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutZeros(v[i])
		}
	}
	return value
}
