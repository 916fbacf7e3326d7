//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/terminal"
)

// inTerminal is a command in a pseudo terminal.
type inTerminal struct {
	*testing.T
	cmd   *exec.Cmd
	file  *os.File
	mu    sync.Mutex
	model *terminal.Screen
	raw   strings.Builder
	ended chan struct{}
}

// open starts rekey in a pseudo terminal of a size.
func open(t *testing.T, url string, width, height uint16, words ...string) *inTerminal {
	t.Helper()
	return openCommand(t, url, width, height, "rekey", words...)
}

// openCommand starts a command, with a database for rekey, in a pseudo terminal of a size.
func openCommand(t *testing.T, url string, width, height uint16, name string, words ...string) *inTerminal {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout)
	r := &inTerminal{T: t, cmd: exec.CommandContext(ctx, name, words...), model: terminal.New(int(width), int(height)), ended: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), "REKEY_DATABASE_URL="+url, "TERM=xterm-256color", "CI=", "NO_COLOR=")
	file, err := pty.StartWithSize(r.cmd, &pty.Winsize{Cols: width, Rows: height})
	if err != nil {
		t.Fatal(err)
	}
	r.file = file
	go func() {
		defer close(r.ended)
		buffer := make([]byte, 4096)
		for {
			n, err := file.Read(buffer)
			r.mu.Lock()
			_, _ = r.model.Write(buffer[:n])
			r.raw.Write(buffer[:n])
			r.mu.Unlock()
			if err != nil { // EIO after the end of the process
				break
			}
		}
		_ = r.cmd.Wait() // the test reads the exit code
	}()
	t.Cleanup(func() { cancel(); <-r.ended; _ = file.Close() })
	return r
}

func (r *inTerminal) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.model.Lines()
}

// until waits until the screen shows all texts.
func (r *inTerminal) until(texts ...string) {
	r.Helper()
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		shown, missing := strings.Join(r.lines(), "\n"), ""
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		if time.Since(begun) > timeout {
			r.Fatalf("it never showed %q:\n%s", missing, shown)
		}
	}
}

// written waits until the process has written something, and returns how long that took.
func (r *inTerminal) written() time.Duration {
	r.Helper()
	begun := time.Now()
	size := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.raw.Len()
	}
	for before := size(); size() == before; time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > timeout {
			r.Fatal("it draws nothing")
		}
	}
	return time.Since(begun)
}

// resize changes the size after a frame, and checks the frames of the next second. It returns the time to the next frame.
func (r *inTerminal) resize(width, height int) time.Duration {
	r.Helper()
	r.written()
	time.Sleep(100 * time.Millisecond) // a frame has followed the reading
	r.mu.Lock()
	r.model.Resize(width, height)
	r.mu.Unlock()
	if err := pty.Setsize(r.file, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		r.Fatal(err)
	}
	took := r.written()
	spoiled := r.spoiled()
	time.Sleep(900 * time.Millisecond)
	if now := r.spoiled(); now != spoiled {
		r.Errorf("%d lines did not fit %d columns and %d lines:\n%s", now-spoiled, width, height, strings.Join(r.lines(), "\n"))
	}
	lines := r.lines()
	for _, line := range lines {
		if utf8.RuneCountInString(line) > width {
			r.Errorf("more than %d columns: %q", width, line)
		}
	}
	if text := lines[0] + lines[1]; len(lines) > height || !strings.Contains(text, ": t for a lock held by") {
		r.Errorf("at %d columns and %d lines it shows:\n%s", width, height, strings.Join(lines, "\n"))
	}
	return took
}

func (r *inTerminal) spoiled() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.model.Spoiled()
}

// restored waits for the end, and checks the exit code and the terminal.
func (r *inTerminal) restored(code int, text string) {
	r.Helper()
	<-r.ended
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.Errorf("it ended with %d, want %d", got, code)
	}
	if r.model.Alternate() || r.model.CursorHidden() || !r.model.Wraps() {
		r.Errorf("alternate screen %v, cursor hidden %v, wraps %v", r.model.Alternate(), r.model.CursorHidden(), r.model.Wraps())
	}
	if shown := strings.Join(r.lines(), "\n"); !strings.Contains(shown, text) {
		r.Errorf("at the end it shows %q", shown)
	}
}

// TestWatchInATerminal watches a run in pseudo terminals of several sizes, which end in several ways, and a database that is lost and
// comes back.
func TestWatchInATerminal(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		network := servertest.Through(t, url)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		defer release()
		up := start(t, url, "rekey", "up", "--schema", "app")
		up.until("blocked by")
		words := []string{"status", "--schema", "app", "--watch"}
		watch, interrupted, terminated := open(t, network.URL, 80, 24, words...), open(t, url, 80, 10, words...), open(t, url, 60, 10, words...)
		for _, w := range []*inTerminal{watch, interrupted, terminated} {
			w.until(": t for a lock held by", "rekey up, schema app, for", "0 of 1 done")
		}
		if !watch.model.Alternate() || !watch.model.CursorHidden() {
			t.Error("it does not draw on the alternate screen")
		}
		fastest := time.Hour
		for _, size := range [][2]int{{60, 24}, {120, 10}, {200, 24}, {80, 24}} {
			fastest = min(fastest, watch.resize(size[0], size[1]))
		}
		if fastest > 500*time.Millisecond { // without a signal, the next frame comes a second after the last one
			t.Errorf("the fastest frame after a resize came after %s", fastest)
		}
		if err := interrupted.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := terminated.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		interrupted.restored(130, "")
		terminated.restored(143, "")

		network.Cut()
		watch.until("NO CONNECTION to the database", "0 of 1 done")
		network.Mend()
		watch.until(": t for a lock held by")
		release()
		watch.restored(0, "up: done in schema app")
		if code := up.code(); code != 0 {
			t.Errorf("up: %s", up.text())
		}
	})
}
