package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rekey-pg/rekey/internal/cli"
)

// manPages returns the man pages by file name: rekey.1, and one for each command.
func manPages(root *cobra.Command) map[string]string {
	pages := map[string]string{"rekey.1": manPage(root, shown(root))}
	for _, c := range shown(root) {
		pages[pageName(c)+".1"] = manPage(c, nil)
	}
	return pages
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

func manPage(c *cobra.Command, commands []*cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" rekey \"User Commands\"\n", quoted(strings.ToUpper(pageName(c))))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n%s\n", roff(c.UseLine()))
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(c.Long))
	if len(commands) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range commands {
			fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(pageName(sub)), roff(sub.Short))
		}
	}
	for _, group := range cli.Flags(c) {
		if len(group.Flags) == 0 {
			continue
		}
		fmt.Fprintf(&b, ".SH %s\n", quoted(strings.ToUpper(group.Title)))
		for _, f := range group.Flags {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", quoted(synopsis(f)), roff(meaning(f)))
		}
	}
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(c.Example))
	}
	b.WriteString(".SH SEE ALSO\nhttps://github.com/rekey\\-pg/rekey/tree/main/docs\n")
	return b.String()
}

// roff escapes text for troff: backslashes, hyphens that must stay hyphens, and lines that look like requests.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

// quoted is text as one argument of a request.
func quoted(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }
