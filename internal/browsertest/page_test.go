package browsertest_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/browsertest"
	"github.com/rekey-pg/rekey/internal/page"
	"github.com/rekey-pg/rekey/problem"
)

// control records the requests of the page.
type control struct {
	mu       sync.Mutex
	requests []string
	err      error
}

func (c *control) add(request string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, request)
	return c.err
}

func (c *control) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.requests, " ")
}

func (c *control) Pause(context.Context) error            { return c.add("pause") }
func (c *control) Resume(context.Context) error           { return c.add("resume") }
func (c *control) Stop(context.Context) error             { return c.add("stop") }
func (c *control) Pace(_ context.Context, p string) error { return c.add("pace=" + p) }

func (c *control) MaxImpact(_ context.Context, limit string) error {
	return c.add("max-impact=" + limit)
}

// hostile is a name that a page must show as text.
const hostile = `app."<img src=x onerror=alert(1)>"`

// madeRun emits four minutes of a run that fills two tables, with a pause.
func madeRun(emit func(event.Event, time.Time), begin time.Time) {
	at := func(second float64) time.Time { return begin.Add(time.Duration(second * float64(time.Second))) }
	emit(event.RunStarted{Run: 7, Command: "up", Schema: "app", Tables: 6, Edges: 5, Rows: 2_480_000}, at(0))
	emit(event.Environment{Program: "1.4.0", Server: "18.4", Database: "shop", Role: "owner", Phase: "linked"}, at(0))
	for i, name := range []string{"app.countries", "app.users"} {
		emit(event.TableStarted{Table: name, Phase: "expanded", Rows: 40_000}, at(1+float64(i)))
		emit(event.Locked{Table: name, Attempts: 1, Wait: 3 * time.Millisecond, Hold: 2 * time.Millisecond}, at(1+float64(i)))
		emit(event.TableDone{Table: name, Phase: "expanded", Rows: 40_000, Elapsed: 900 * time.Millisecond}, at(2+float64(i)))
	}
	emit(event.TableStarted{Table: "app.orders", Phase: "expanded", Rows: 2_000_000}, at(4))
	emit(event.LockRefused{Table: "app.orders", Attempts: 2, Blockers: []string{"pid 4711 (app, idle in transaction for 12 s)"}, Pause: time.Second}, at(5))
	emit(event.Locked{Table: "app.orders", Attempts: 3, Wait: 41 * time.Millisecond, Hold: 4 * time.Millisecond}, at(6))
	emit(event.Notice{Table: "app.orders", Text: "a transaction is open for 12 min; rows that it reads are kept"}, at(6))
	done := 0.0
	for second := 7.0; second < 240; second++ {
		paused := second > 120 && second < 150
		rate := 8200 + 1500*math.Sin(second/9)
		if paused {
			rate = 0
		}
		if second == 121 {
			emit(event.Throttled{Reason: "standby replica1 lags 14s", Paused: true}, at(second))
		}
		if second == 150 {
			emit(event.Throttled{}, at(second))
		}
		if second == 200 {
			emit(event.Throttled{Reason: "commits take 1.6 times as long as at rest: checkpoint"}, at(second))
		}
		done += rate
		ratio := 1.05 + 0.3*math.Abs(math.Sin(second/13))
		emit(event.Progress{Table: "app.orders", Done: int64(done), Total: 2_000_000, Rate: rate, Left: 40 * time.Second}, at(second))
		emit(event.Impact{
			Table: "app.orders", Commit: time.Duration(ratio * 9e5), CommitIdle: 900 * time.Microsecond, Read: 300 * time.Microsecond, ReadIdle: 200 * time.Microsecond,
			Ratio: ratio, Limit: 1.5, Workers: 2, BatchTime: 10 * time.Millisecond, Duty: 0.67,
		}, at(second+.1))
		emit(event.Load{WAL: rate * 900, Lag: time.Duration(math.Max(0, 14-math.Abs(second-125)) * 1e9), Waiting: int(second) % 40 / 37, Batch: time.Duration(8e6 + 2e6*math.Sin(second/3))}, at(second+.2))
	}
	emit(event.TableStarted{Table: hostile, Phase: "expanded", Rows: 400_000}, at(239))
	emit(event.IndexProgress{Table: hostile, Index: "i", Phase: "building index: scanning table", Done: 40, Total: 100}, at(239.5))
}

