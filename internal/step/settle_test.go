package step_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/step"
)

func TestSettle(t *testing.T) {
	testStep(t, step.Settle{Target: orders()}, map[string]stepCase{
		"unfinished": {
			view: view(column(defaulted, commented(unfinished))),
			up:   []string{"app.orders share: " + comment("NULL")},
		},
		"unfinished, with a text of the application": {
			view: view(column(defaulted, commented("public id\n"+unfinished+" see the handbook"))),
			up:   []string{"app.orders share: " + comment("'public id see the handbook'")},
		},
		"complete": {
			view: view(column(defaulted, notNull, commented("public id")), index("orders_uuid_idx")),
			done: true,
			down: []string{"app.orders share: " + comment("'public id\n"+unfinished+"'")},
		},
		"complete, index under another name": {
			view: view(column(defaulted, notNull), index("former_name_uuid_idx")),
			done: true,
			down: []string{"app.orders share: " + comment("'"+unfinished+"'")},
		},
		"adopted: the mark stays": {
			view: view(column(defaulted, commented(found))),
			done: true,
		},
		"existing, not adopted": {
			view: view(column()),
			done: true,
		},
	})
}

// A made column of random values keeps a mark of its own.
func TestSettleRandom(t *testing.T) {
	target := orders().WithRandomValues()
	testStep(t, step.Settle{Target: target}, map[string]stepCase{
		"unfinished": {
			view: view(column(otherwise, commented(unfinishedRandom))),
			up:   []string{"app.orders share: " + comment("'[rekey: made random]'")},
		},
		"complete": {
			view: view(column(otherwise, notNull, commented("[rekey: made random]")), index("orders_uuid_idx")),
			done: true,
			down: []string{"app.orders share: " + comment("'"+unfinishedRandom+"'")},
		},
		"complete without a mark: the application's": {
			view: view(column(otherwise, notNull), index("orders_uuid_idx")),
			done: true,
		},
	})
}
