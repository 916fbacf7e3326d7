package step_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

// other returns a constraint with another expression, as the application may have under any name.
func other(c catalog.Constraint) catalog.Constraint {
	c.Definition = "CHECK ((uuid <> '00000000-0000-0000-0000-000000000000'::uuid))"
	return c
}

func TestRequireValue(t *testing.T) {
	const (
		adds      = "app.orders exclusive if default: ALTER TABLE app.orders ADD CONSTRAINT orders_uuid_check CHECK (uuid IS NOT NULL) NOT VALID"
		validates = "app.orders validate: ALTER TABLE app.orders VALIDATE CONSTRAINT orders_uuid_check"
		sets      = "app.orders exclusive if proved: ALTER TABLE app.orders ALTER COLUMN uuid SET NOT NULL"
		drops     = "app.orders exclusive: ALTER TABLE app.orders DROP CONSTRAINT orders_uuid_check"
		allows    = "app.orders exclusive: ALTER TABLE app.orders ALTER COLUMN uuid DROP NOT NULL"
	)
	testStep(t, step.RequireValue{Target: orders()}, map[string]stepCase{
		"NULL is allowed": {
			view: view(column(defaulted, commented(unfinished))),
			up:   []string{adds, validates, sets, drops},
		},
		"the CHECK is not validated": {
			view: view(column(defaulted, commented(unfinished)), check(false)),
			up:   []string{validates, sets, drops},
			down: []string{dropsCheckNow},
		},
		"the CHECK is validated": {
			view: view(column(defaulted, commented(unfinished)), check(true)),
			up:   []string{sets, drops},
			down: []string{dropsCheckNow},
		},
		"NOT NULL, the CHECK is left": {
			view: view(column(defaulted, notNull, commented(unfinished)), check(true)),
			up:   []string{dropsCheckNow},
			down: []string{dropsCheckNow},
		},
		"NOT NULL": {
			view: view(column(defaulted, notNull, commented(unfinished))),
			done: true,
		},
		"adopted, NULL was allowed": {
			view: view(column(defaulted, notNull, commented(found))),
			done: true,
			down: []string{allows},
		},
		"adopted, NULL was allowed, the CHECK is left": {
			view: view(column(defaulted, notNull, commented(found)), check(true)),
			up:   []string{dropsCheckNow},
			down: []string{dropsCheckNow, allows},
		},
		"adopted, NOT NULL before": {
			view: view(column(defaulted, notNull, commented(`[rekey: found {"indexed":true}]`))),
			done: true,
		},
		"existing, not adopted, with an equal CHECK: down keeps both": {
			view: view(column(notNull), check(true)),
			up:   []string{dropsCheckNow},
		},
	})
}

func TestRequireValueOfTree(t *testing.T) {
	made := func() *catalog.Table { return partitioned(column(defaulted, commented(treeMade))) }
	half := made()
	notNull(&half.Below[0].Columns[0])
	last := made()
	for i := range last.Below {
		notNull(&last.Below[i].Columns[0])
	}
	const rootSets = "app.orders exclusive if partitions NOT NULL: ALTER TABLE app.orders ALTER COLUMN uuid SET NOT NULL"
	requires := func(table, only string) []string {
		at, inherit := "app."+table+" exclusive"+only, ""
		if only != "" {
			inherit = " NO INHERIT"
		}
		return []string{
			at + " if default: ALTER TABLE app." + table + " ADD CONSTRAINT orders_uuid_check CHECK (uuid IS NOT NULL)" + inherit + " NOT VALID",
			"app." + table + " validate: ALTER TABLE app." + table + " VALIDATE CONSTRAINT orders_uuid_check",
			"app." + table + " exclusive if proved: ALTER TABLE app." + table + " ALTER COLUMN uuid SET NOT NULL",
			at + ": ALTER TABLE app." + table + " DROP CONSTRAINT orders_uuid_check",
		}
	}
	testStep(t, step.RequireValue{Target: tree()}, map[string]stepCase{
		"NULL is allowed": {
			view: treeView(made(), 2, 4),
			up:   append(append(requires("orders_a", ""), requires("orders_b", "")...), rootSets),
		},
		"one partition is NOT NULL": {
			view: treeView(half, 2, 4),
			up:   append(requires("orders_b", ""), rootSets),
		},
		"every partition is NOT NULL": {
			view: treeView(last, 2, 4),
			up:   []string{rootSets},
		},
		"all of it is NOT NULL": {
			view: treeView(partitioned(column(defaulted, notNull, commented(treeMade))), 2, 4),
			done: true,
		},
		"inheritance": {
			view: treeView(inherited(column(defaulted, commented(treeMade))), 1, 2, 3),
			up: append(append(requires("orders_grandchild", " only"), requires("orders_child", " only")...),
				requires("orders", " only")...),
		},
	})
}

