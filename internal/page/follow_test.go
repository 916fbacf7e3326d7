package page

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
	"github.com/rekey-pg/rekey/internal/journal"
)

// TestFollowerShowsTrouble follows a run whose database is lost, whose process is killed, and the next run.
func TestFollowerShowsTrouble(t *testing.T) {
	board := NewBoard()
	var found journal.Followed
	var err error
	f := &follower{read: func(context.Context) (journal.Followed, error) { return found, err }, board: board}
	run, lease := &journal.Run{ID: 7}, &journal.HeldLease{}
	working := history.State{Run: 7, Command: "up", Paused: true, Reason: "paused", Work: []history.Table{{Name: "app.t", Rate: 5, Total: 9}}}
	for _, c := range []struct {
		what    string
		found   journal.Followed
		err     error
		run     int64
		trouble string
	}{
		{"nothing", journal.Followed{}, nil, 0, ""},
		{"a run", journal.Followed{Run: run, Lease: lease, State: working, Changed: true}, nil, 7, ""},
		{"a lost database", journal.Followed{}, errors.New("broken"), 7, "The database does not answer"},
		{"the database is back", journal.Followed{Run: run, Lease: lease, State: working}, nil, 7, ""},
		{"a killed process", journal.Followed{Run: run, State: working}, nil, 7, "was killed"},
		{"the database is lost again", journal.Followed{}, errors.New("broken"), 7, "The database does not answer"},
		{"the next run has the lease", journal.Followed{Lease: lease}, nil, 7, "was killed"},
		{"the next run", journal.Followed{Run: &journal.Run{ID: 8}, Lease: lease, State: history.State{Run: 8}, Changed: true}, nil, 8, ""},
	} {
		found, err = c.found, c.err
		f.inspect(t.Context())
		now, _ := board.now()
		if now.state.Run != c.run || (now.trouble == "") != (c.trouble == "") || !strings.Contains(now.trouble, c.trouble) {
			t.Errorf("%s: run %d, trouble %q", c.what, now.state.Run, now.trouble)
		}
		ended := strings.Contains(c.what, "killed") || strings.Contains(c.what, "again") || strings.Contains(c.what, "has the lease")
		v := viewOf(now, time.Now())
		if now.working() != (c.run != 0 && !ended) || v.Controls != now.working() || v.Status != map[bool]string{false: v.Status, true: statusEnded}[ended] || ended && v.Rate+v.Left > 0 {
			t.Errorf("%s: working %t, %s, controls %t", c.what, now.working(), v.Status, v.Controls)
		}
	}
}

// TestClientsShareAView checks that the view is encoded once for all clients after a change, and again when it is old.
func TestClientsShareAView(t *testing.T) {
	board, begin := NewBoard(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text := func(at time.Time) string {
		now, _ := board.now()
		f, _ := after(cursor{}, now, at)
		return string(f.View)
	}
	board.Event(event.RunStarted{Run: 1, Command: "up"}, begin)
	first := text(begin)
	if second := text(begin.Add(frameInterval / 2)); second != first || !strings.Contains(first, `"run":1`) {
		t.Errorf("%s, then %s", first, second)
	}
	if old := text(begin.Add(frameInterval)); old == first {
		t.Errorf("an old view: %s", old)
	}
	board.Event(event.RunStarted{Run: 2, Command: "up"}, begin)
	if next := text(begin.Add(frameInterval)); !strings.Contains(next, `"run":2`) {
		t.Errorf("after a change: %s", next)
	}
}

// BenchmarkFrame makes the frame of a client that has seen everything before, during a run over many tables.
func BenchmarkFrame(b *testing.B) {
	board := NewBoard()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	board.Event(event.RunStarted{Run: 1, Command: "up", Schema: "app", Tables: 500}, begin)
	for i := range 400 {
		name := fmt.Sprintf("app.table_%d", i)
		board.Event(event.TableStarted{Table: name, Rows: 1000}, begin)
		board.Event(event.TableDone{Table: name, Rows: 1000, Elapsed: time.Second}, begin)
	}
	for i := range 2000 {
		board.Event(event.Load{WAL: 1}, begin.Add(time.Duration(i)*time.Second))
	}
	now, _ := board.now()
	_, c := after(cursor{}, now, begin)
	b.ReportAllocs()
	for b.Loop() {
		f, next := after(c, now, begin)
		sse(f, next)
	}
}
