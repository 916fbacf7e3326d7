package browsertest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"

	"github.com/rekey-pg/rekey/internal/server"
)

// The package of axe-core, which finds what people with a screen reader, a keyboard or weak eyes cannot use. Its integrity is
// in the registry's answer: npm view axe-core@VERSION dist.integrity.
const (
	axeSpec      = "axe-core@4.14.1"
	axeIntegrity = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// violation is a rule of axe-core that a page breaks.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"` //nolint:tagliatelle // axe-core's name
	} `json:"nodes"`
}

// Axe fails the test for each violation that axe-core finds on the page as it is now. npm fetches axe-core once, into the
// cache of internal/server; without npm, Axe only logs that it checks nothing.
func (p *Page) Axe() {
	p.t.Helper()
	script, err := server.PackageFile(p.t.Context(), axeSpec, axeIntegrity, "axe.min.js")
	if errors.Is(err, server.ErrNoNPM) {
		p.t.Log("npm is not installed and cannot download axe-core: the page is not checked")
		return
	}
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, waitLimit)
	defer cancel()
	// An evaluation by the protocol is no script of the page: the page's content security policy allows none.
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](string(script)+"; true")); err != nil {
		p.t.Fatalf("load axe-core: %v", err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]violation]("axe.run().then(r => r.violations)", chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("run axe-core: %v", err)
	}
	for _, v := range found {
		var nodes strings.Builder
		for _, node := range v.Nodes {
			fmt.Fprintf(&nodes, "\n  %s\n    %s", node.HTML, strings.ReplaceAll(node.Summary, "\n", "\n    "))
		}
		p.t.Errorf("axe-core: %s: %s%s", v.ID, v.Help, nodes.String())
	}
}
