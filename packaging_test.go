package rekey_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Each YAML file of the repository parses, and no mapping has a key twice.
func TestYAMLFilesParse(t *testing.T) {
	count := 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch ext := filepath.Ext(path); {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return fs.SkipDir
		case ext == ".yml" || ext == ".yaml":
			count++
			parseYAML(t, path, new(any))
		}
		return nil
	})
	if err != nil || count < 5 {
		t.Errorf("%d files: %v", count, err)
	}
}

func parseYAML(t *testing.T, file string, value any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), value); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

// release is the part of .goreleaser.yaml that names files and targets.
type release struct {
	Before struct{ Hooks []string }
	Builds []struct {
		Main    string
		Binary  string
		Env     []string
		OS      []string `yaml:"goos"`
		Arch    []string `yaml:"goarch"`
		Flags   []string
		LDFlags []string `yaml:"ldflags"`
		ModTime string   `yaml:"mod_timestamp"` //nolint:tagliatelle // GoReleaser's name
	}
	Archives []struct {
		Files []struct{ Src string }
	}
	Images []struct {
		Dockerfile string
		BuildArgs  map[string]string `yaml:"build_args"` //nolint:tagliatelle // GoReleaser's name
	} `yaml:"dockers_v2"` //nolint:tagliatelle // GoReleaser's name
}

// tools/check-release builds the same targets as a release, and every file of a release exists.
func TestReleaseNamesExistingFiles(t *testing.T) {
	var r release
	parseYAML(t, ".goreleaser.yaml", &r)
	if len(r.Builds) != 1 || len(r.Archives) != 1 || len(r.Images) != 1 {
		t.Fatalf("%+v", r)
	}
	script := read(t, "tools/check-release")
	build := r.Builds[0]
	var targets []string
	for _, system := range build.OS {
		for _, arch := range build.Arch {
			targets = append(targets, system+"/"+arch)
		}
	}
	if want := `targets="` + strings.Join(targets, " ") + `"`; !strings.Contains(script, want) {
		t.Errorf("tools/check-release does not build %s", want)
	}
	if want := "build_flags=(" + strings.Join(build.Flags, " ") + ` "-ldflags=` + strings.Join(build.LDFlags, " ") + `")`; !strings.Contains(script, want) {
		t.Errorf("tools/check-release does not build with %s", want)
	}
	if !slices.Contains(build.Env, "CGO_ENABLED=0") || build.ModTime != "{{ .CommitTimestamp }}" || build.Binary != "rekey" {
		t.Errorf("%+v", build)
	}
	files := []string{filepath.Join(build.Main, "main.go"), r.Images[0].Dockerfile}
	for _, file := range r.Archives[0].Files {
		dir, isMan := strings.CutSuffix(file.Src, "/*.1")
		if !isMan {
			files = append(files, file.Src)
		} else if !slices.Contains(r.Before.Hooks, "go run ./cmd/rekey-docs "+dir) {
			t.Errorf("no hook writes %s", file.Src)
		}
	}
	exist(t, ".goreleaser.yaml", files...)
	if stage := r.Images[0].BuildArgs["BINARY"]; !strings.Contains(read(t, "Dockerfile"), "AS "+stage+"\n") {
		t.Errorf("Dockerfile has no stage %s", stage)
	}
}

func exist(t *testing.T, where string, files ...string) {
	t.Helper()
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("%s names a file that does not exist: %v", where, err)
		}
	}
}

// The image is static, has no shell and does not run as root; it is compiled with the module's Go.
func TestImageIsSmall(t *testing.T) {
	text := read(t, "Dockerfile")
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	for _, want := range []string{"GO_VERSION=" + version + "\n", "/distroless/static-", "USER nonroot:nonroot\n", "CGO_ENABLED=0", "-trimpath", "./cmd/rekey\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("Dockerfile has no %q", want)
		}
	}
}

type workflow struct {
	Jobs map[string]struct {
		Steps []struct {
			Uses, Run string
			With      map[string]string
		}
	}
}

// Workflows run and read only files of the repository.
func TestWorkflowsNameExistingFiles(t *testing.T) {
	targets := regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, "Makefile"), -1)
	files, err := filepath.Glob(".github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal("no workflows", err)
	}
	for _, file := range files {
		var w workflow
		parseYAML(t, file, &w)
		runs := ""
		for _, job := range w.Jobs {
			for _, step := range job.Steps {
				runs += step.Run + "\n"
				exist(t, file, strings.Fields(step.With["go-version-file"]+" "+step.With["cache-dependency-path"])...)
			}
		}
		if !strings.Contains(runs, ".ci/run\n") {
			t.Errorf("%s does not call .ci/run", file)
		}
		for line := range strings.Lines(runs) {
			target, isMake := strings.CutPrefix(strings.TrimSpace(line), "make ")
			if isMake && !slices.ContainsFunc(targets, func(m []string) bool { return m[1] == target }) {
				t.Errorf("%s: Makefile has no target %s", file, target)
			}
		}
	}
	exist(t, "a workflow", ".ci/run", "tools/check-release")
}

// GitHub shows an issue form only if it has a name, a description, and fields with ids of their own.
func TestIssueFormsAreComplete(t *testing.T) {
	for _, file := range []string{".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/feature.yml"} {
		var form struct {
			Name, Description string
			Body              []struct {
				Type, ID   string
				Attributes struct{ Label, Value string }
			}
		}
		parseYAML(t, file, &form)
		var ids []string
		for _, field := range form.Body {
			switch {
			case field.Type == "markdown" && field.Attributes.Value != "":
			case field.Type == "textarea" && field.ID != "" && field.Attributes.Label != "" && !slices.Contains(ids, field.ID):
				ids = append(ids, field.ID)
			default:
				t.Errorf("%s: field %+v", file, field)
			}
		}
		if form.Name == "" || form.Description == "" || len(ids) == 0 {
			t.Errorf("%s: %+v", file, form)
		}
	}
}
