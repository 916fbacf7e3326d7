package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/internal/cli"
)

//nolint:gochecknoglobals // a flag of the test program
var update = flag.Bool("update", false, "write the reference")

const page = "../../docs/reference/commands.md"

// TestReferenceIsUpToDate compares the page with the commands; -update writes it.
func TestReferenceIsUpToDate(t *testing.T) {
	want := reference(cli.Root())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(want, "\n")); diff != "" {
		t.Errorf("%s is out of date: go test ./cmd/rekey-docs -update\n%s", page, diff)
	}
}

// TestEveryCommandHasAPage checks the names of the man pages, and that each has the flags of its command.
func TestEveryCommandHasAPage(t *testing.T) {
	pages := manPages(cli.Root())
	for name, want := range map[string]string{
		"rekey.1": "rekey\\-up", "rekey-up.1": `.B "\-\-lock\-timeout DURATION"`, "rekey-sql.1": "golang\\-migrate",
	} {
		if !strings.Contains(pages[name], want) {
			t.Errorf("%s does not contain %s:\n%s", name, want, pages[name])
		}
	}
}

// TestManPagesAreValid lets man's own formatter read them, if it is installed.
func TestManPagesAreValid(t *testing.T) {
	dir := t.TempDir()
	if err := writeManPages(dir); err != nil {
		t.Fatal(err)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		return // the pages were written; only their format stays unchecked
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	for _, file := range files {
		if output, err := exec.CommandContext(t.Context(), groff, "-man", "-Tutf8", "-ww", "-z", file).CombinedOutput(); err != nil || len(output) > 0 {
			t.Errorf("%s: %v\n%s", file, err, output)
		}
	}
}
