package step_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	builds = "app.orders build: CREATE UNIQUE INDEX CONCURRENTLY orders_uuid_idx ON app.orders (uuid)"
	drops  = "app.orders drop: DROP INDEX CONCURRENTLY app.orders_uuid_idx"
)

func TestBuildIndex(t *testing.T) {
	made := column(defaulted, commented(unfinished))
	partial := index("orders_uuid_idx")
	partial.Predicate = "(id > 7)"
	target := orders()
	target.Aliases = []string{"orders_uuid_index", "orders_uuid_key"}
	backing := index("orders_uuid_key")
	backing.Constraint = "orders_uuid_key"
	testStep(t, step.BuildIndex{Target: target}, map[string]stepCase{
		"no index": {
			view: view(made),
			up:   []string{builds},
		},
		"an interrupted build": {
			view: view(made, invalid(index("orders_uuid_idx"))),
			up:   []string{drops, builds},
			down: []string{drops},
		},
		"built": {
			view: view(made, index("orders_uuid_idx")),
			done: true,
			down: []string{drops},
		},
		"an index of another name only": {
			view: view(made, index("mine")),
			up:   []string{builds},
		},
		"another index has the name": {
			view: view(made, invalid(partial)),
			up:   []string{builds},
		},
		"built, with an alias and a constraint": {
			view: view(made, index("orders_uuid_idx"), index("orders_uuid_index"), backing),
			done: true,
			down: []string{drops, "app.orders drop: DROP INDEX CONCURRENTLY app.orders_uuid_index"},
		},
		"adopted": {
			view: view(column(defaulted, commented(found)), index("orders_uuid_idx")),
			done: true,
			down: []string{drops},
		},
		"adopted with its index": {
			view: view(column(defaulted, commented(`[rekey: found {"indexed":true}]`)), index("orders_uuid_idx"), index("orders_uuid_index")),
			done: true,
		},
		"existing, not adopted": {
			view: view(column(), index("orders_uuid_idx")),
			done: true,
		},
	})
}

func TestBuildIndexOfPartitionedTable(t *testing.T) {
	made := func() *catalog.Table { return partitioned(column(defaulted, commented(treeMade))) }
	unattached := withIndexes(made(), false)
	interrupted := withIndexes(made(), false)
	interrupted.Below[2].Indexes[0].Valid = false
	stale := withIndexes(made(), true)
	stale.Indexes[0].Valid = false
	const (
		creates   = "app.orders exclusive only: CREATE UNIQUE INDEX orders_uuid_idx ON ONLY app.orders (uuid, id, region)"
		createsIn = "app.orders_rest exclusive only: CREATE UNIQUE INDEX orders_rest_uuid_id_region_idx ON ONLY app.orders_rest (uuid, id, region)"
		buildsA   = "app.orders_a build: CREATE UNIQUE INDEX CONCURRENTLY orders_a_uuid_id_region_idx ON app.orders_a (uuid, id, region)"
		buildsB   = "app.orders_b build: CREATE UNIQUE INDEX CONCURRENTLY orders_b_uuid_id_region_idx ON app.orders_b (uuid, id, region)"
		dropsA    = "app.orders_a drop: DROP INDEX CONCURRENTLY app.orders_a_uuid_id_region_idx"
		dropsB    = "app.orders_b drop: DROP INDEX CONCURRENTLY app.orders_b_uuid_id_region_idx"
		attachB   = "app.orders_b exclusive only: ALTER INDEX app.orders_rest_uuid_id_region_idx ATTACH PARTITION app.orders_b_uuid_id_region_idx"
		attachIn  = "app.orders_rest exclusive only: ALTER INDEX app.orders_uuid_idx ATTACH PARTITION app.orders_rest_uuid_id_region_idx"
		attachA   = "app.orders_a exclusive only: ALTER INDEX app.orders_uuid_idx ATTACH PARTITION app.orders_a_uuid_id_region_idx"
		dropsRoot = "app.orders exclusive: DROP INDEX app.orders_uuid_idx"
		dropsIn   = "app.orders_rest exclusive: DROP INDEX app.orders_rest_uuid_id_region_idx"
	)
	s := step.BuildIndex{Target: tree()}
	testStep(t, s, map[string]stepCase{
		"no index": {
			view: treeView(made()),
			up:   []string{creates, createsIn, buildsA, buildsB, attachB, attachIn, attachA},
		},
		"an interrupted build": {
			view: treeView(interrupted),
			up:   []string{dropsB, buildsB, attachB, attachIn, attachA},
			down: []string{dropsA, dropsB, dropsIn, dropsRoot},
		},
		"built, nothing is attached": {
			view: treeView(unattached),
			up:   []string{attachB, attachIn, attachA},
			down: []string{dropsA, dropsB, dropsIn, dropsRoot},
		},
		"attached": {
			view: treeView(withIndexes(made(), true)),
			done: true,
			down: []string{dropsRoot},
		},
		"invalid although all are attached": {
			view: treeView(stale),
			up:   []string{dropsRoot},
			down: []string{dropsRoot},
		},
		"existing, not adopted": {
			view: treeView(withIndexes(partitioned(column()), true)),
			done: true,
		},
	})
	for name, c := range map[string]struct {
		root *catalog.Table
		want []string
	}{
		"attached": {root: withIndexes(made(), true)},
		"stale":    {root: stale, want: []string{dropsRoot}},
		"no index": {root: made()},
		"no tree":  {root: table()},
	} {
		var actions []step.Action
		if a := s.StaleIndex(c.root); a != nil {
			actions = append(actions, a)
		}
		equal(t, name+": stale index", actions, c.want)
	}
}

