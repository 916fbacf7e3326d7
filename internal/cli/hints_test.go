package cli

import (
	"testing"

	"github.com/rekey-pg/rekey/problem"
)

func TestHintsNameTheScope(t *testing.T) {
	for name, c := range map[string]struct {
		kind              problem.Kind
		scope, hint, want string
	}{
		"at the end":       {problem.Refused, "--schema app", "List the tables: rekey status", "List the tables: rekey status --schema app"},
		"in parentheses":   {problem.Refused, "--schema app", "Check it (rekey plan), then wait.", "Check it (rekey plan --schema app), then wait."},
		"two commands":     {problem.Refused, "--schema app", "Run rekey up. Or: rekey down", "Run rekey up --schema app. Or: rekey down --schema app"},
		"flags of its own": {problem.Refused, "--schema app", "Run: rekey plan --schema b", "Run: rekey plan --schema b"},
		"prose":            {problem.Refused, "--schema app", "Name an owner that rekey plan reports.", "Name an owner that rekey plan reports."},
		"a dollar sign":    {problem.Refused, "--schema 'a$2b'", "Run: rekey plan", "Run: rekey plan --schema 'a$2b'"},
		"no scope":         {problem.Refused, "", "Run: rekey plan", "Run: rekey plan"},
		"usage":            {problem.Usage, "--schema app", "Run: rekey plan", "Run: rekey plan"},
	} {
		list := problem.List{{Kind: c.kind, Hint: c.hint}}
		if got := completeHints(list, c.scope)[0].Hint; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if list[0].Hint != c.hint {
			t.Errorf("%s: the problem itself has changed", name)
		}
	}
}

func TestScopeOfCall(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"plan", "--schema", "app's", "--tables", "a"}, `--schema 'app'\''s'`},
		{[]string{"up", "--prefix", "auth", "--profile", "phoenixkit", "--version", "40"}, "--profile phoenixkit --prefix auth"},
		{[]string{"status", "--schema", "app", "--config", "r.yaml"}, "--config r.yaml"},
		{[]string{"version"}, ""},
	} {
		cmd, rest, err := new(app).root().Find(c.args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if got := scopeOf(cmd); got != c.want || err != nil {
			t.Errorf("%v: %q, want %q; %v", c.args, got, c.want, err)
		}
	}
}
