package script

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// moduleName is the name of an Elixir module.
var moduleName = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(\.[A-Z][A-Za-z0-9_]*)*$`)

// IsModule reports whether a name is valid for Ecto's module.
func IsModule(name string) bool { return moduleName.MatchString(name) }

// ecto writes one migration module with both ways. Ecto runs each execute as one statement, in whatever session of its pool.
func ecto(there, back *manuscript) []File {
	name := string(there.plan.Direction) + "_" + plain(there.plan.SchemaName)
	module := there.o.Module
	if module == "" {
		module = "Rekey.Migrations." + camel(name)
	}
	var out strings.Builder
	for line := range strings.Lines(there.head()) {
		out.WriteString(comment(line))
	}
	fmt.Fprintf(&out, `defmodule %s do
  use Ecto.Migration

  # CREATE INDEX CONCURRENTLY cannot run in a transaction; and it would wait for ever for the session in which Ecto holds its
  # lock on the table of migrations.
  @disable_ddl_transaction true
  @disable_migration_lock true

  def up do
`, module)
	executes(&out, there.one())
	out.WriteString("  end\n\n  def down do\n")
	if back == nil {
		out.WriteString("    raise Ecto.MigrationError, message: \"" + there.noWayBack() + "\"\n")
	} else {
		executes(&out, back.one())
	}
	out.WriteString("  end\n" + "end\n")
	return []File{{Name: there.o.number(0) + "_rekey_" + name + ".exs", Text: out.String()}}
}

// comment makes a comment of Elixir's of one of SQL's.
func comment(line string) string {
	if text, ok := strings.CutPrefix(line, "--"); ok {
		return "#" + text
	}
	return line
}

// camel makes a module's name of one with underscores.
func camel(name string) string {
	var out strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part != "" {
			out.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return out.String()
}

func executes(out *strings.Builder, all []statement) {
	for i, s := range all {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString("    execute " + elixir(s.text, "    ") + "\n")
	}
}

// elixir writes a text as a literal of Elixir's: a heredoc, in which nothing is escaped, or a string where a name in the text would
// end the heredoc or is refused in one.
func elixir(text, indent string) string {
	if strings.HasSuffix(text, "\n") && !strings.Contains(text, `"""`) && !strings.Contains(text, "\\\n") && !strings.ContainsFunc(text, unseen) {
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
		case unseen(r):
			fmt.Fprintf(&out, `\u{%X}`, r)
		default:
			out.WriteRune(r)
		}
	}
	return `"` + out.String() + `"`
}

// unseen reports whether a character has no place in a heredoc: Elixir refuses those that turn the direction of writing, and
// reads the end of a line as one of its own.
func unseen(r rune) bool {
	return r != '\n' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}
