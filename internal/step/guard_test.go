package step_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/step"
)

// guards returns the guards of a step's actions, in order.
func guards(actions []step.Action) (guards []string) {
	for _, a := range actions {
		change, _ := a.(step.Change)
		for _, guard := range []string{change.Early, change.Guard} {
			if guard != "" {
				guards = append(guards, guard)
			}
		}
	}
	return guards
}

// The queries run on real servers in other packages; here each is tested for its conditions.
func TestGuards(t *testing.T) {
	const (
		ofTable    = `a.attrelid = '"app"."orders"'::pg_catalog.regclass AND a.attname = 'uuid'`
		isDefault  = `pg_catalog.pg_get_expr(d.adbin, d.adrelid) IN (pg_catalog.format('%I.%I()', 'app'::text, 'uuid_generate_v7'::text)`
		isCheck    = `k.conname = 'orders_uuid_check' AND k.contype = 'c'`
		expression = `= pg_catalog.format('(%I IS NOT NULL)', `
	)
	complete := partitioned(column(defaulted, commented(treeMade)))
	for i := range complete.Below {
		notNull(&complete.Below[i].Columns[0])
	}
	requires := step.RequireValue{Target: orders()}
	for name, c := range map[string]struct {
		actions []step.Action
		want    [][]string // per guard
	}{
		"NOT NULL needs the default, and then the proof": {
			requires.Apply(view(column(defaulted))),
			[][]string{{ofTable, isDefault + ")"}, {ofTable, isDefault + ")", isCheck + " AND k.convalidated", expression}},
		},
		"dropping the CHECK needs its expression": {
			requires.Apply(view(column(notNull), check(true))),
			[][]string{{`k.conrelid = pg_catalog.to_regclass('"app"."orders"')`, isCheck, expression + "'uuid'::text)"}},
		},
		"a new default needs the column that was inspected": {
			step.AddColumn{Target: orders()}.Apply(view(column())),
			[][]string{{ofTable + " AND a.attnum = 2", "a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype"}},
		},
		"in a schema run uuidv7() is a default too": {
			step.RequireValue{Target: keepsMark()}.Apply(view(column(defaulted), check(false))),
			[][]string{{isDefault + ", 'uuidv7()')", isCheck}},
		},
		"random values have no schema in their default": {
			step.RequireValue{Target: keepsMark().WithRandomValues()}.Apply(view(column(otherwise), check(true))),
			[][]string{{"IN (pg_catalog.format('%I()', 'gen_random_uuid'::text))"}},
		},
		"a partitioned table needs NOT NULL partitions": {
			step.RequireValue{Target: tree()}.Apply(treeView(complete)),
			[][]string{{ofTable, isDefault, `NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree('"app"."orders"'::pg_catalog.regclass) p`, "NOT b.attnotnull"}},
		},
	} {
		got := guards(c.actions)
		if len(got) != len(c.want) {
			t.Errorf("%s: %d guards, want %d", name, len(got), len(c.want))
			continue
		}
		for i, conditions := range c.want {
			for _, condition := range conditions {
				if !strings.Contains(got[i], condition) {
					t.Errorf("%s: guard %d\n%s\ndoes not contain\n%s", name, i, got[i], condition)
				}
			}
		}
	}
}
