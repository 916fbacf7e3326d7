package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A made column of random values bears a mark also when it is whole: it has not V40's shape, and without
// the mark nothing would tell it from one of the application's own, which down must not drop.
const (
	madeRandomMark = "[rekey: made random, not finished]"
	randomMark     = "[rekey: made random]"
)

// Randomly is the target with values of version 4, which tell nothing of their row's age.
func (t Target) WithRandomValues() Target {
	t.Function = generator()
	return t
}

// Random reports whether the target's values are of version 4.
func (t Target) Random() bool { return t.Function == generator() }

// generator is in the core from PostgreSQL 13 on.
func generator() sqltext.Table { return sqltext.Table{Schema: "pg_catalog", Name: "gen_random_uuid"} }

// As is the target as the table's column has been given it: at random, or not.
func (t Target) WithValuesOf(table *catalog.Table) Target {
	if _, as := t.Read(table); as.Random {
		return t.WithRandomValues()
	}
	return t
}

// finished is the mark of the target's column when it is whole; "" is none.
func (t Target) finished() string {
	if t.Random() {
		return randomMark
	}
	return ""
}

// unfinished is the mark of the target's column while it is being made.
func (t Target) unfinished() string {
	if t.Random() {
		return madeRandomMark
	}
	return madeMark
}

// made reports whether a comment bears the mark of a column that rekey made.
func made(comment string) bool { return unfinished(comment) || strings.Contains(comment, randomMark) }

// random reports whether a comment bears the mark of a column of random values that rekey made.
func random(comment string) bool {
	return strings.Contains(comment, madeRandomMark) || strings.Contains(comment, randomMark)
}

// unfinished reports whether a comment bears the mark of a column that rekey is making.
func unfinished(comment string) bool {
	return strings.Contains(comment, madeMark) || strings.Contains(comment, madeRandomMark)
}

// withoutMark is a comment as it was before the mark of a made column.
func withoutMark(comment string) string {
	for _, mark := range []string{madeMark, madeRandomMark, randomMark} {
		if before, after, ok := strings.Cut(comment, mark); ok {
			return strings.TrimSuffix(before, "\n") + after
		}
	}
	return comment
}
