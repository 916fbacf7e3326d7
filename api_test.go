package rekey_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rekey-pg/rekey/internal/setting"
)

// TestPublicAPI compares the documentation of the public packages with testdata/api, so that every change of the API
// shows in a review; -update writes it.
func TestPublicAPI(t *testing.T) {
	for name, dir := range map[string]string{
		"rekey": ".", "event": "event", "problem": "problem", "phoenixkit": "phoenixkit", "ident": "ident", "rekeyotel": "otel",
	} {
		doc := exec.CommandContext(t.Context(), "go", "doc", "-all", ".")
		doc.Dir = dir // the module in otel is one of its own
		text, err := doc.Output()
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
	for _, file := range []string{"rekey", "event", "problem", "phoenixkit", "ident", "rekeyotel"} {
		for line := range strings.Lines(read(t, filepath.Join("testdata", "api", file+".txt"))) {
			for _, internal := range []string{"plan.", "step.", "survey.", "journal.", "verify.", "catalog.", "profile.", "setting.", "message.", "script."} {
				if !strings.HasPrefix(strings.TrimSpace(line), "//") && strings.HasPrefix(line, "\t") && strings.Contains(line, " "+internal) {
					t.Errorf("%s.txt: %s", file, strings.TrimSpace(line))
				}
			}
		}
	}
}

// TestDocumentedDefaults compares the defaults in the doc comments of the options with those that apply.
func TestDocumentedDefaults(t *testing.T) {
	text := strings.Join(strings.Fields(strings.ReplaceAll(read(t, "options.go"), "//", " ")), " ")
	for flag, sentence := range map[string]string{
		"lock-timeout":       "ACCESS EXCLUSIVE lock, between %s. Default: %s. Timeout time.Duration",
		"lock-retry-timeout": "The pauses between the attempts grow. Default: %[2]s. RetryTimeout time.Duration",
		"batch-time":         "one transaction of the backfill aims at, between %s. Default: %s. BatchTime time.Duration",
		"max-lag":            "may lag before the run pauses. Default: %[2]s. MaxLag time.Duration",
	} {
		limits := strings.ReplaceAll(setting.Range(flag), " to ", " and ")
		byDefault := strings.NewReplacer("m0s", "m").Replace(setting.Default(flag).String())
		if want := fmt.Sprintf(sentence, limits, byDefault); !strings.Contains(text, strings.Split(want, "%!")[0]) {
			t.Errorf("options.go does not say: %s", want)
		}
	}
	if setting.DefaultNumber("max-retained-wal") != 10<<30 || !strings.Contains(text, "retain before the run pauses. Default: 10 GB.") {
		t.Error("options.go has another default of MaxRetainedWAL")
	}
}
