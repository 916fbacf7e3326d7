//go:build unix

package cli

import (
	"path/filepath"
	"syscall"
	"testing"
)

// pipe makes a pipe without a writer.
func pipe(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
