//go:build unix

package cli

import (
	"io"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/terminal"
)

// TestPanicRestoresTheTerminal watches a run in a pseudo terminal while a reading panics.
func TestPanicRestoresTheTerminal(t *testing.T) {
	controller, tty, err := pty.Open()
	if err != nil {
		t.Skip(err) // the system has no pseudo terminals
	}
	defer controller.Close()
	model := terminal.New(80, 24)
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(model, controller) // EIO at the end
	}()
	broken := func() (*rekey.Progress, error) { panic("broken") }
	func() {
		defer func() {
			if text, _ := recover().(string); !strings.HasPrefix(text, "broken\n") || !strings.Contains(text, "watchstatus_unix_test.go") {
				t.Errorf("it panicked with %q", text)
			}
		}()
		run(t.Context(), Process{
			Args: strings.Fields("status --schema app --watch"), Stdout: tty, Stderr: io.Discard, Getenv: func(string) string { return "" },
		}, withoutServer(reads(gives(active(7, 40)), broken)))
	}()
	_ = tty.Close() // it is drawn already
	<-read
	if model.Alternate() || model.CursorHidden() || !model.Wraps() {
		t.Errorf("alternate screen %v, cursor hidden %v, wraps %v", model.Alternate(), model.CursorHidden(), model.Wraps())
	}
}
