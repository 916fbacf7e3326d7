package verify

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/cluster"
)

func TestDifferingCopies(t *testing.T) {
	var copies []cluster.Placement
	for i := range 4 {
		copies = append(copies, cluster.Placement{Node: catalog.Node{Host: "10.0.0.1", Port: 5432 + i}})
	}
	same := copyDigest{1: {Rows: 2, Sum: "7"}, 9: {Rows: 1, Sum: "3"}}
	for name, test := range map[string]struct {
		digests []copyDigest
		parts   map[int32]bool
		lines   []string
	}{
		"no copy":    {nil, map[int32]bool{}, nil},
		"equal":      {[]copyDigest{same, same, same, same}, map[int32]bool{}, nil},
		"fewer rows": {[]copyDigest{same, same, {1: {Rows: 2, Sum: "7"}}, same}, map[int32]bool{9: true}, []string{"node 10.0.0.1:5434 has 1 row fewer than node 10.0.0.1:5432"}},
		"more rows": {
			[]copyDigest{same, {1: {Rows: 2, Sum: "7"}, 9: {Rows: 1, Sum: "3"}, 5: {Rows: 2, Sum: "4"}}, same, same},
			map[int32]bool{5: true},
			[]string{"node 10.0.0.1:5433 has 2 rows more than node 10.0.0.1:5432"},
		},
		"other values": {
			[]copyDigest{same, same, same, {1: {Rows: 2, Sum: "8"}, 9: {Rows: 1, Sum: "3"}}},
			map[int32]bool{1: true},
			[]string{"node 10.0.0.1:5435 has other keys or uuids than node 10.0.0.1:5432"},
		},
	} {
		parts := differingParts(test.digests)
		if diff := cmp.Diff(test.parts, parts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(test.lines, describeCopies(copies[:len(test.digests)], test.digests, parts)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
