package discover_test

import (
	"testing"

	"github.com/rekey-pg/rekey/internal/discover"
)

func TestPatternMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"users", "users", true},
		{"users", "Users", false},
		{"users", "users2", false},
		{"user*", "users", true},
		{"*", "", true},
		{"*_log", "audit_log", true},
		{"*_log", "audit_logs", false},
		{"tenant_?", "tenant_7", true},
		{"tenant_?", "tenant_12", false},
		{`a\*b`, "a*b", true},
		{`a\*b`, "axb", false},
		{`a.b`, "axb", false},
		{"*", "two\nlines", true},
		{`a\,b`, "a,b", true},
		{"größe?", "größen", true},
	} {
		p, err := discover.ParsePattern(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matches(test.name); got != test.want {
			t.Errorf("%q on %q: %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
}

func TestSingleBackslashIsRefused(t *testing.T) {
	if _, err := discover.ParsePattern(`users\`); err == nil {
		t.Error("a single backslash was accepted")
	}
}

func TestParsePatternsSplitsAtCommas(t *testing.T) {
	patterns, err := discover.ParsePatterns(`a, b*,c\,d`)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, p := range patterns {
		texts = append(texts, p.Text)
	}
	if len(texts) != 3 || texts[0] != "a" || texts[1] != "b*" || texts[2] != `c\,d` {
		t.Errorf("got %q", texts)
	}
	if name, ok := patterns[2].Exact(); !ok || name != "c,d" {
		t.Errorf("exact %q %v", name, ok)
	}
	if _, ok := patterns[1].Exact(); ok {
		t.Error("b* is exact")
	}
}
