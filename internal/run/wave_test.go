package run

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// TestNextWave checks that a wave has at most one action on each leaf table, and no others with them.
func TestNextWave(t *testing.T) {
	on := func(table string) step.Action { return step.Validate{Table: sqltext.Table{Schema: "app", Name: table}} }
	once := func(table string) step.Action {
		return step.Concurrently{Table: sqltext.Table{Schema: "app", Name: table}}
	}
	root := catalog.Table{OID: 1, Schema: "app", Name: "root", Below: []catalog.Table{
		{OID: 2, Above: 1, Schema: "app", Name: "middle"},
		{OID: 3, Above: 2, Schema: "app", Name: "low"},
		{OID: 4, Above: 1, Schema: "app", Name: "other"},
	}}
	for name, test := range map[string]struct {
		root    *catalog.Table
		actions []step.Action
		want    int
	}{
		"a table without descendants": {&catalog.Table{OID: 1, Schema: "app", Name: "other"}, []step.Action{once("other"), once("other")}, 1},
		"no table":                    {nil, []step.Action{step.Change{}, step.Change{}}, 1},
		"leaf tables":                 {&root, []step.Action{on("low"), on("low"), on("other"), on("root")}, 2},
		"the root first":              {&root, []step.Action{on("root"), on("low"), on("other")}, 1},
		"an inner table first":        {&root, []step.Action{on("middle"), on("low"), on("other")}, 1},
		"the root before another":     {&root, []step.Action{on("low"), on("root"), on("middle"), on("other")}, 2},
		"a step that is on no table":  {&root, []step.Action{step.Change{}, on("low")}, 1},
	} {
		got := nextWave(test.root, test.actions)
		if len(got) != test.want {
			t.Errorf("%s: %d actions, want %d", name, len(got), test.want)
		}
		for _, a := range got[1:] {
			if table := a.Tables()[0].Name; table != "low" && table != "other" {
				t.Errorf("%s: the action on %s needs an inspection", name, table)
			}
		}
	}
}
