package rekey_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every field of the JSON is in its documentation.
func TestJSONIsDocumented(t *testing.T) {
	text := read(t, "docs/json.md")
	field := regexp.MustCompile("json:\"([a-z0-9_]+)[,\"]")
	for _, file := range []string{
		"event/*.go", "internal/plan/document.go", "internal/plan/code.go", "internal/plan/verdict.go", "internal/step/step.go", "problem/problem.go",
		"internal/verify/report.go", "internal/demo/*.go", "internal/cli/version.go", "internal/cli/profile.go",
	} {
		for _, name := range found(t, file, field) {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("docs/json.md does not say what `%s` of %s is", name, file)
			}
		}
	}
	event := regexp.MustCompile(`name\(\) string +\{ return "(\w+)"`)
	for _, file := range []string{"event/event.go", "internal/demo/event.go"} {
		for _, name := range found(t, file, event) {
			if !strings.Contains(text, "| `"+name+"` |") {
				t.Errorf("docs/json.md does not say when event `%s` comes", name)
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
