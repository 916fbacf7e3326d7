package step_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

const (
	addsColumn  = "ALTER TABLE app.orders ADD COLUMN uuid pg_catalog.uuid, ALTER COLUMN uuid SET DEFAULT app.uuid_generate_v7()"
	setsDefault = "ALTER TABLE app.orders ALTER COLUMN uuid SET DEFAULT app.uuid_generate_v7()"
	dropsColumn = "app.orders exclusive: ALTER TABLE app.orders DROP COLUMN uuid"
)

func comment(text string) string { return "COMMENT ON COLUMN app.orders.uuid IS " + text }

func TestAddColumn(t *testing.T) {
	testStep(t, step.AddColumn{Target: orders()}, map[string]stepCase{
		"no column": {
			view: view(),
			up:   []string{"app.orders exclusive: " + addsColumn + "; " + comment("'"+unfinished+"'")},
		},
		"made": {
			view: view(column(defaulted, commented(unfinished))),
			done: true,
			down: []string{dropsColumn},
		},
		"made, default dropped by the application": {
			view: view(column(commented(unfinished))),
			up:   []string{"app.orders exclusive if column: " + setsDefault},
			down: []string{dropsColumn},
		},
		"complete, without a mark, like version 40": {
			view: view(column(defaulted, notNull), index("orders_uuid_idx")),
			done: true,
			down: []string{dropsColumn},
		},
		"existing, nullable, another default": {
			view: view(column(otherwise, commented("of the application"))),
			up: []string{"app.orders exclusive if column: " +
				comment("'of the application\n[rekey: found {default:gen_random_uuid(),nullable:true}]'") + "; " + setsDefault},
		},
		"existing, NOT NULL, indexed, no default": {
			view: view(column(notNull), index("orders_uuid_idx")),
			up:   []string{"app.orders exclusive if column: " + comment("'[rekey: found {indexed:true}]'") + "; " + setsDefault},
		},
		"existing, with values of another version": {
			view: step.View{Table: table(column()), Data: catalog.Data{Other: 7}},
			up:   []string{"app.orders exclusive if column: " + comment("'[rekey: found {nullable:true,other:7}]'") + "; " + setsDefault},
		},
		"existing, with the goal's default": {
			view: view(column(defaulted)),
			done: true,
			up:   []string{"app.orders share: " + comment("'[rekey: found {default:app.uuid_generate_v7(),nullable:true}]'")},
		},
		"adopted, default still missing": {
			view: view(column(commented(found))),
			up:   []string{"app.orders exclusive if column: " + setsDefault},
			down: []string{"app.orders share: " + comment("NULL")},
		},
		"adopted": {
			view: view(column(defaulted, commented("mine\n"+found))),
			done: true,
			down: []string{"app.orders exclusive: " + comment("'mine'") + "; ALTER TABLE app.orders ALTER COLUMN uuid DROP DEFAULT"},
		},
		"adopted, with a default before": {
			view: view(column(defaulted, commented(`[rekey: found {"default":"gen_random_uuid()"}]`))),
			done: true,
			down: []string{"app.orders exclusive: " + comment("NULL") + "; ALTER TABLE app.orders ALTER COLUMN uuid SET DEFAULT gen_random_uuid()"},
		},
	})
}

func TestAddColumnKeepsMark(t *testing.T) {
	testStep(t, step.AddColumn{Target: keepsMark()}, map[string]stepCase{
		"no column": {
			view: view(),
			up:   []string{"app.orders exclusive: " + addsColumn + "; " + comment("'[rekey: made {of:app.orders,index:orders_uuid_idx}]'")},
		},
		"made": {
			view: view(column(defaulted, commented(keptMade))),
			done: true,
			down: []string{dropsColumn},
		},
		"complete without rekey": {
			view: view(column(defaulted, notNull), index("orders_uuid_idx")),
			done: true,
		},
		"the mark of another table, copied by LIKE": {
			view: view(column(defaulted, commented(`[rekey: made {"of":"app.other"}]`))),
			done: true,
			up: []string{"app.orders share: " + comment(`'[rekey: made {of:app.other}]`+"\n"+
				`[rekey: found {default:app.uuid_generate_v7(),nullable:true,of:app.orders,index:orders_uuid_idx}]'`)},
		},
		"uuidv7() of PostgreSQL 18 as the default": {
			view: view(column(notNull, func(c *catalog.Column) { c.Default = "uuidv7()" }), index("orders_uuid_idx")),
			done: true,
		},
	})
}

func TestAddColumnOfTree(t *testing.T) {
	const marks = "COMMENT ON COLUMN app.orders.uuid IS "
	attached := partitioned(column(defaulted, commented(treeMade)))
	attached.Below[2].Columns[0].Default, attached.Below[2].Columns[0].Calls = "", ""
	differing := partitioned(column())
	otherwise(&differing.Below[0].Columns[0])
	notNull(&differing.Below[2].Columns[0])
	adopted := partitioned(column(defaulted, commented(
		`[rekey: found {"nullable":true,"of":"app.orders","below":{"app.orders_a":{"default":"gen_random_uuid()","nullable":true}}}]`)))
	testStep(t, step.AddColumn{Target: tree()}, map[string]stepCase{
		"no column": {
			view: treeView(partitioned()),
			up: []string{"app.orders exclusive: " + addsColumn + "; " + marks +
				"'[rekey: made {of:app.orders,index:orders_uuid_idx,pattern:{table}_{column}_idx}]'"},
		},
		"made": {
			view: treeView(partitioned(column(defaulted, commented(treeMade)))),
			done: true,
			down: []string{dropsColumn},
		},
		"a partition attached later, without the default": {
			view: treeView(attached),
			up:   []string{"app.orders_b exclusive: ALTER TABLE app.orders_b ALTER COLUMN uuid SET DEFAULT app.uuid_generate_v7()"},
			down: []string{dropsColumn},
		},
		"existing, each partition in its own way": {
			view: treeView(differing),
			up: []string{"app.orders exclusive if column: " + marks + "'[rekey: found {nullable:true,of:app.orders,index:orders_uuid_idx," +
				"pattern:{table}_{column}_idx,below:{app.orders_a:{default:gen_random_uuid(),nullable:true},app.orders_b:{}}}]'; " + setsDefault},
		},
		"adopted, each partition in its own way": {
			view: treeView(adopted),
			done: true,
			down: []string{"app.orders exclusive: " + marks + "NULL; ALTER TABLE ONLY app.orders ALTER COLUMN uuid DROP DEFAULT; " +
				"ALTER TABLE ONLY app.orders_a ALTER COLUMN uuid SET DEFAULT gen_random_uuid(); " +
				"ALTER TABLE ONLY app.orders_rest ALTER COLUMN uuid DROP DEFAULT; ALTER TABLE ONLY app.orders_b ALTER COLUMN uuid DROP DEFAULT"},
		},
	})
}

// Names with quotes, spaces and upper case reach SQL quoted.
func TestAddColumnQuotesNames(t *testing.T) {
	target := orders()
	target.Schema, target.Table, target.Column = `a"b`, "Order Lines", "UUID"
	target.Function.Schema = `a"b`
	change, ok := step.AddColumn{Target: target}.Apply(step.View{Table: table()})[0].(step.Change)
	const want = `ALTER TABLE "a""b"."Order Lines" ADD COLUMN "UUID" pg_catalog.uuid, ALTER COLUMN "UUID" SET DEFAULT "a""b"."uuid_generate_v7"()`
	if !ok || change.Statements[0] != want || change.Tables()[0] != target.Name() {
		t.Errorf("%+v, want %s", change, want)
	}
}
