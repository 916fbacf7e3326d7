package screen

import (
	"fmt"
	"maps"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// LineInterval is the time between two lines about the progress of a table.
const LineInterval = history.LineInterval

// Plain folds events into lines for logs: one at the start and at the end of a table, and a few lines between them. It
// is a value; Next returns the next one.
type Plain struct {
	State   history.State
	printed map[string]time.Time // the time of the last line about a table
}

// Next applies one event and returns the lines to print.
func (p Plain) Next(e event.Event, at time.Time) (Plain, []string) {
	logged := p.State.Logged
	p.State = history.Fold(p.State, history.Entry{At: at, Event: e})
	switch e := e.(type) {
	case event.TableStarted:
		p = p.print(e.Table, at)
	case event.Progress:
		return p.progress(e.Table, at)
	case event.IndexProgress:
		return p.progress(e.Table, at)
	case event.Impact:
		return p.impact(e, at)
	case event.Result: // the summary of the run says more
		return p, nil
	}
	var lines []string
	for _, line := range p.State.Log[len(p.State.Log)-(p.State.Logged-logged):] {
		lines = append(lines, line.Text)
	}
	return p, lines
}

// progress returns a line about a table, unless the last one is recent.
func (p Plain) progress(table string, at time.Time) (Plain, []string) {
	i := p.State.Find(table)
	if last, shown := p.printed[table]; i < 0 || shown && at.Sub(last) < LineInterval {
		return p, nil
	}
	t := p.State.Work[i]
	line := fmt.Sprintf("%s: %s of %s, %d%%", clean(t.Name), Count(t.Done), rows(t.Total), history.Percent(t.Done, t.Total))
	if note := t.Activity(at); note != "" {
		line = clean(t.Name + ": " + note)
	} else if t.Rate > 0 && t.Done < t.Total {
		line += fmt.Sprintf(", %s rows/s, %s left", Count(int64(t.Rate)), FormatDuration(roundDuration(t.Left)))
	}
	return p.print(table, at), []string{line}
}

// impactInterval is the time between two lines about the impact of a table's filling.
const impactInterval = 30 * time.Second

// impact returns a line about what the application feels, unless the last one is recent.
func (p Plain) impact(e event.Impact, at time.Time) (Plain, []string) {
	text, what := impactText(e), "impact "+e.Table
	if last, shown := p.printed[what]; text == "" || shown && at.Sub(last) < impactInterval {
		return p, nil
	}
	return p.print(what, at), []string{clean(e.Table) + ": " + text}
}

func (p Plain) print(table string, at time.Time) Plain {
	printed := make(map[string]time.Time, len(p.printed)+1)
	maps.Copy(printed, p.printed)
	printed[table] = at
	p.printed = printed
	return p
}
