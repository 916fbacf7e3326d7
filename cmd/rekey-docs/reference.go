package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/cli"
)

// reference returns the page of all commands and flags in Markdown.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(`# Commands and flags

<!-- written by: go test ./cmd/rekey-docs -update -->

`)
	commands := shown(root)
	for _, c := range commands {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), c.Short)
	}
	for _, c := range commands {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n%s\n```\n", c.CommandPath(), c.Long, c.UseLine())
		if c.Example != "" {
			fmt.Fprintf(&b, "\nExamples:\n\n```sh\n%s\n```\n", unindented(c.Example))
		}
		for _, group := range cli.Flags(c) {
			if len(group.Flags) == 0 {
				continue
			}
			fmt.Fprintf(&b, "\n| %s | |\n|---|---|\n", group.Title)
			for _, f := range group.Flags {
				fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(synopsis(f), "|", `\|`), strings.ReplaceAll(meaning(f), "|", `\|`))
			}
		}
	}
	return b.String()
}

// shown returns the commands without sub-commands that the help lists, in its order.
func shown(c *cobra.Command) (all []*cobra.Command) {
	for _, sub := range c.Commands() {
		switch {
		case sub.Hidden:
		case sub.HasAvailableSubCommands():
			all = append(all, shown(sub)...)
		default:
			all = append(all, sub)
		}
	}
	return all
}

// synopsis is a flag with its value: "-q, --quiet", "--pace gentle|normal|full".
func synopsis(f cli.Flag) string {
	text := "--" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", " + text
	}
	if f.Value != "" {
		text += " " + f.Value
	}
	return text
}

func meaning(f cli.Flag) string {
	if f.Default == "" {
		return f.Text
	}
	return f.Text + " (default " + f.Default + ")"
}

func unindented(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
