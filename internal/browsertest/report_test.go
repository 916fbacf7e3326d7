package browsertest_test

import (
	"encoding/json"
	"os"
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
			Table string `json:"table"`
			Hold  int64  `json:"hold_ns"`
		} `json:"access_exclusive"`
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
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#locks .scroll:last-of-type tbody tr").length`); n != len(doc.Locks) {
		t.Errorf("%d locks, want %d", n, len(doc.Locks))
	}
	if n := browsertest.Eval[int](p, `document.querySelectorAll("#timeline svg rect.lock").length`); n != len(doc.Locks) {
		t.Errorf("%d locks in the timeline, want %d", n, len(doc.Locks))
	}
	if n := browsertest.Eval[int](p, `document.scripts.length + document.querySelectorAll("img,link,iframe,object").length`); n != 0 {
		t.Errorf("%d elements that load or run something", n)
	}
}

// shown returns a name as the page shows it.
func shown(name string) string { return strings.ReplaceAll(name, "\u202e", `\u202e`) }
