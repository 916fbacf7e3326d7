package browsertest_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/browsertest"
)

// goldenReport is a report of internal/report, without and with the ending of its format.
const goldenReport = "../report/testdata/done"

// A report opens without a network, an error and a fault that axe-core finds: in light and dark, on a phone and on paper. Its
// values equal the JSON's.
func TestReport(t *testing.T) {
	text, err := os.ReadFile(goldenReport + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Run struct {
			Rows int `json:"rows"`
		} `json:"run"`
		Locks []struct {
			Locks []struct {
				Table string `json:"table"`
			} `json:"locks"`
		} `json:"locks"`
		Work []struct {
			Name string `json:"name"`
			Rows int    `json:"rows"`
		} `json:"work"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]browsertest.View{
		"light": browsertest.Desktop(), "dark": browsertest.Desktop().InDark(), "phone": browsertest.Phone(), "phone-dark": browsertest.Phone().InDark(), "print": browsertest.Desktop().Printed(),
	} {
		p := browsertest.Open(t, browsertest.FileURL(t, goldenReport+".html"), view)
		p.Axe()
		p.Screenshot("report-" + name)
		if wide := browsertest.Eval[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			t.Errorf("%s: the page is %d pixels too wide", name, wide)
		}
	}
	p := browsertest.Open(t, browsertest.FileURL(t, goldenReport+".html"), browsertest.Desktop())
	rows := strings.ReplaceAll(p.Text("#summary dl"), ",", "")
	if !strings.Contains(rows, strconv.Itoa(doc.Run.Rows)+" rows filled") {
		t.Errorf("%q", rows)
	}
	for _, w := range doc.Work {
		row := browsertest.Eval[string](p, `[...document.querySelectorAll("#timeline tbody tr")].find(r => r.querySelector("th").textContent === `+strconv.Quote(shown(w.Name))+`)?.textContent ?? ""`)
		if !strings.Contains(strings.ReplaceAll(row, ",", ""), strconv.Itoa(w.Rows)) {
			t.Errorf("%s: %q", w.Name, row)
		}
	}
	listed := 0
	for _, l := range doc.Locks {
		listed += len(l.Locks)
	}
	if n := browsertest.Eval[int](p, `[...document.querySelectorAll("#locks table")].filter(t => t.caption.textContent.startsWith("Every")).flatMap(t => [...t.tBodies[0].rows]).length`); n != listed {
		t.Errorf("%d locks, want %d", n, listed)
	}
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#timeline svg rect.lock").length`); n != len(doc.Locks) {
		t.Errorf("%d locks in the timeline, want %d", n, len(doc.Locks))
	}
	if n := browsertest.Eval[int](p, `document.scripts.length + document.querySelectorAll("img,link,iframe,object").length`); n != 0 {
		t.Errorf("%d elements that load or run something", n)
	}
}

// The report on A4 has few pages, and no table is wider than the paper.
func TestPrintedReport(t *testing.T) {
	const paper = 703 // CSS pixels between the margins of A4
	p := browsertest.Open(t, browsertest.FileURL(t, goldenReport+".html"), browsertest.View{Width: paper, Height: 1000, Print: true})
	if wide := browsertest.Eval[[]string](p, `[...document.querySelectorAll("table,svg,dl,section")].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + " " + e.textContent.slice(0, 80))`); len(wide) > 0 {
		t.Errorf("wider than the paper: %q", wide)
	}
	if n := pages(p.PDF("report")); n < 3 || n > 8 {
		t.Errorf("%d pages", n)
	}
}

// pages returns the number of pages of a PDF.
func pages(pdf []byte) int { return len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)) }

// shown returns a name as the page shows it.
func shown(name string) string { return strings.ReplaceAll(name, "\u202e", `\u202e`) }
