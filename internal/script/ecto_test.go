package script

import (
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/plan"
)

func TestElixirLiteral(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"DO x;\n", "~S\"\"\"\n  DO x;\n  \"\"\""},
		{"a\n\n  b #{c} \\n \"d\"\n", "~S\"\"\"\n  a\n\n    b #{c} \\n \"d\"\n  \"\"\""},
		{"no end of a line", `"no end of a line"`},
		{"a\n\"\"\"#{b}\\\n", `"a\n\"\"\"\#{b}\\\n"`},
		{"a\\\nb\n", `"a\\\nb\n"`},
		{"a\r\n\u202e\u2028\x01\n", `"a\u{D}\n\u{202E}\u{2028}\u{1}\n"`},
	} {
		if got := elixir(c.text, "  "); got != c.want {
			t.Errorf("elixir(%q) =\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}

func TestModuleName(t *testing.T) {
	for name, is := range map[string]bool{
		"App.Repo.Migrations.AddUuids": true, "A": true, "A1_b": true,
		"": false, "app": false, "App.": false, "App.add": false, "App Repo": false, "App\nend": false, "Äpp": false,
	} {
		if IsModule(name) != is {
			t.Errorf("IsModule(%q) = %t", name, !is)
		}
	}
	p := plan.Build(input("my-app 2", "t", plan.Up))
	for module, want := range map[string]string{"": "defmodule Rekey.Migrations.UpMyApp2 do\n", "My.Uuids": "defmodule My.Uuids do\n"} {
		o := options(Ecto)
		o.FirstNumber, o.Module = 20261128, module
		files, err := Make(p, o)
		if err != nil || len(files) != 1 || files[0].Name != "20261128_rekey_up_my_app_2.exs" || !strings.Contains(files[0].Text, want) {
			t.Errorf("%v, %v", files, err)
		}
	}
	down := scriptText(t, plan.Build(func() plan.Input {
		s := input("public", "t", plan.Down)
		version := "40"
		s.Schema.Relations[0].Comment = &version
		return s
	}()), Ecto)
	if !strings.Contains(down, "def down do\n    raise Ecto.MigrationError") {
		t.Error("a down script contains a reverse direction")
	}
}

// Above the version at which up ends, a script has no reverse direction: later migrations depend on the columns of all
// tables.
func TestLaterVersionHasNoReverse(t *testing.T) {
	for _, format := range []Format{Migrate, Goose, Ecto} {
		s := input("public", "t", plan.Up)
		version := "44"
		s.Schema.Relations[0].Comment = &version
		text := scriptText(t, plan.Build(s), format)
		if strings.Contains(text, "DROP COLUMN") {
			t.Errorf("%s: the script drops the column at version 44", format)
		}
		if format != Migrate && !strings.Contains(text, "migrate the schema down to version 40") {
			t.Errorf("%s: the script does not name the version from which down works", format)
		}
		if format != Migrate && !strings.Contains(text, "version 44, which stays") || strings.Contains(text, "44 to 40") {
			t.Errorf("%s: %s", format, text[:300])
		}
	}
}
