package rekey_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
				t.Errorf("%s does not describe `%s` of %s", jsonReference, name, file)
			}
		}
	}
	event := regexp.MustCompile(`name\(\) string +\{ return "(\w+)"`)
	for _, file := range []string{"internal/demo/event.go"} {
		for _, name := range found(t, file, event) {
			if !strings.Contains(text, "| `"+name+"` |") {
				t.Errorf("%s does not describe event `%s`", jsonReference, name)
			}
		}
	}
}

// Every problem that a database can have is in the list of problems, with its outcome.
func TestProblemsAreDocumented(t *testing.T) {
	text := read(t, "docs/reference/problems.md")
	code := regexp.MustCompile(`(?:refused\(|connecting\(|Refused, Code: |Failed, Code: |Running, Code: |Stopped, Code: |Interrupted, Code: )"(\w+)"`)
	for _, file := range []string{"internal/message/*.go"} {
		for _, name := range found(t, file, code) {
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("docs/reference/problems.md does not describe problem `%s` of %s", name, file)
			}
		}
	}
}

// found returns the matches of the pattern's group in the sources.
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

// TestLinksResolve fails if a document links to a file or a heading that does not exist.
func TestLinksResolve(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)|(?:href|src)="([^"]+)"`)
	for _, file := range documents(t) {
		for _, match := range link.FindAllStringSubmatch(withoutCode(read(t, file)), -1) {
			target := match[1] + match[2]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			name, anchor, _ := strings.Cut(target, "#")
			if name == "" {
				name = filepath.Base(file)
			}
			name = filepath.Join(filepath.Dir(file), name)
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s links to %s: %v", file, target, err)
			} else if anchor != "" && !slices.Contains(anchors(read(t, name)), anchor) {
				t.Errorf("%s links to %s: there is no such heading", file, target)
			}
		}
	}
}

// documents returns the names of all Markdown files.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(name string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".md") {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// withoutCode removes fenced blocks and inline code.
func withoutCode(text string) string {
	text = regexp.MustCompile("(?ms)^[ ]*```.*?^[ ]*```$").ReplaceAllString(text, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(text, "")
}

// anchors returns the anchors that GitHub makes of the headings.
func anchors(text string) []string {
	var all []string
	text = regexp.MustCompile("(?ms)^[ ]*```.*?^[ ]*```$").ReplaceAllString(text, "")
	for _, heading := range regexp.MustCompile(`(?m)^#+ +(.+)$`).FindAllStringSubmatch(text, -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, strings.ReplaceAll(anchor, " ", "-"))
	}
	return all
}

// TestGoBlocksCompile compiles the Go code in the documents. A block without a package clause is the body of a
// function that has the usual variables; an unused variable is no error. The module in otel compiles those that import it.
func TestGoBlocksCompile(t *testing.T) {
	block := regexp.MustCompile("(?ms)^[ ]*```go\n(.*?)^[ ]*```$")
	for _, file := range documents(t) {
		for i, match := range block.FindAllStringSubmatch(read(t, file), -1) {
			t.Run(fmt.Sprintf("%s/%d", file, i+1), func(t *testing.T) {
				t.Parallel()
				source := match[1]
				if !strings.HasPrefix(source, "package ") {
					source = asFile(source)
				}
				source = strings.Replace(source, "package main\n", "package documents\n", 1) // nothing is linked
				name := filepath.Join(t.TempDir(), "main.go")
				if err := os.WriteFile(name, []byte(source), 0o600); err != nil {
					t.Fatal(err)
				}
				build := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-o", os.DevNull, name)
				if strings.Contains(source, module+"/otel\"") {
					build.Dir = "otel"
				}
				output, err := build.CombinedOutput()
				var faults []string
				for line := range strings.Lines(string(output)) {
					if strings.Contains(line, "main.go:") && !strings.Contains(line, "declared and not used") {
						faults = append(faults, line)
					}
				}
				if len(faults) > 0 || err != nil && !strings.Contains(string(output), "declared and not used") {
					t.Errorf("%v\n%s\n%s", err, output, source)
				}
			})
		}
	}
}

// asFile returns a file that contains the body as a function.
func asFile(body string) string {
	var imports strings.Builder
	const variables = "ctx context.Context, pool *pgxpool.Pool, db *sql.DB, w http.ResponseWriter, r *http.Request, email string"
	for name, path := range map[string]string{
		"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "sql": "database/sql", "time": "time",
		"pgxpool": "github.com/jackc/pgx/v5/pgxpool", "rekey": module, "ident": module + "/ident", "event": module + "/event",
		"phoenixkit": module + "/phoenixkit", "problem": module + "/problem", "rekeyotel": module + "/otel",
	} {
		if strings.Contains(variables+body, name+".") {
			fmt.Fprintf(&imports, "import %q\n", path)
		}
	}
	return "package main\n\n" + imports.String() + "\nfunc main() {}\n\nfunc _(" + variables + ") {\n" + body + "}\n"
}
