package sqltext

import (
	"strings"
	"testing"
)

func TestMapQuoted(t *testing.T) {
	flat := func(text string) string { return strings.ReplaceAll(text, "\n", `\n`) }
	for sql, want := range map[string]string{
		"ALTER TABLE \"a\nb\"\n\tADD x;":                   "ALTER TABLE \"a\\nb\"\n\tADD x;",
		"SELECT 'a\nb',\n$$ \"c\nd\"\n'e\nf' $$, $t$\n$t$": "SELECT 'a\\nb',\n$$ \"c\\nd\"\n'e\\nf' $$, $t$\n$t$",
		"SELECT \"a\nb":      "SELECT \"a\\nb",
		"-- it's\nSELECT $1": "-- it's\nSELECT $1",
	} {
		if got := MapQuoted(sql, flat); got != want {
			t.Errorf("%q became %q, not %q", sql, got, want)
		}
	}
}
