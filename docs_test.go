package rekey_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestJSONIsDocumented fails if a field or an event that is not generated is not in the JSON reference.
func TestJSONIsDocumented(t *testing.T) {
	text := read(t, jsonReference)
	field := regexp.MustCompile("json:\"([a-z0-9_]+)[,\"]")
	for _, file := range []string{"internal/demo/*.go", "internal/cli/version.go", "internal/cli/profile.go", "internal/cli/requests.go"} {
		for _, name := range found(t, file, field) {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%s does not say what `%s` of %s is", jsonReference, name, file)
			}
		}
	}
	event := regexp.MustCompile(`name\(\) string +\{ return "(\w+)"`)
	for _, file := range []string{"internal/demo/event.go"} {
		for _, name := range found(t, file, event) {
			if !strings.Contains(text, "| `"+name+"` |") {
				t.Errorf("%s does not say when event `%s` comes", jsonReference, name)
			}
		}
	}
}

// Every problem that a database can have is in the list of states, with what it ends in.
func TestProblemsAreDocumented(t *testing.T) {
	text := read(t, "docs/states.md")
	code := regexp.MustCompile(`(?:refused\(|connecting\(|Refused, Code: |Failed, Code: |Running, Code: |Stopped, Code: |Interrupted, Code: )"(\w+)"`)
	for _, file := range []string{"internal/message/*.go", "internal/journal/*.go"} {
		for _, name := range found(t, file, code) {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("docs/states.md does not say when problem `%s` of %s comes", name, file)
			}
		}
	}
}

// found gives what the pattern's group matches in the sources.
func found(t *testing.T, glob string, pattern *regexp.Regexp) []string {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s (%v)", glob, err)
	}
	var all []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, match := range pattern.FindAllStringSubmatch(read(t, file), -1) {
			all = append(all, match[1])
		}
	}
	if len(all) == 0 {
		t.Fatalf("nothing like %s in %s", pattern, glob)
	}
	return all
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
