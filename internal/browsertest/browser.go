// Package browsertest opens pages in headless Chromium for tests, one browser in a process. A test fails if the page writes
// an error to the console, throws an exception, or sends a request to anything but the loopback address or its own file.
//
// The tests of all pages are in this package too, so that the browser's protocol is compiled into one test program.
package browsertest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rekey-pg/rekey/internal/browser"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// chromium is the Chromium of this process.
type chromium struct {
	once sync.Once
	ctx  context.Context //nolint:containedctx // the browser lives as long as this context
	stop func()
	err  error
}

// shared belongs to the test process, as the servers of servertest do.
//
//nolint:gochecknoglobals // tests have no other common owner
var shared chromium

// Stop ends the browser of this process, if there is one: TestMain passes it to servertest.Main.
func Stop() {
	if shared.stop != nil {
		shared.stop()
	}
}

// start starts the browser once. A test without Chromium is skipped, and fails in CI.
func start(t *testing.T) context.Context {
	t.Helper()
	path, err := browser.Find()
	if err != nil {
		servertest.SkipWithout(t, "no Chromium: apt-get install chromium")
	}
	shared.once.Do(func() { shared.launch(path) })
	if shared.err != nil {
		t.Fatalf("start %s: %v", path, shared.err)
	}
	return shared.ctx
}

func (b *chromium) launch(path string) { b.ctx, b.stop, b.err = browser.Start(path) }

// FileURL returns the URL of a file on this machine.
func FileURL(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("file://%s", filepath.ToSlash(absolute))
}
