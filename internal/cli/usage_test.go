package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp looks at every command's help: an example, and no line wider than a terminal.
func TestHelp(t *testing.T) {
	a := &app{Process: Process{Getenv: func(string) string { return "" }}}
	root := a.root()
	for _, cmd := range append([]*cobra.Command{root}, root.Commands()...) {
		cmd.InitDefaultHelpFlag()
		text := help(cmd)
		if cmd.Example == "" || cmd.Short == "" {
			t.Errorf("%s has no example or no line about it", cmd.Name())
		}
		for line := range strings.Lines(text) {
			if width := len([]rune(strings.TrimRight(line, "\n"))); width > 80 {
				t.Errorf("%s: %d columns: %s", cmd.Name(), width, line)
			}
		}
	}
}

func TestShell(t *testing.T) {
	for word, want := range map[string]string{"public": "public", "Auth-Kit": "Auth-Kit", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'"} {
		if got := shell(word); got != want {
			t.Errorf("shell(%q) is %s, want %s", word, got, want)
		}
	}
}
