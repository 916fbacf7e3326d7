package catalog

import (
	"slices"
	"testing"
)

func TestFiringTriggers(t *testing.T) {
	table := Table{Triggers: []Trigger{
		{Name: "origin", Enabled: "O", OnUpdate: true},
		{Name: "disabled", Enabled: "D", OnUpdate: true},
		{Name: "replica", Enabled: "R", OnUpdate: true},
		{Name: "always", Enabled: "A", OnUpdate: true, Of: []string{"name", "uuid"}},
		{Name: "of another column", Enabled: "A", OnUpdate: true, Of: []string{"name"}},
		{Name: "on insert", Enabled: "A"},
		{Name: "~rekey_user_id_u", Enabled: "A", OnUpdate: true},
	}}
	for replica, want := range map[bool][]string{false: {"origin", "always"}, true: {"replica", "always"}} {
		if got := table.FiringTriggers("uuid", replica); !slices.Equal(got, want) {
			t.Errorf("replica %t: %q fire, not %q", replica, got, want)
		}
	}
}