// openPage serves a board and opens its page.
func openPage(t *testing.T, board *page.Board, c page.Control, view browsertest.View) *browsertest.Page {
	t.Helper()
	server, err := page.Listen(t.Context(), "127.0.0.1:0", board, page.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.SetControl(c)
	return browsertest.Open(t, server.URL(), view)
}

func TestPageOfARun(t *testing.T) {
	board, c := page.NewBoard(), &control{}
	began := time.Now().Add(-240 * time.Second)
	madeRun(board.Event, began)
	slowed := began.Add(200 * time.Second).Format("15:04:05")
	p := openPage(t, board, c, browsertest.Desktop())
	p.Wait("document.querySelector('#badge').dataset.status === 'slowed'")
	for selector, want := range map[string]string{
		"#what": "up of schema app to linked", "#rows-of-tables tr[data-name='app.orders'] .percent": "83 %", "#locks": "3 (41 ms, 4.0 ms)",
		"#reason": "Slowed down since " + slowed + ": commits take 1.6 times as long as at rest: checkpoint", "#tables-caption": "2 active, 2 finished, 7 pending",
	} {
		if got := p.Text(selector); got != want {
			t.Errorf("%s: %q", selector, got)
		}
	}
	if address := browsertest.Eval[string](p, "location.href"); strings.Contains(address, "#") {
		t.Errorf("the token stays in the address: %s", address)
	}
	for i, view := range []browsertest.View{browsertest.Desktop(), browsertest.Desktop().InDark(), browsertest.Phone(), browsertest.Phone().InDark()} {
		p.Show(view)
		if width := browsertest.Eval[int64](p, "document.documentElement.scrollWidth"); width > view.Width {
			t.Errorf("in view %d the page is %d pixels wide", i, width)
		}
		p.Axe()
		p.Screenshot(fmt.Sprintf("page-%d", i))
	}
	p.Show(browsertest.Desktop())
	p.Click("#pause")
	p.Click("#stop")
	p.Wait("document.querySelector('#ask').open")
	p.Axe()
	p.Screenshot("page-ask")
	p.Type("\r") // the focus is on the button that keeps it running
	p.Wait("!document.querySelector('#ask').open")
	p.Click("#stop")
	p.Click("#really")
	p.Wait("document.querySelector('#answer').textContent === 'The run ends after its current batch.'")
	browsertest.Eval[bool](p, "document.querySelector('#pace').value = 'gentle', document.querySelector('#pace').onchange(), true")
	p.Wait("document.querySelector('#answer').textContent === 'The pace is gentle from the next batch on.'")
	browsertest.Eval[bool](p, "document.querySelector('#max-impact').value = '1.2', document.querySelector('#max-impact').onchange(), true")
	p.Wait("document.querySelector('#answer').textContent === 'The impact is limited to 1.2x.'")
	if got := c.all(); got != "pause stop pace=gentle max-impact=1.2" {
		t.Errorf("the run got %q", got)
	}
	board.Event(event.Result{
		Command: "up", Schema: "app", Rows: 5, Elapsed: time.Minute,
		Problems: problem.List{{Kind: problem.Stopped, Code: "stopped", Message: "stopped at a clean point by rekey stop", Hint: "Run the same command again to resume."}},
	}, time.Now())
	p.Wait("document.querySelector('#badge').dataset.status === 'ended' && document.querySelector('#stop').disabled")
	p.Screenshot("page-ended")
}
