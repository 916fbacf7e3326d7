package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rekey-pg/rekey/internal/browser"
)

// camera is a tab of a browser that writes pictures into a directory.
type camera struct {
	ctx  context.Context //nolint:containedctx // the browser lives as long as this context
	stop func()
	dir  string
}

// drawing is how long a page may take to draw itself in another size.
const drawing = 700 * time.Millisecond

func newCamera(dir string) (*camera, error) {
	path, err := browser.Find()
	if err != nil {
		return nil, fmt.Errorf("no Chromium: apt-get install chromium: %w", err)
	}
	c := &camera{dir: dir}
	c.ctx, c.stop, err = browser.Start(path)
	return c, err
}

// open opens a URL.
func (c *camera) open(url string, view browser.View) error {
	return chromedp.Do(c.ctx, view.Show(), chromedp.Navigate(url))
}

// wait waits until a JavaScript expression is true.
func (c *camera) wait(ctx context.Context, expression string) error {
	for {
		is, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err != nil || is {
			return err
		}
		rest(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", expression, context.Cause(ctx))
		}
	}
}

// window takes a picture of the window.
func (c *camera) window(name string, view browser.View) error {
	return c.take(name, view, chromedp.CaptureScreenshot())
}

// page takes a picture of the whole page.
func (c *camera) page(name string, view browser.View) error {
	const png = 100
	return c.take(name, view, chromedp.FullScreenshot(png))
}

// element takes a picture of the element that a CSS selector finds.
func (c *camera) element(name string, view browser.View, selector string) error {
	return c.take(name, view, chromedp.Screenshot(chromedp.CSS(selector)))
}

func (c *camera) take(name string, view browser.View, picture chromedp.Action[[]byte]) error {
	if err := chromedp.Do(c.ctx, view.Show()); err != nil {
		return err
	}
	time.Sleep(drawing)
	taken, err := chromedp.Run(c.ctx, picture)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(c.dir, name), taken, 0o644) //nolint:gosec // it is committed
}
