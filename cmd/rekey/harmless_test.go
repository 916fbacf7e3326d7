package main

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rekey-pg/rekey/internal/visible"
)

// harmless fails if the last output contains a control or invisible character, or a line that begins inside a name.
func harmless(ts *testscript.TestScript, _ bool, _ []string) {
	for _, channel := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(channel)
		if plain := strings.ReplaceAll(text, "\n", ""); !visible.Safe(plain) {
			ts.Fatalf("%s holds a control or an invisible character: %s", channel, fmt.Sprintf("%q", text))
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "ERROR:  fake") || strings.HasPrefix(strings.TrimSpace(line), "HINT:  fake") {
				ts.Fatalf("%s has a line that a name began: %q", channel, line)
			}
		}
	}
}
