package inspect

import "testing"

func TestMismatch(t *testing.T) {
	own := replicaRow{Database: "shop", DatabaseOID: 5, identifier: "71"}
	for _, c := range []struct {
		other replicaRow
		want  string
	}{
		{own, ""},
		{replicaRow{Database: "shop", DatabaseOID: 5}, ""}, // the role may not read the identifier there
		{replicaRow{Database: "shop", DatabaseOID: 5, identifier: "72"}, "the system identifiers differ"},
		{replicaRow{Database: "other", DatabaseOID: 6, identifier: "71"}, "its database is other"},
		{replicaRow{Database: "shop", DatabaseOID: 6}, "the databases' oids differ"},
	} {
		if got := mismatch(own, c.other); got != c.want {
			t.Errorf("%+v: %q", c.other, got)
		}
	}
}
