package step_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/step"
)

func TestRead(t *testing.T) {
	random := orders().WithRandomValues()
	for name, c := range map[string]struct {
		target step.Target
		table  *catalog.Table
		origin step.Origin
		mark   step.Mark
	}{
		"no column":                   {orders(), table(), step.Absent, step.Mark{}},
		"made":                        {orders(), table(column(commented("a text\n" + unfinished + " more"))), step.Made, step.Mark{}},
		"made, random":                {random, table(column(commented(unfinishedRandom))), step.Made, step.Mark{Random: true}},
		"complete, random":            {random, table(column(commented("[rekey: made random]"))), step.Made, step.Mark{Random: true}},
		"found":                       {orders(), table(column(commented("a text\n" + found))), step.Found, step.Mark{Nullable: true}},
		"found, the last mark counts": {orders(), table(column(commented(`[rekey: found {"indexed":true}]` + found))), step.Found, step.Mark{Nullable: true}},
		"no mark":                     {orders(), table(column(commented("a text"))), step.Untouched, step.Mark{}},
		"like version 40":             {orders(), table(column(notNull, defaulted), index("any_name")), step.Made, step.Mark{}},
		"like version 40, the function in another schema": {
			orders(), table(column(notNull, func(c *catalog.Column) { c.Calls = `"public"."uuid_generate_v7"` }), index("any_name")), step.Made, step.Mark{},
		},
		"nearly like version 40: nullable":     {orders(), table(column(defaulted), index("any_name")), step.Untouched, step.Mark{}},
		"nearly like version 40: no index":     {orders(), table(column(notNull, defaulted)), step.Untouched, step.Mark{}},
		"nearly like version 40: random":       {random, table(column(notNull, otherwise), index("any_name")), step.Untouched, step.Mark{}},
		"nearly like version 40: other type":   {orders(), table(column(notNull, defaulted, func(c *catalog.Column) { c.Type = "text" }), index("any_name")), step.Untouched, step.Mark{}},
		"edited: no JSON":                      {orders(), table(column(commented(`[rekey: found {"nullable":yes}]`))), step.Found, step.Mark{Unreadable: true}},
		"edited: no end":                       {orders(), table(column(commented(`[rekey: found {"nullable":true} `))), step.Found, step.Mark{Unreadable: true}},
		"edited: a default with a statement":   {orders(), table(column(commented(`[rekey: found {"default":"1; DROP TABLE t"}]`))), step.Found, step.Mark{Unreadable: true}},
		"edited: a second default below":       {orders(), table(column(commented(`[rekey: found {"below":{"a.b":{"default":"1, ADD c int"}}}]`))), step.Found, step.Mark{Unreadable: true}},
		"kept":                                 {keepsMark(), table(column(commented(keptMade))), step.Made, step.Mark{Table: "app.orders", Index: "orders_uuid_idx"}},
		"kept, of another table":               {keepsMark(), table(column(commented(`[rekey: made {"of":"app.other"}]`))), step.Untouched, step.Mark{}},
		"kept, complete without a mark":        {keepsMark(), table(column(notNull, defaulted), index("orders_uuid_idx")), step.Untouched, step.Mark{}},
		"kept, found":                          {keepsMark(), table(column(commented(`[rekey: found {"of":"app.orders"}]`))), step.Found, step.Mark{Table: "app.orders"}},
		"kept, found, of another table":        {keepsMark(), table(column(commented(`[rekey: found {"of":"app.other"}]`))), step.Untouched, step.Mark{}},
		"kept, the mark of a profile is none":  {keepsMark(), table(column(commented(unfinished))), step.Untouched, step.Mark{}},
		"newer":                                {orders(), table(column(commented(`a text [rekey 3: made {"of":"app.orders"}]`))), step.Found, step.Mark{Newer: 3}},
		"newer beside an old one":              {keepsMark(), table(column(commented(keptMade + "\n[rekey 3: switched]"))), step.Found, step.Mark{Newer: 3}},
		"newer, an absurd number":              {orders(), table(column(commented(`[rekey 99999999999999999999: x]`))), step.Found, step.Mark{Newer: math.MaxInt}},
		"newer, but complete like version 40":  {orders(), table(column(notNull, defaulted, commented(`[rekey 3: x]`)), index("any_name")), step.Found, step.Mark{Newer: 3}},
		"no number":                            {orders(), table(column(commented(`[rekey 3 was here: no mark]`))), step.Untouched, step.Mark{}},
		"no mark, no number":                   {orders(), table(column(commented(`[rekey : x] [rekey 3`))), step.Untouched, step.Mark{}},
		"the mark of an edge":                  {keepsMark(), table(column(commented(linkedMark))), step.Untouched, step.Mark{}},
		"kept, found without the table's name": {keepsMark(), table(column(commented(found))), step.Untouched, step.Mark{}},
	} {
		origin, mark := c.target.Read(c.table)
		if diff := cmp.Diff(c.mark, mark); origin != c.origin || diff != "" {
			t.Errorf("%s: origin %d, want %d; mark (-want +got)\n%s", name, origin, c.origin, diff)
		}
	}
}

// A part of a tree has its own entry in the mark of the root's column.
func TestReadBelowRoot(t *testing.T) {
	root := partitioned(column(commented(`[rekey: found {"nullable":true,"of":"app.orders","below":{"app.orders_b":{"indexed":true}}}]`)))
	for _, part := range tree().Parts(root) {
		want := step.Mark{Nullable: true, Table: "app.orders"}
		if part.Target.Table == "orders_b" {
			want = step.Mark{Indexed: true}
		}
		origin, mark := part.Read(part.Table)
		if diff := cmp.Diff(want, mark); origin != step.Found || diff != "" {
			t.Errorf("%s: origin %d, mark (-want +got)\n%s", part.String(), origin, diff)
		}
	}
}

// Searches in SQL find the marks that the steps write.
func TestMarksInComments(t *testing.T) {
	random := orders().WithRandomValues()
	for name, target := range map[string]step.Target{"profile": orders(), "random": random, "schema run": keepsMark(), "tree": tree()} {
		made := step.AddColumn{Target: target}.AfterApply(view()).Table.Column("uuid")
		if !strings.Contains(*made.Comment, target.Mark()) {
			t.Errorf("%s: %s does not contain %s", name, *made.Comment, target.Mark())
		}
		adopted := step.AddColumn{Target: target}.AfterApply(view(column())).Table.Column("uuid")
		for _, text := range target.FoundMarks() {
			if !strings.Contains(*adopted.Comment, text) {
				t.Errorf("%s: %s does not contain %s", name, *adopted.Comment, text)
			}
		}
	}
}

func TestCopiedFrom(t *testing.T) {
	for comment, want := range map[string]string{
		"":                                       "",
		keptMade:                                 "",
		`[rekey: made {"of":"app.former_name"}]`: "app.former_name",
		`[rekey: found {"of":"app.template"}]`:   "app.template",
	} {
		c := column(commented(comment))
		if got := keepsMark().CopiedFrom(&c); got != want {
			t.Errorf("%q: copied from %q, want %q", comment, got, want)
		}
	}
}

func TestWithValuesOf(t *testing.T) {
	for comment, want := range map[string]bool{unfinished: false, unfinishedRandom: true, `[rekey: found {"random":true}]`: true, "": false} {
		if got := orders().WithValuesOf(table(column(commented(comment)))).Random(); got != want {
			t.Errorf("%q: random %t", comment, got)
		}
	}
}
