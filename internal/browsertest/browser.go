// Package browsertest opens pages in headless Chromium for tests, one browser in a process. A test fails if the page writes
// an error to the console, throws an exception, or sends a request to anything but the loopback address or its own file.
//
// The tests of all pages are in this package too, so that the browser's protocol is compiled into one test program.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// browser is the Chromium of this process.
type browser struct {
	once sync.Once
	ctx  context.Context //nolint:containedctx // the browser lives as long as this context
	stop func()
	err  error
}

// shared belongs to the test process, as the servers of servertest do.
//
//nolint:gochecknoglobals // tests have no other common owner
var shared browser

// Stop ends the browser of this process, if there is one: TestMain passes it to servertest.Main.
func Stop() {
	if shared.stop != nil {
		shared.stop()
	}
}

// program returns the path of Chromium.
func program() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	const macOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
	if _, err := os.Stat(macOS); err == nil {
		return macOS, nil
	}
	return "", exec.ErrNotFound
}

// start starts the browser once. A test without Chromium is skipped, and fails in CI.
func start(t *testing.T) context.Context {
	t.Helper()
	path, err := program()
	if err != nil {
		servertest.SkipWithout(t, "no Chromium: apt-get install chromium")
	}
	shared.once.Do(func() { shared.launch(path) })
	if shared.err != nil {
		t.Fatalf("start %s: %v", path, shared.err)
	}
	return shared.ctx
}

func (b *browser) launch(path string) {
	profile, err := os.MkdirTemp("", "rekey-chromium-")
	if err != nil {
		b.err = err
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		// Chromium resolves no name of another host, so neither a page nor Chromium itself reaches one.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.ctx = ctx
	b.stop = func() {
		cancel()
		cancelAllocator()
		removeProfile(profile)
	}
	if err := chromedp.Do(ctx); err != nil {
		b.err = err
	}
}

// removeProfile removes the directory of the profile. Chromium's processes write to it for a moment after the end.
func removeProfile(dir string) {
	for range 50 {
		if os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// FileURL returns the URL of a file on this machine.
func FileURL(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("file://%s", filepath.ToSlash(absolute))
}
