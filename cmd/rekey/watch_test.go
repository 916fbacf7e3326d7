//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestStatusOfAnotherTerminal checks what status shows of a run that waits for a lock, of the same run after its process was
// killed, and of its continuation.
func TestStatusOfAnotherTerminal(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		url := app(t, c)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		defer release()
		up := start(t, url, "rekey", "up", "--schema", "app")
		up.until("blocked by")
		watch, interrupted := start(t, url, "rekey", "status", "--schema", "app", "--watch"), start(t, url, "rekey", "status", "--schema", "app", "--watch")
		for _, w := range []*running{watch, interrupted} {
			w.until("waiting for a lock held by")
			w.until("0 of 1 done")
		}
		reports(t, url, "has not ended")
		interrupted.signal(syscall.SIGINT)
		if code := interrupted.code(); code != 130 {
			t.Errorf("an interrupted watch ended with %d: %s", code, interrupted.text())
		}
		up.signal(syscall.SIGKILL)
		up.code()
		execute(t, url, "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 hour'") // it expires
		if code := watch.code(); code != 0 || !strings.Contains(watch.text(), "its process was killed") {
			t.Errorf("a watch of a killed run ended with %d: %s", code, watch.text())
		}
		document := start(t, url, "rekey", "status", "--schema", "app", "--json")
		if document.code(); !strings.Contains(document.text(), `"active":false`) && !strings.Contains(document.text(), `"active": false`) {
			t.Errorf("the document is %s", document.text())
		}
		reports(t, url, "recorded no end")
		release()
		again := start(t, url, "rekey", "up", "--schema", "app")
		if code := again.code(); code != 0 {
			t.Fatalf("the next run: %s", again.text())
		}
		after := start(t, url, "rekey", "status", "--schema", "app", "--watch")
		if after.code() != 0 || strings.Contains(after.text(), "killed") {
			t.Errorf("after the end: %s", after.text())
		}
	})
}

// TestWatchOfARunThatEnds checks that a watch ends with the summary of the run.
func TestWatchOfARunThatEnds(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		url := app(t, c)
		release := servertest.Hold(t, servertest.Pool(t, url), "LOCK TABLE app.t IN ACCESS SHARE MODE")
		defer release()
		up := start(t, url, "rekey", "up", "--schema", "app")
		up.until("blocked by")
		watch := start(t, url, "rekey", "status", "--schema", "app", "--watch")
		watch.until("waiting for a lock held by")
		release()
		begun := time.Now()
		if code := watch.code(); code != 0 || !strings.Contains(watch.text(), "up: done in schema app") {
			t.Errorf("after %s: %d, %s", time.Since(begun), code, watch.text())
		}
		up.code()
	})
}

// reports checks that the report of the last run contains a text.
func reports(t *testing.T, url, text string) {
	t.Helper()
	r := start(t, url, "rekey", "report", "--schema", "app")
	if code := r.code(); code != 0 || !strings.Contains(r.text(), text) {
		t.Errorf("report: %d, no %q in %s", code, text, r.text())
	}
}
