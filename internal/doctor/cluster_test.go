package doctor

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

func TestClusterFindings(t *testing.T) {
	f := healthy()
	f.Server.Cluster = &catalog.Cluster{Library: "13.2.2", Nodes: []catalog.Node{{Active: true, Primary: true}, {Active: true, Primary: true}}}
	if found := cluster(f); len(found) != 1 || found[0].Level != Fine || found[0].Text != "Citus 13.2.2, 2 nodes" {
		t.Errorf("%+v", found)
	}
	f.Server.Cluster.Pending = []catalog.PendingTransaction{{Node: "10.0.0.2:5432", GID: "citus_0_1_2_3", Age: 61.5}}
	f.Server.Cluster.Moves = []catalog.ShardMove{{Kind: "move", State: "running", Relation: "app.events", Colocation: 1}}
	found := cluster(f)
	if len(found) != 2 || found[0].Name != "citus_prepared" || found[0].Hint != "SELECT recover_prepared_transactions();" || !strings.Contains(found[0].Text, "citus_0_1_2_3") ||
		found[1].Name != "citus_moves" || !Ready(found) {
		t.Errorf("%+v", found)
	}
}
