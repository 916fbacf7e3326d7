package guard

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// TestRoots checks that a partition is refused once, under its root, and alone if its root is not among the tables.
func TestRoots(t *testing.T) {
	root, part := catalog.Table{Schema: "app", Name: "events"}, catalog.Table{Schema: "app", Name: "events_1"}
	root.Below = []catalog.Table{part}
	if got := roots([]*catalog.Table{&root, &part}); len(got) != 1 || got[0] != &root {
		t.Errorf("%d tables", len(got))
	}
	if got := roots([]*catalog.Table{&part}); len(got) != 1 {
		t.Errorf("%d tables without the root", len(got))
	}
}