// Down allows NULL only in those tables of a tree that allowed it before.
func TestRequireValueUndoOfFoundTree(t *testing.T) {
	const (
		allows = "ALTER TABLE app.orders ALTER COLUMN uuid DROP NOT NULL"
		check  = "ALTER TABLE app.orders_a ADD CONSTRAINT orders_uuid_check CHECK (uuid IS NOT NULL) NOT VALID"
	)
	complete := func(mark string) *catalog.Table { return partitioned(column(defaulted, notNull, commented(mark))) }
	withCheck := func(root *catalog.Table, below int, validated bool) *catalog.Table {
		c := orders().Proof()
		c.Validated = validated
		root.Below[below].Constraints = append(root.Below[below].Constraints, c)
		return root
	}
	const (
		nullable    = `[rekey: found {"nullable":true,"of":"app.orders"}]`
		except      = `[rekey: found {"nullable":true,"of":"app.orders","below":{"app.orders_a":{}}}]`
		exceptUpper = `[rekey: found {"nullable":true,"of":"app.orders","below":{"app.orders_rest":{}}}]`
		set         = "; ALTER TABLE app.orders_a ALTER COLUMN uuid SET NOT NULL"
	)
	testStep(t, step.RequireValue{Target: tree()}, map[string]stepCase{
		"NULL was allowed everywhere": {
			view: treeView(complete(nullable)), done: true,
			down: []string{"app.orders exclusive: " + allows},
		},
		"one partition was NOT NULL": {
			view: treeView(complete(except)), done: true,
			down: []string{
				"app.orders_a exclusive if default: " + check,
				"app.orders_a validate: ALTER TABLE app.orders_a VALIDATE CONSTRAINT orders_uuid_check",
				"app.orders exclusive: " + allows + set,
			},
		},
		"one partition was NOT NULL, its CHECK is not validated": {
			view: treeView(withCheck(complete(except), 0, false)),
			up:   []string{"app.orders_a exclusive if check: ALTER TABLE app.orders_a DROP CONSTRAINT orders_uuid_check"},
			down: []string{
				"app.orders_a validate: ALTER TABLE app.orders_a VALIDATE CONSTRAINT orders_uuid_check",
				"app.orders exclusive: " + allows + set,
			},
		},
		"a CHECK that is not needed any more": {
			view: treeView(withCheck(complete(nullable), 2, true)),
			up:   []string{"app.orders_b exclusive if check: ALTER TABLE app.orders_b DROP CONSTRAINT orders_uuid_check"},
			down: []string{
				"app.orders_b exclusive if check: ALTER TABLE app.orders_b DROP CONSTRAINT orders_uuid_check",
				"app.orders exclusive: " + allows,
			},
		},
		"a partitioned table in the middle was NOT NULL, and so its partition": {
			view: treeView(complete(exceptUpper)), done: true,
			down: []string{
				"app.orders_b exclusive if default: ALTER TABLE app.orders_b ADD CONSTRAINT orders_uuid_check CHECK (uuid IS NOT NULL) NOT VALID",
				"app.orders_b validate: ALTER TABLE app.orders_b VALIDATE CONSTRAINT orders_uuid_check",
				"app.orders exclusive: " + allows + "; ALTER TABLE app.orders_rest ALTER COLUMN uuid SET NOT NULL",
			},
		},
	})
	names := func(targets []step.Target) (names []string) {
		for _, target := range targets {
			names = append(names, target.Table)
		}
		return names
	}
	if got := names(tree().Nullable(complete(exceptUpper))); len(got) != 2 || got[0] != "orders" || got[1] != "orders_a" {
		t.Errorf("NULL was allowed in %q", got)
	}
}
