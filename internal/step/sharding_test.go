package step_test

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestDropIndexOfShards checks that only on a cluster, where an interrupted DROP INDEX may have dropped the index of some shards, a missing
// index is no error.
func TestDropIndexOfShards(t *testing.T) {
	target := orders()
	invalid := index("orders_uuid_idx")
	invalid.Valid = false
	for name, test := range map[string]struct {
		sharding *catalog.Sharding
		want     string
	}{
		"ordinary":            {nil, "app.orders drop: DROP INDEX CONCURRENTLY app.orders_uuid_idx"},
		"a distributed table": {&catalog.Sharding{Kind: catalog.HashDistributed, Column: "tenant_id"}, "app.orders drop: DROP INDEX CONCURRENTLY IF EXISTS app.orders_uuid_idx"},
		"a reference table":   {&catalog.Sharding{Kind: catalog.ReferenceTable}, "app.orders drop: DROP INDEX CONCURRENTLY IF EXISTS app.orders_uuid_idx"},
	} {
		for _, built := range []catalog.Index{index("orders_uuid_idx"), invalid} {
			v := view(column(defaulted, commented(unfinished)), built)
			v.Table.Sharding = test.sharding
			if got := render(step.BuildIndex{Target: target}.Undo(v)); !slices.Equal(got, []string{test.want}) {
				t.Errorf("%s, valid %t: down %q", name, built.Valid, got)
			}
			up := render(step.BuildIndex{Target: target}.Apply(v))
			if built.Valid && up != nil || !built.Valid && (len(up) != 2 || up[0] != test.want) {
				t.Errorf("%s, valid %t: up %q", name, built.Valid, up)
			}
		}
	}
}

// TestKeysOfShards checks which columns, in addition to the uuid, the unique index of a table of a cluster has.
func TestKeysOfShards(t *testing.T) {
	distributed := func(column string) *catalog.Sharding {
		return &catalog.Sharding{Kind: catalog.HashDistributed, Column: column}
	}
	for name, test := range map[string]struct {
		table     *catalog.Table
		sharding  *catalog.Sharding
		keys      []string // of the goal
		want      []string
		rootIndex bool
	}{
		"by the tenant":          {table(), distributed("tenant_id"), []string{"tenant_id"}, []string{"tenant_id"}, false},
		"by the uuid":            {table(), distributed("uuid"), nil, nil, false},
		"reference":              {table(), &catalog.Sharding{Kind: catalog.ReferenceTable}, nil, nil, false},
		"ordinary":               {table(), nil, []string{"stale"}, nil, false},
		"partitioned":            {partitioned(), nil, nil, []string{"id", "region"}, true},
		"partitions by tenant":   {partitioned(), distributed("tenant_id"), nil, []string{"id", "region", "tenant_id"}, true},
		"partitions by key":      {partitioned(), distributed("region"), nil, []string{"id", "region"}, true},
		"partitions by uuid":     {partitioned(), distributed("uuid"), nil, []string{"id", "region"}, true},
		"partitions of a schema": {partitioned(), &catalog.Sharding{Kind: catalog.SchemaSharded}, nil, []string{"id", "region"}, true},
	} {
		test.table.Sharding = test.sharding
		target := orders()
		target.Keys = test.keys
		got, rootIndex := target.ForTree(test.table)
		if !slices.Equal(got.Keys, test.want) || rootIndex != test.rootIndex {
			t.Errorf("%s: keys %q, index of the root %t", name, got.Keys, rootIndex)
		}
	}
}
