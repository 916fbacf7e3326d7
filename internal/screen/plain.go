package screen

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// LineInterval is the time between two lines about the progress of a table.
const LineInterval = 5 * time.Second

// Plain folds events into lines for logs: one at the start and at the end of a table, and a few lines between them. It
// is a value; Next returns the next one.
type Plain struct {
	State    State
	printed  map[string]time.Time // the time of the last line about a table or about the throttle
	slowdown string               // the last reason that was printed
}

// Next applies one event and returns the lines to print.
func (p Plain) Next(e event.Event, at time.Time) (Plain, []string) {
	p.State = Fold(p.State, e, at)
	switch e := e.(type) {
	case event.RunStarted:
		return p, []string{startLine(p.State)}
	case event.TableStarted:
		p = p.print(e.Table, at)
		return p, []string{clean(e.Table) + ": started" + ending(e.Phase) + rowsToFill(e.Rows)}
	case event.TableDone:
		return p, []string{doneLine(p.State, e)}
	case event.TableAbsent:
		return p, []string{clean(e.Table) + ": absent, which is not an error"}
	case event.Notice:
		return p, []string{noticeLine(e)}
	case event.Progress:
		return p.progress(e.Table, at)
	case event.IndexProgress:
		return p.progress(e.Table, at)
	case event.LockRefused:
		if !p.due("lock "+e.Table, at) {
			return p, nil
		}
		line := fmt.Sprintf("%s: not locked after %s, blocked by %s; next attempt in %s",
			clean(e.Table), plural(e.Attempts, "attempt", "attempts"), blockerNames(e.Blockers), FormatDuration(e.Pause))
		return p.print("lock "+e.Table, at), []string{line}
	case event.Impact:
		return p.impact(e, at)
	case event.Throttled:
		return p.throttle(at)
	}
	return p, nil
}

// progress returns a line about a table, unless the last one is recent.
func (p Plain) progress(table string, at time.Time) (Plain, []string) {
	i := p.State.find(table)
	if i < 0 || !p.due(table, at) {
		return p, nil
	}
	t := p.State.Work[i]
	line := fmt.Sprintf("%s: %s of %s, %d%%", clean(t.Name), Count(t.Done), rows(t.Total), percent(t.Done, t.Total))
	if note := t.activity(); note != "" {
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

// throttle returns a line for each new reason, and one at the end of a printed reason.
func (p Plain) throttle(at time.Time) (Plain, []string) {
	text := slowdownText(p.State)
	if text == p.slowdown || text != "" && !p.due("pace", at) {
		return p, nil
	}
	p.slowdown = text
	if text == "" {
		return p, []string{"full speed"}
	}
	return p.print("pace", at), []string{text}
}

func (p Plain) due(what string, at time.Time) bool {
	last, shown := p.printed[what]
	return !shown || at.Sub(last) >= LineInterval
}

func (p Plain) print(what string, at time.Time) Plain {
	spoke := make(map[string]time.Time, len(p.printed)+1)
	maps.Copy(spoke, p.printed)
	spoke[what] = at
	p.printed = spoke
	return p
}

func startLine(s State) string {
	line := fmt.Sprintf("%s, schema %s", clean(s.Command), clean(s.Schema))
	if s.To > 0 {
		line += ", " + versions(s.From, s.To, s.Command == "down")
	}
	line += ": " + workOf(s.Tables, s.Edges, s.Keys)
	if s.Rows > 0 {
		line += ", about " + rows(s.Rows) + " to fill"
	}
	return line
}

func doneLine(s State, e event.TableDone) string {
	line := clean(e.Table) + ": done in " + FormatDuration(e.Elapsed)
	if e.Rows > 0 {
		line = fmt.Sprintf("%s: done, %s in %s", clean(e.Table), rows(e.Rows), FormatDuration(e.Elapsed))
	}
	return fmt.Sprintf("%s (%d of %d)", line, len(s.Finished), max(s.Tables+s.Edges+s.Keys, len(s.Finished)))
}

func noticeLine(e event.Notice) string {
	text := clean(strings.Join(strings.Fields(e.Text), " "))
	if e.Table == "" {
		return text
	}
	return clean(e.Table) + ": " + text
}

// ending returns the phase of work that ends integers: its tables and references have the names of those in earlier phases.
func ending(phase string) string {
	if phase == string(rekey.Contracted) {
		return ", to contracted"
	}
	return ""
}

// rowsToFill returns the estimated number of rows to fill, "" for none.
func rowsToFill(rows int64) string {
	if rows == 0 {
		return ""
	}
	return ", about " + plural(int(rows), "row", "rows") + " to fill"
}
