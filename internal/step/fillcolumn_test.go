package step_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/step"
)

const dropsCheckNow = "app.orders exclusive if check: ALTER TABLE app.orders DROP CONSTRAINT orders_uuid_check"

func TestFillColumn(t *testing.T) {
	testStep(t, step.FillColumn{Target: orders()}, map[string]stepCase{
		"rows without a value": {
			view: unfilled(column(defaulted)),
			up:   []string{"app.orders fill"},
		},
		"filled": {
			view: view(column(defaulted)),
			done: true,
		},
		"NOT NULL": {
			view: unfilled(column(defaulted, notNull)),
			done: true,
		},
		"a row lost its value under the CHECK": {
			view: unfilled(column(defaulted), check(false)),
			up:   []string{dropsCheckNow, "app.orders fill"},
		},
		"the application's constraint has the name of the CHECK": {
			view: unfilled(column(defaulted), other(check(true))),
			up:   []string{"app.orders fill"},
		},
		"filled, with the CHECK": {
			view: view(column(defaulted), check(true)),
			done: true,
		},
	})
	fill := step.FillColumn{Target: orders()}
	if got := fill.Unfilled(orders().Rows()); got != `SELECT FROM "app"."orders" WHERE "uuid" IS NULL LIMIT 1` || fill.Stuck(orders().Rows()) != "" {
		t.Error(got)
	}
}

func TestFillColumnOfTree(t *testing.T) {
	testStep(t, step.FillColumn{Target: tree()}, map[string]stepCase{
		"no part is filled": {
			view: treeView(partitioned(column(defaulted))),
			up:   []string{"app.orders_a fill", "app.orders_b fill"},
		},
		"one part is filled": {
			view: treeView(partitioned(column(defaulted)), 2),
			up:   []string{"app.orders_b fill"},
		},
		"every part is filled": {
			view: treeView(partitioned(column(defaulted)), 2, 4),
			done: true,
		},
		"inheritance: children before the parent": {
			view: treeView(inherited(column(defaulted)), 2),
			up:   []string{"app.orders_grandchild fill", "app.orders fill"},
		},
	})
}
