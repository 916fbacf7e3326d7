package rekey_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPublicAPI compares the documentation of the public packages with testdata/api, so that every change of the API
// shows in a review; -update writes it.
func TestPublicAPI(t *testing.T) {
	for name, pkg := range map[string]string{
		"rekey": ".", "event": "./event", "problem": "./problem", "phoenixkit": "./phoenixkit", "ident": "./ident",
	} {
		text, err := exec.CommandContext(t.Context(), "go", "doc", "-all", pkg).Output()
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "api", name+".txt")
		if *update {
			if err := os.WriteFile(golden, text, 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(strings.Split(read(t, golden), "\n"), strings.Split(string(text), "\n")); diff != "" {
			t.Errorf("the public API differs from %s; if that is meant: go test -run TestPublicAPI . -update\n%s", golden, diff)
		}
	}
}

// TestNoInternalTypes fails if a public package exports a type, a function or a field of a package in internal.
func TestNoInternalTypes(t *testing.T) {
	for _, file := range []string{"rekey", "event", "problem", "phoenixkit", "ident"} {
		for line := range strings.Lines(read(t, filepath.Join("testdata", "api", file+".txt"))) {
			for _, internal := range []string{"plan.", "step.", "survey.", "journal.", "verify.", "catalog.", "profile.", "setting.", "message.", "script."} {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") && strings.HasPrefix(line, "\t") && strings.Contains(line, " "+internal) {
					t.Errorf("%s.txt: %s", file, strings.TrimSpace(line))
				}
			}
		}
	}
}
