package browsertest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rekey-pg/rekey/internal/browser"
)

// waitLimit limits each wait for a page, so that a page that hangs fails the test.
const waitLimit = 2 * time.Minute

// pollInterval is the time between two evaluations of a condition.
const pollInterval = 20 * time.Millisecond

// View is how a page is shown.
type View = browser.View

// Desktop is the view of a desktop computer.
func Desktop() View { return browser.Desktop() }

// Phone is the view of a phone.
func Phone() View { return browser.Phone() }

// Page is a tab of the browser. Its methods fail the test if they cannot do what they describe within two minutes.
type Page struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // the tab lives as long as this context

	mu       sync.Mutex
	errors   []string
	requests []string
	expected []string
}

// Open opens a URL in a new tab that closes at the end of the test. The test fails if the page writes an error to the
// console, throws an exception, or sends a request elsewhere than to the loopback address; a page of a file, to anything but
// that file. It is skipped without Chromium, and fails in CI.
func Open(t *testing.T, address string, view View) *Page {
	t.Helper()
	p := &Page{t: t}
	ctx, cancel := chromedp.NewContext(start(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	p.ctx = ctx
	t.Cleanup(func() {
		p.check(address)
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	p.Show(view)
	p.Go(address)
	return p
}

// Show changes the view of the page.
func (p *Page) Show(view View) {
	p.t.Helper()
	p.do("emulate", view.Show())
}

// Go opens another URL in the same tab.
func (p *Page) Go(address string) {
	p.t.Helper()
	p.do("open "+address, chromedp.Navigate(address))
}

// Click clicks the element that a CSS selector finds, after it is visible and enabled.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click "+selector, chromedp.WaitEnabled(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// Type presses the keys, such as "\t" or "\r", in the element with the focus.
func (p *Page) Type(keys string) {
	p.t.Helper()
	p.do("type", chromedp.KeyEvent(keys))
}

// Text returns the text of the element that a CSS selector finds, without white space at its ends.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return strings.TrimSpace(Eval[string](p, fmt.Sprintf("document.querySelector(%q).textContent", selector)))
}

// Eval returns the value of a JavaScript expression.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// Wait waits until a JavaScript expression is true.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	limit := time.Now().Add(waitLimit)
	for !Eval[bool](p, "Boolean("+expression+")") {
		if time.Now().After(limit) {
			p.t.Fatalf("not true within %s: %s\n%s", waitLimit, expression, p.problems())
		}
		time.Sleep(pollInterval)
	}
}

// Screenshot returns a picture of the whole page as PNG. If REKEY_SCREENSHOTS names a directory, it also writes the picture
// there, as name.png.
func (p *Page) Screenshot(name string) []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatalf("screenshot: %v", err)
	}
	p.keep(name+".png", picture)
	return picture
}

// PDF returns the page as it is printed on the paper that its style sheet names. If REKEY_SCREENSHOTS names a directory, it also
// writes it there, as name.pdf.
func (p *Page) PDF(name string) []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	printed, err := chromedp.Run(ctx, func(ctx context.Context, _ *chromedp.Target) ([]byte, error) {
		result, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PrintBackground: new(true), PreferCSSPageSize: new(true)})
		return result.Data, err
	})
	if err != nil {
		p.t.Fatalf("print: %v", err)
	}
	p.keep(name+".pdf", printed)
	return printed
}

// keep writes a file to the directory that REKEY_SCREENSHOTS names, if it names one.
func (p *Page) keep(name string, content []byte) {
	p.t.Helper()
	if dir := os.Getenv("REKEY_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil { //nolint:gosec // a directory that the developer names
			p.t.Fatal(err)
		}
	}
}

// Requests returns the URLs of the requests so far.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// Expect lets errors of the console pass that contain the text, such as the answer 403 to a request of the test.
func (p *Page) Expect(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, text)
}

func (p *Page) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\n%s", what, err, p.problems())
	}
}

// listen records what the browser reports.
func (p *Page) listen(reported any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := reported.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *network.EventWebSocketCreated:
		p.requests = append(p.requests, e.URL)
	case *runtime.EventExceptionThrown:
		text := "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		p.errors = append(p.errors, text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			texts := []string{"console.error:"}
			for _, argument := range e.Args {
				texts = append(texts, string(argument.Value), argument.Description)
			}
			p.errors = append(p.errors, strings.Join(texts, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.errors = append(p.errors, fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	}
}

// check fails the test for errors and for requests that leave the machine.
func (p *Page) check(address string) {
	p.t.Helper()
	if problems := p.problems(); problems != "" {
		p.t.Errorf("the page reported:\n%s", problems)
	}
	for _, request := range p.Requests() {
		if !local(request, address) {
			p.t.Errorf("the page requested %s", request)
		}
	}
}

func (p *Page) problems() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var unexpected []string
	for _, text := range p.errors {
		known := false
		for _, expected := range p.expected {
			known = known || strings.Contains(text, expected)
		}
		if !known {
			unexpected = append(unexpected, text)
		}
	}
	return strings.Join(unexpected, "\n")
}

// local reports whether a page at the address may send a request: to the loopback address, or of a file to the file
// itself.
func local(request, address string) bool {
	parsed, err := url.Parse(request)
	if err != nil {
		return false
	}
	if strings.HasPrefix(address, "file:") {
		own, _, _ := strings.Cut(address, "#")
		same, _, _ := strings.Cut(request, "#")
		return parsed.Scheme == "data" || same == own
	}
	switch parsed.Scheme {
	case "data", "blob", "about":
		return true
	}
	host := parsed.Hostname()
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
