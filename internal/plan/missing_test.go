package plan

import (
	"slices"
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestLeftoverProofIsMissingCleanUp checks that up's temporary CHECK is to be dropped, and that an application's constraint of
// the same name is not.
func TestLeftoverProofIsMissingCleanUp(t *testing.T) {
	target := step.Target{Schema: "app", Table: "t", Column: "uuid", Check: "rekey_uuid_not_null"}
	for name, test := range map[string]struct {
		check catalog.Constraint
		want  bool
	}{
		"the proof":              {catalog.Constraint{Kind: "c", Columns: []string{"uuid"}, Definition: "CHECK ((uuid IS NOT NULL))"}, true},
		"a proof that is broken": {catalog.Constraint{Kind: "c", Columns: []string{"uuid"}, Definition: "CHECK ((uuid IS NOT NULL)) NOT VALID"}, true},
		"on another column":      {catalog.Constraint{Kind: "c", Columns: []string{"id"}, Definition: "CHECK ((id IS NOT NULL))"}, false},
		"another check":          {catalog.Constraint{Kind: "c", Columns: []string{"uuid"}, Definition: "CHECK ((uuid <> '00000000-0000-0000-0000-000000000000'::uuid))"}, false},
		"a unique constraint":    {catalog.Constraint{Kind: "u", Columns: []string{"uuid"}, Definition: "UNIQUE (uuid)"}, false},
	} {
		test.check.Name = target.Check
		table := &catalog.Table{Schema: "app", Name: "t", Kind: catalog.Ordinary, Columns: []catalog.Column{{Name: "uuid", Type: "uuid"}}, Constraints: []catalog.Constraint{test.check}}
		if got := slices.Contains(Missing(target, table), "clean-up"); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
