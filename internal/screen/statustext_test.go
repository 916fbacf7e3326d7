package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey"
)

// A run that stands still says so, and why; one that does not says nothing of it.
func TestStatusOfStandstill(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	running := rekey.ActiveRun{Command: "up", Program: "1.0", Host: "db", PID: 7, Since: since}
	for _, held := range []string{"", "paused from another terminal; rekey resume lets it go on"} {
		if running.PausedBy = held; held != "" {
			running.PausedSince = &since
		}
		text := strings.Join(strings.Fields(Status(rekey.Status{Profile: "phoenixkit", Schema: "public", Running: &running}, 80)), " ")
		if got := strings.Contains(text, "It has stood still since 2026-03-01T12:00:00Z: paused from another terminal;"); got != (held != "") {
			t.Errorf("held by %q, and it says: %s", held, text)
		}
	}
}
