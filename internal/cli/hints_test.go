package cli

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
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
		if got := (hints{scope: c.scope}).complete(list)[0].Hint; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if list[0].Hint != c.hint {
			t.Errorf("%s: the problem itself has changed", name)
		}
	}
}

// A command that goes where the call goes has the other flags of the call, in the place of its own only those that the hint has not.
func TestHintsRepeatTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		words      []string
		hint, want string
	}{
		"the same phase": {
			[]string{"up", "--schema", "app", "--to", "contracted", "--keep-id", "--tables", "a,b c", "--soak", "1h", "--quiet", "--database-url", "postgres://u:secret@h/d"},
			"Accept it: rekey up --to contracted --confirm app --accept integer-reads.",
			"Accept it: rekey up --schema app --keep-id --tables 'a,b c' --soak 1h0m0s --to contracted --confirm app --accept integer-reads.",
		},
		"its own values win": {
			[]string{"up", "--schema", "app", "--to", "contracted", "--confirm", "old", "--soak", "1h"},
			"rekey up --to contracted --confirm 'my app' --soak 3s", "rekey up --schema app --to contracted --confirm 'my app' --soak 3s",
		},
		"lists grow": {
			[]string{"up", "--schema", "app", "--to", "switched", "--exclude", "a", "--reference", "a.b=c"},
			"Or rekey up --to switched --exclude 'b'\\''s', (rekey up --to switched --reference a.d=e)",
			"Or rekey up --schema app --exclude a --reference 'a.b=c' --to switched --exclude 'b'\\''s', (rekey up --schema app --exclude a --reference 'a.b=c' --to switched --reference a.d=e)",
		},
		"a plan":                           {[]string{"plan", "--schema", "app", "--to", "switched", "--sql", "--exclude", "a"}, "rekey up --to switched --accept group-by", "rekey up --schema app --exclude a --to switched --accept group-by"},
		"the way down":                     {[]string{"plan", "--schema", "app", "--to", "linked", "--down", "--trust-owner", "o"}, "rekey down --to linked --skip-refused", "rekey down --schema app --trust-owner o --to linked --skip-refused"},
		"another phase":                    {[]string{"up", "--schema", "app", "--to", "contracted", "--keep-id"}, "rekey up --to switched", "rekey up --schema app --to switched"},
		"another command":                  {[]string{"up", "--schema", "app", "--to", "linked", "--exclude", "a"}, "rekey plan --to linked", "rekey plan --schema app --to linked"},
		"renaming is a run of its own":     {[]string{"up", "--schema", "app", "--to", "contracted", "--rename-keys"}, "rekey up --to contracted --confirm app", "rekey up --schema app --to contracted --confirm app"},
		"renaming where the hint says it":  {[]string{"up", "--schema", "app", "--to", "contracted", "--rename-keys"}, "rekey up --to contracted --confirm app --rename-keys", "rekey up --schema app --to contracted --confirm app --rename-keys"},
		"a command with a schema is whole": {[]string{"up", "--schema", "app", "--to", "contracted", "--keep-id"}, "rekey up --schema b --to contracted --confirm b.", "rekey up --schema b --to contracted --confirm b."},
	} {
		refuse := func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
			return event.Result{}, &problem.Problem{Code: "x", Kind: problem.Refused, Message: "s", Hint: c.hint}
		}
		plan := func(context.Context, *pgxpool.Pool, job) (rekey.Plan, error) {
			return rekey.Plan{}, &problem.Problem{Code: "x", Kind: problem.Refused, Message: "s", Hint: c.hint}
		}
		out := try(t, library{up: refuse, down: refuse, plan: plan}, nil, c.words...)
		if text := strings.Join(strings.Fields(out.stderr), " "); !strings.HasSuffix(text, "HINT: "+c.want) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// A hint about one schema of many names that schema, without the flags of a run on many.
func TestHintsNameOneOfMany(t *testing.T) {
	h := hints{scope: "--schema 't_*'", verb: "up", to: "contracted", again: func(without []string) string {
		if !slices.Contains(without, "canary") {
			return "rekey up --schema 't_*' --canary 1"
		}
		return "rekey up --schema 't_*' --keep-id"
	}}
	for hint, want := range map[string]string{
		"rekey up --to contracted --confirm t_1": "rekey up --schema t_1 --keep-id --to contracted --confirm t_1", "rekey plan": "rekey plan --schema t_1",
	} {
		if got := h.oneOf("t_*", "t_1").text(hint); got != want {
			t.Errorf("%q, want %q", got, want)
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