// Where no unique index of all tables is possible, each gets one on the column alone.
func TestBuildIndexPerTable(t *testing.T) {
	expression := partitioned(column(defaulted, commented(treeMade)))
	expression.PartitionKey = []string{""}
	const (
		buildsA     = "app.orders_a build: CREATE UNIQUE INDEX CONCURRENTLY orders_a_uuid_idx ON app.orders_a (uuid)"
		buildsB     = "app.orders_b build: CREATE UNIQUE INDEX CONCURRENTLY orders_b_uuid_idx ON app.orders_b (uuid)"
		buildsGrand = "app.orders_grandchild build: CREATE UNIQUE INDEX CONCURRENTLY orders_grandchild_uuid_idx ON app.orders_grandchild (uuid)"
	)
	child := inherited(column(defaulted, commented(treeMade)))
	child.Below[0].Indexes = []catalog.Index{index("orders_child_uuid_idx")}
	testStep(t, step.BuildIndex{Target: tree()}, map[string]stepCase{
		"partitioned by an expression": {
			view: treeView(expression),
			up:   []string{buildsA, buildsB},
		},
		"inheritance, one index exists": {
			view: treeView(child),
			up:   []string{buildsGrand, builds},
			down: []string{"app.orders_child drop: DROP INDEX CONCURRENTLY app.orders_child_uuid_idx"},
		},
	})
}

func TestIndexName(t *testing.T) {
	const long = "a_table_whose_name_is_nearly_as_long_as_postgresql_allows_it"
	for _, c := range []struct{ pattern, table, want string }{
		{"{table}_{column}_idx", "orders", "orders_uuid_idx"},
		{"uq_{column}", "orders", "uq_uuid"},
		{"{table}_{column}", long[:58], "a_table_whose_name_is_nearly_as_long_as_postgresql_allows__uuid"},
		{"{table}_{column}_idx", long, "a_table_whose_name_is_nearly_as_long_as_postgresql_all_1483d96a"},
		{"{table}_{column}_idx", long + "_2", "a_table_whose_name_is_nearly_as_long_as_postgresql_all_a77b568c"},
	} {
		got := step.IndexName(c.pattern, c.table, "uuid")
		if got != c.want || len(got) > 63 {
			t.Errorf("%s of %s: %s, want %s", c.pattern, c.table, got, c.want)
		}
	}
	if got := step.IndexName("{table}_{column}_idx", "größte_"+long, "uuid"); len(got) > 63 {
		t.Errorf("%s has %d bytes", got, len(got))
	}
}
