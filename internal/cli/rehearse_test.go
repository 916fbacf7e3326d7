package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be rehearsed is refused before anything connects.
func TestRehearseRefusesBadInput(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "taken.html")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for words, says := range map[string]string{
		"--rows 0":                            "must be above 0",
		"--rows 1.5":                          "must be above 0",
		"--rows NaN":                          "must be above 0",
		"--rows x":                            "rows",
		"--to contracted --confirm app":       "rehears",
		"--to integers":                       "integers",
		"--keep":                              "--keep requires --server",
		"--report nothing.pdf":                "--report",
		"--report " + taken:                   "taken.html",
		"--schema t_*":                        "a single schema",
		"--report postgres://u:hunter2@h/d":   "--report",
		"--server postgres://u:a@hunter2@h/d": "--server",
	} {
		l := live()
		got := try(t, library{connect: l.connect}, nil, append([]string{"rehearse", "--schema", "app", "--database-url", "postgres://127.0.0.1:1/x?connect_timeout=1"}, strings.Fields(words)...)...)
		if strings.HasPrefix(words, "--server") { // the source comes first
			if got.code != 1 || strings.Contains(got.stderr, "hunter2") {
				t.Errorf("%s: exit %d, %s", words, got.code, got.stderr)
			}
			continue
		}
		if got.code != 2 && got.code != 4 || !strings.Contains(got.stderr, says) || strings.Contains(got.stderr, "hunter2") {
			t.Errorf("%s: exit %d, %s", words, got.code, got.stderr)
		}
	}
}
