package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// OrderKey returns the columns that order the rows of one instant: the primary key, or else the unique index with the fewest
// columns that contains every row; nil if there is none. It skips a key with the column except, and a key with a column
// whose type is not built in: the operators of such a type can be in any schema.
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
	return c != nil && c.Integer()
}

// Integer reports whether the column's values are integers.
func (c Column) Integer() bool {
	return slices.Contains([]string{"smallint", "integer", "bigint"}, c.Plain())
}

// IntegerKey returns the column of OrderKey if that is a single integer; "" if not.
func (t Table) IntegerKey() string {
	if key := t.OrderKey(""); t.Integer(key) {
		return key[0]
	}
	return ""
}

// prefer reports whether key a is better than key b: it has fewer columns, or is an integer. Equal keys are compared by
// name, so that the choice is always the same.
func (t Table) prefer(a, b []string) bool {
	integer := func(key []string) int {
		if t.Integer(key) {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(integer(a), integer(b)), slices.Compare(a, b)) < 0
}

// comparable reports whether the columns have built-in types, whose operators are in pg_catalog. The names of other types
// are qualified. A domain compares as its base type.
func (t Table) comparable(key []string) bool {
	return !slices.ContainsFunc(key, func(name string) bool {
		c := t.Column(name)
		return c == nil || strings.Contains(c.Plain(), ".")
	})
}

// ordersRows reports whether an index contains every row, each with another key, in the order of ORDER BY on its columns.
func (t Table) ordersRows(i Index) bool {
	if !i.Unique || !i.Valid || !i.Immediate || i.Predicate != "" || i.Method != "btree" {
		return false
	}
	for _, word := range []string{" DESC", " COLLATE ", "_ops", " NULLS FIRST"} {
		if strings.Contains(i.Definition, word) { // it may be part of a name: then the index is skipped needlessly
			return false
		}
	}
	return !slices.ContainsFunc(i.Columns, func(name string) bool {
		c := t.Column(name) // nil for an expression
		return c == nil || !c.NotNull || c.Unproved
	})
}
