package ident_test

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/ident"
	"pgregory.net/rapid"
)

func TestWhere(t *testing.T) {
	integer, uuid := ident.FromInt64(42), mustParse(t, upper)
	for _, c := range []struct {
		id          ident.ID
		placeholder ident.Placeholder
		columns     [2]string
		want        string
		argument    any
	}{
		{integer, 1, [2]string{"id", "uuid"}, `"id" = CAST($1 AS bigint)`, int64(42)},
		{uuid, 1, [2]string{"id", "uuid"}, `"uuid" = CAST($1 AS uuid)`, lower},
		{uuid, 12, [2]string{"u.id", "u.uuid"}, `"u"."uuid" = CAST($12 AS uuid)`, lower},
		{integer, ident.Question, [2]string{"s.t.id", ""}, `"s"."t"."id" = CAST(? AS bigint)`, int64(42)},
		{integer, -3, [2]string{"id", "uuid"}, `"id" = CAST(? AS bigint)`, int64(42)},
		{integer, 1, [2]string{`id" OR true --`, "uuid"}, `"id"" OR true --" = CAST($1 AS bigint)`, int64(42)},
		{integer, 1, [2]string{"Id", "uuid"}, `"Id" = CAST($1 AS bigint)`, int64(42)},
		{ident.ID{}, 1, [2]string{"id", "uuid"}, `"id" = CAST($1 AS bigint)`, nil},
	} {
		got, argument := c.id.WhereAt(c.placeholder, c.columns[0], c.columns[1])
		if got != c.want || argument != c.argument {
			t.Errorf("%v at %d: %s with %#v, want %s with %#v", c.id, c.placeholder, got, argument, c.want, c.argument)
		}
	}
	if got, argument := integer.Where("id", "uuid"); got != `"id" = CAST($1 AS bigint)` || argument != int64(42) {
		t.Errorf("%s with %v", got, argument)
	}
}

// For every name, the condition is the quoted name, a comparison and nothing else, and the quoted text reads as the
// name again.
func TestNamesStayInQuotes(t *testing.T) {
	name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a"'?$;.\\\x00-]{0,12}`))
	rapid.Check(t, func(t *rapid.T) {
		id, column := anyID().Draw(t, "id"), name.Draw(t, "column")
		placeholder := ident.Placeholder(rapid.IntRange(0, 3).Draw(t, "place"))
		got, _ := id.WhereAt(placeholder, column, column)

		read, rest := unquote(t, got)
		for strings.HasPrefix(rest, ".") {
			part, after := unquote(t, rest[1:])
			read, rest = read+"."+part, after
		}
		want := strings.ReplaceAll(column, "\x00", "\uFFFD")
		if placeholder == ident.Question {
			want = strings.ReplaceAll(want, "?", "\uFFFD")
			if strings.Count(got, "?") != 1 {
				t.Fatalf("%s: not one question mark", got)
			}
		}
		if read != want {
			t.Fatalf("%s is the column %q, want %q", got, read, want)
		}
		kind := map[ident.Kind]string{ident.KindInteger: "bigint", ident.KindUUID: "uuid"}[id.Kind()]
		if rest != " = CAST("+placeholder.String()+" AS "+kind+")" {
			t.Fatalf("the column is followed by %q", rest)
		}
	})
}

// unquote reads one quoted identifier, as PostgreSQL's scanner does, and returns it and the text after it.
func unquote(t *rapid.T, s string) (name, rest string) {
	if !strings.HasPrefix(s, `"`) {
		t.Fatalf("no identifier in quotes: %s", s)
	}
	var out strings.Builder
	for s = s[1:]; ; {
		before, after, found := strings.Cut(s, `"`)
		if !found {
			t.Fatalf("the quotes do not end: %s", s)
		}
		out.WriteString(before)
		if !strings.HasPrefix(after, `"`) {
			return out.String(), after
		}
		out.WriteByte('"')
		s = after[1:]
	}
}
