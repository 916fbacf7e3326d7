package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// A made column of random values keeps a mark when it is complete: it differs from a column of a library's own migration, and
// an application may have an equal column of its own, which down must not drop.
const (
	madeRandomMark = "[rekey: made random, not finished]"
	randomMark     = "[rekey: made random]"
)

// WithRandomValues returns the target with version 4 values, which do not reveal when a row was created.
func (t Target) WithRandomValues() Target {
	t.Function = generator()
	return t
}

// Random reports whether the target's values are of version 4.
func (t Target) Random() bool { return t.Function == generator() }

// generator is part of PostgreSQL from version 13 on.
func generator() sqltext.Table { return sqltext.Table{Schema: "pg_catalog", Name: "gen_random_uuid"} }

// WithValuesOf returns the target with random values if the mark of the table's column says so.
func (t Target) WithValuesOf(table *catalog.Table) Target {
	if _, mark := t.Read(table); mark.Random {
		return t.WithRandomValues()
	}
	return t
}

// finished returns the mark of a complete made column; "" is none.
func (t Target) finished() string {
	if t.Random() {
		return randomMark
	}
	return ""
}

// unfinished returns the mark of a made column that is not complete yet.
func (t Target) unfinished() string {
	if t.Random() {
		return madeRandomMark
	}
	return madeMark
}

// made reports whether a comment has the mark of a column that rekey made.
func made(comment string) bool { return unfinished(comment) || strings.Contains(comment, randomMark) }

// random reports whether a comment has the mark of a column that rekey made with random values.
func random(comment string) bool {
	return strings.Contains(comment, madeRandomMark) || strings.Contains(comment, randomMark)
}

// unfinished reports whether a comment has the mark of a made column that is not complete yet.
func unfinished(comment string) bool {
	return strings.Contains(comment, madeMark) || strings.Contains(comment, madeRandomMark)
}

// withoutMark returns a comment without the mark of a made column.
func withoutMark(comment string) string {
	for _, mark := range []string{madeMark, madeRandomMark, randomMark} {
		if before, after, ok := strings.Cut(comment, mark); ok {
			return strings.TrimSuffix(before, "\n") + after
		}
	}
	return comment
}
