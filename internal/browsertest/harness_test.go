package browsertest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/rekey-pg/rekey/internal/browsertest"
)

const document = `<!doctype html><html lang="en"><head><title>t</title><style>
main { color: #222; background: #fff } @media (prefers-color-scheme: dark) { main { color: #eee; background: #111 } }
@media print { button { display: none } }</style></head>
<body><main><h1>Title</h1><button onclick="document.querySelector('p').textContent = 'clicked'">Go</button><p>before</p></main></body></html>`

func TestBrowser(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t, browsertest.FileURL(t, path), browsertest.Phone().InDark())
	if width := browsertest.Eval[int](p, "innerWidth"); width != 390 {
		t.Errorf("the window is %d pixels wide", width)
	}
	if color := browsertest.Eval[string](p, "getComputedStyle(document.querySelector('main')).color"); color != "rgb(238, 238, 238)" {
		t.Errorf("in dark: %s", color)
	}
	p.Click("button")
	p.Wait("document.querySelector('p').textContent === 'clicked'")
	if got := p.Text("p"); got != "clicked" {
		t.Errorf("got %q", got)
	}
	p.Axe()
	p.Show(browsertest.Desktop().Printed())
	if shown := browsertest.Eval[string](p, "getComputedStyle(document.querySelector('button')).display"); shown != "none" {
		t.Errorf("in print: %s", shown)
	}
	if picture := p.Screenshot("harness"); !bytes.HasPrefix(picture, []byte("\x89PNG")) {
		t.Error("the screenshot is no PNG")
	}
}
