package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// OrderKey gives the columns that put the rows of one instant in order: those of the primary key, else of a unique index that
// leaves no row out, the one of the fewest columns; nil where there is none. One that holds the column except is none, nor is
// one with a column whose type is not PostgreSQL's own: its operators may be in any schema.
func (t Table) OrderKey(except string) []string {
	fits := func(key []string) bool { return key != nil && !slices.Contains(key, except) && t.comparable(key) }
	if key := t.PrimaryKey(); fits(key) {
		return key
	}
	var best []string
	for _, i := range t.Indexes {
		if t.ordersRows(i) && fits(i.Columns) && (best == nil || t.prefer(i.Columns, best)) {
			best = i.Columns
		}
	}
	return best
}

// Integer reports whether a key is a single integer.
func (t Table) Integer(key []string) bool {
	if len(key) != 1 {
		return false
	}
	c := t.Column(key[0])
	return c != nil && slices.Contains([]string{"smallint", "integer", "bigint"}, c.Plain())
}

// IntegerKey gives the column of a key that is a single integer; "" where there is none.
func (t Table) IntegerKey() string {
	if key := t.OrderKey(""); t.Integer(key) {
		return key[0]
	}
	return ""
}

// simpler reports whether a key is to be preferred to another: it has fewer columns, or is an integer; else by name, so that
// the choice is always the same.
func (t Table) prefer(a, b []string) bool {
	integer := func(key []string) int {
		if t.Integer(key) {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(integer(a), integer(b)), slices.Compare(a, b)) < 0
}

// comparable reports whether columns compare by operators of pg_catalog. Other types' names are qualified; a domain's values
// compare as its base type does.
func (t Table) comparable(key []string) bool {
	return !slices.ContainsFunc(key, func(name string) bool {
		c := t.Column(name)
		return c == nil || strings.Contains(c.Plain(), ".")
	})
}

// orders reports whether an index knows every row, each by another key, in the order that ORDER BY gives its columns.
func (t Table) ordersRows(i Index) bool {
	if !i.Unique || !i.Valid || !i.Immediate || i.Predicate != "" || i.Method != "btree" {
		return false
	}
	for _, word := range []string{" DESC", " COLLATE ", "_ops", " NULLS FIRST"} {
		if strings.Contains(i.Definition, word) { // also where it is a name: then another key is found, or none
			return false
		}
	}
	return !slices.ContainsFunc(i.Columns, func(name string) bool {
		c := t.Column(name) // nil for an expression
		return c == nil || !c.NotNull || c.Unproved
	})
}
