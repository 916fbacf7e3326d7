package cluster_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
	"github.com/rekey-pg/rekey/problem"
)

func TestCheckAddresses(t *testing.T) {
	of := catalog.Cluster{Library: "13.2.2", Extension: "13.2-1", Nodes: []catalog.Node{{Host: "10.0.0.1", Port: 5432}, {Group: 1, Host: "::1", Port: 5433}}}
	worker := of
	worker.Group, worker.Nodes = 1, nil
	for name, test := range map[string]struct {
		address string
		cluster *catalog.Cluster
		code    string
	}{
		"a node":       {"10.0.0.1:5432", &of, ""},
		"IPv6":         {"[::1]:5433", &of, ""},
		"another port": {"10.0.0.1:5433", &of, "unknown_node"},
		"a worker":     {"10.0.0.9:5432", &worker, ""}, // refused for that
		"no cluster":   {"10.0.0.1:5432", nil, "no_cluster"},
	} {
		nodes := &cluster.Nodes{Configs: map[string]*pgxpool.Config{test.address: {}}}
		err := nodes.CheckAddresses(catalog.Server{Cluster: test.cluster})
		one, _ := errors.AsType[*problem.Problem](err)
		if test.code == "" && err != nil || test.code != "" && (one == nil || one.Code != test.code || !errors.Is(err, problem.ErrUsage)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var none *cluster.Nodes
	if err := errors.Join(none.CheckAddresses(catalog.Server{}), (&cluster.Nodes{}).CheckAddresses(catalog.Server{})); err != nil {
		t.Error(err)
	}
}
