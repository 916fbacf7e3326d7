package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
)

// A report that cannot be written, or that would overwrite another file, is refused before the run.
func TestReportFileIsCheckedFirst(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other.html")
	link := filepath.Join(dir, "link.html")
	if err := errors.Join(os.WriteFile(other, []byte("mine"), 0o600), os.Symlink(filepath.Join(dir, "away.html"), link)); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{
		filepath.Join(dir, "run.txt"): "names no format", filepath.Join(dir, "no", "run.html"): "cannot write", other: "not a report", link: "not a report",
		"postgres://u:hunter2@h/d.html": "names no format",
	} {
		ran := false
		got := try(t, upWith(func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
			ran = true
			return event.Result{}, nil
		}), nil, "up", "--schema", "app", "--report", path)
		if got.code != 2 || ran || !strings.Contains(strings.Join(strings.Fields(got.stderr), " "), code) || strings.Contains(got.stderr, "hunter2") {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// A run writes its report with mode 0600, over an older report, however it ends; the exit code stays.
func TestRunWritesItsReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.md")
	for range 2 {
		got := try(t, upWith(func(context.Context, *pgxpool.Pool, job) (event.Result, error) {
			return event.Result{}, errors.New("cut")
		}), nil, "up", "--schema", "app", "--report", path, "--database-url", "postgres://u:hunter2@h/d")
		text, err := os.ReadFile(path)
		if err != nil || got.code != 1 || !strings.Contains(string(text), "Failed") || strings.Contains(string(text), "hunter2") {
			t.Fatalf("%+v %v %s", got, err, text)
		}
		if found, err := os.Stat(path); err != nil || found.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", found, err)
		}
	}
}
