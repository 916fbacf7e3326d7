package cli

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/problem"
)

func TestHintsNameTheScope(t *testing.T) {
	for name, c := range map[string]struct {
		scope, hint, want string
	}{
		"at the end":       {"--schema app", "List the tables: rekey status", "List the tables: rekey status --schema app"},
		"in parentheses":   {"--schema app", "Check it (rekey plan), then wait.", "Check it (rekey plan --schema app), then wait."},
		"two commands":     {"--schema app", "Run rekey up. Or: rekey down", "Run rekey up --schema app. Or: rekey down --schema app"},
		"flags of its own": {"--schema app", "Run: rekey plan --schema b", "Run: rekey plan --schema b"},
		"prose":            {"--schema app", "Name an owner that rekey plan reports.", "Name an owner that rekey plan reports."},
		"a dollar sign":    {"--schema 'a$2b'", "Run: rekey plan", "Run: rekey plan --schema 'a$2b'"},
		"a phase":          {"--schema app", "Run: rekey plan --down --to expanded. Then rekey up --to linked", "Run: rekey plan --schema app --down --to expanded. Then rekey up --schema app --to linked"},
		"parents":          {"--schema app", "rekey up --to linked --parents auth. Or: rekey up --to linked --parents 'a b'", "rekey up --schema app --to linked --parents auth. Or: rekey up --schema app --to linked --parents 'a b'"},
		"a quoted schema":  {`--schema 'app'\''s'`, `rekey up --to contracted --confirm 'app'\''s'. Then go on.`, `rekey up --schema 'app'\''s' --to contracted --confirm 'app'\''s'. Then go on.`},
		"no scope":         {"", "Run: rekey plan", "Run: rekey plan"},
	} {
		list := problem.List{{Kind: problem.Refused, Hint: c.hint}}
		if got := completeHints(list, c.scope)[0].Hint; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if list[0].Hint != c.hint {
			t.Errorf("%s: the problem itself has changed", name)
		}
	}
}

// Errors of usage end the call before it connects. Their hints name the scope too.
func TestHintsOfUsageNameTheScope(t *testing.T) {
	for want, words := range map[string][]string{
		"rekey down --schema app --to integers":                    {"up", "--schema", "app", "--to", "integers"},
		"rekey up --schema 'my app' --to switched":                 {"down", "--schema", "my app", "--to", "switched"},
		"rekey up --profile phoenixkit --prefix auth --to linked":  {"up", "--profile", "phoenixkit", "--prefix", "auth", "--to", "switched"},
		"rekey up --schema app --trust-owner boss --to contracted": {"down", "--schema", "app", "--trust-owner", "boss", "--to", "contracted"},
		"rekey up --schema public":                                 {"up"},
	} {
		out := try(t, library{}, nil, words...)
		if text := strings.Join(strings.Fields(out.stderr), " "); out.code != 2 || !strings.Contains(text, want) {
			t.Errorf("%v: exit code %d: %s", words, out.code, text)
		}
	}
}

func TestNamesOfScope(t *testing.T) {
	for _, c := range []struct {
		flags *flags
		want  string
	}{
		{&flags{schema: "app's", prefix: "public", file: "rekey.yaml"}, `--schema 'app'\''s'`},
		{&flags{profile: "phoenixkit", prefix: "auth"}, "--profile phoenixkit --prefix auth"},
		{&flags{prefix: "public"}, "--prefix public"},
	} {
		if got := c.flags.names(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.flags, got, c.want)
		}
	}
}
