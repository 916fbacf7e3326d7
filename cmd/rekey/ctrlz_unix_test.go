//go:build unix

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

// typed writes to the terminal as a keyboard does.
func (r *inTerminal) typed(keys string) {
	r.Helper()
	if _, err := r.file.WriteString(keys); err != nil {
		r.Fatal(err)
	}
}

// framed waits for a whole frame of a watched run on the alternate screen.
func (r *inTerminal) framed() {
	r.Helper()
	r.until(": t for a lock held by", "rekey up, schema app, for", "0 of 1 done")
	r.drawsFrames(true)
}

// drawsFrames checks whether the terminal is prepared for frames, or restored.
func (r *inTerminal) drawsFrames(want bool) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.model.Alternate() != want || r.model.CursorHidden() != want || r.model.Wraps() == want {
		r.Errorf("alternate screen %v, cursor hidden %v, wraps %v", r.model.Alternate(), r.model.CursorHidden(), r.model.Wraps())
	}
}

// TestWatchSuspends stops a watch with Ctrl-Z under a shell with job control, continues it in the background, where it must not draw, and
// in the foreground. Where no shell could continue it, it ignores Ctrl-Z.
func TestWatchSuspends(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := app(t, c)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		defer release()
		up := start(t, url, "rekey", "up", "--schema", "app")
		up.until("blocked by")
		const script = `rekey status --schema app --watch; echo "stopped: $?"; read -r line; bg; echo "in the background"; read -r line; fg; echo "again: $?"; read -r line; fg; exit $?`
		watch, direct := openCommand(t, url, 80, 24, "sh", "-m", "-c", script), open(t, url, 80, 24, "status", "--schema", "app", "--watch")
		watch.framed()
		direct.framed()

		for range 2 {
			direct.typed(ctrlZ)
			time.Sleep(200 * time.Millisecond) // the terminal echoes the key
			direct.written()
			direct.framed()
		}
		if strings.Contains(direct.raw.String(), "\x1b[?1049l") {
			t.Error("without job control it left the alternate screen")
		}
		direct.typed(ctrlC)
		direct.restored(130, "")

		watch.typed(ctrlZ)
		watch.until("stopped: 1") // 128 and the signal
		watch.drawsFrames(false)
		watch.typed("\n")
		watch.until("in the background")
		time.Sleep(1500 * time.Millisecond) // a frame is due each second
		watch.drawsFrames(false)
		watch.typed("\n")
		watch.framed()
		watch.typed(ctrlZ)
		watch.until("again: 1")
		watch.drawsFrames(false)
		watch.typed("\n")
		watch.framed()
		watch.typed(ctrlC)
		watch.restored(130, "again: 1")
		release()
		up.code()
	})
}
