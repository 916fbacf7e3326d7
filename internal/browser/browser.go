// Package browser runs headless Chromium, for tests of pages and for the pictures in the documents. The browser reaches
// only the loopback address.
package browser

import (
	"context"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Find returns the path of Chromium, or exec.ErrNotFound.
func Find() (string, error) {
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

// Start starts the Chromium at a path, with a new profile, and returns its context for chromedp. The function stop ends it and
// removes the profile; it is not nil even if Start fails.
func Start(path string) (ctx context.Context, stop func(), err error) {
	profile, err := os.MkdirTemp("", "rekey-chromium-")
	if err != nil {
		return nil, func() {}, err
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
	return ctx, func() {
		cancel()
		cancelAllocator()
		removeProfile(profile)
	}, chromedp.Do(ctx)
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

// View is how a page is shown.
type View struct {
	// Width and Height are the size of the window in CSS pixels.
	Width, Height int64
	// Dark is true if the user prefers a dark color scheme.
	Dark bool
	// Print shows the page as it is printed.
	Print bool
}

// Desktop is the view of a desktop computer.
func Desktop() View { return View{Width: 1280, Height: 900} }

// Phone is the view of a phone.
func Phone() View { return View{Width: 390, Height: 844} }

// InDark returns the view in a dark color scheme.
func (v View) InDark() View {
	v.Dark = true
	return v
}

// Printed returns the view as it is printed.
func (v View) Printed() View {
	v.Print = true
	return v
}

// Show changes the view of the page.
func (v View) Show() chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.EmulateViewport(v.Width, v.Height), v.media)
}

func (v View) media(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
	scheme, kind := "light", "screen"
	if v.Dark {
		scheme = "dark"
	}
	if v.Print {
		kind = "print"
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media:    kind,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return chromedp.Void{}, err
}
