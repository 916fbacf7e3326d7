package script

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// moduleName matches the name of an Elixir module.
var moduleName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(\.[A-Z][A-Za-z0-9_]*)*$`)

// IsModule reports whether a name is valid for Ecto's module.
func IsModule(name string) bool { return moduleName.MatchString(name) }

// ecto writes one migration module with both directions. Ecto runs each execute as one statement, in any session of its
// pool.
func ecto(forward, reverse *script) []File {
	name := string(forward.plan.Direction) + "_" + fileName(forward.plan.SchemaName)
	module := forward.o.Module
	if module == "" {
		module = "Rekey.Migrations." + camel(name)
	}
	var out strings.Builder
	for line := range strings.Lines(forward.header()) {
		out.WriteString(elixirComment(line))
	}
	fmt.Fprintf(&out, `defmodule %s do
  use Ecto.Migration

  # CREATE INDEX CONCURRENTLY cannot run in a transaction, and would wait forever for the session in which Ecto locks its
  # table of migrations.
  @disable_ddl_transaction true
  @disable_migration_lock true

  def up do
`, module)
	executes(&out, forward.renderAll())
	out.WriteString("  end\n\n  def down do\n")
	if reverse == nil {
		out.WriteString("    raise Ecto.MigrationError, message: \"" + forward.noReverse() + "\"\n")
	} else {
		executes(&out, reverse.renderAll())
	}
	out.WriteString("  end\n" + "end\n")
	return []File{{Name: forward.o.number(0) + "_rekey_" + name + ".exs", Text: out.String()}}
}

// elixirComment turns an SQL comment into an Elixir comment.
func elixirComment(line string) string {
	if text, ok := strings.CutPrefix(line, "--"); ok {
		return "#" + text
	}
	return line
}

// camel turns a name with underscores into a module name.
func camel(name string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part != "" {
			out.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return out.String()
}

func executes(out *strings.Builder, all []rendered) {
	for i, s := range all {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString("    execute " + elixir(s.text, "    ") + "\n")
	}
}

// elixir writes a text as an Elixir literal: a heredoc, in which nothing is escaped, or a string if the text would end
// the heredoc or contains a character that Elixir rejects there.
func elixir(text, indent string) string {
	if strings.HasSuffix(text, "\n") && !strings.Contains(text, `"""`) && !strings.Contains(text, "\\\n") && !strings.ContainsFunc(text, needsEscape) {
		var out strings.Builder
		out.WriteString("~S\"\"\"\n")
		for line := range strings.Lines(text) {
			if line != "\n" {
				out.WriteString(indent)
			}
			out.WriteString(line)
		}
		return out.String() + indent + `"""`
	}
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\\' || r == '"' || r == '#':
			out.WriteString(`\` + string(r))
		case needsEscape(r):
			fmt.Fprintf(&out, `\u{%X}`, r)
		default:
			out.WriteRune(r)
		}
	}
	return `"` + out.String() + `"`
}

// needsEscape reports whether a heredoc cannot contain a character. Elixir rejects characters that change the writing
// direction, and treats some others as line breaks.
func needsEscape(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}
