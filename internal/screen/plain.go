package screen

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// Every is how long nothing is said of a table that is in work, where there is no terminal.
const Every = 5 * time.Second

// Plain folds events into lines for logs: one when a table begins and ends, and one now and then
// between. It is a value; Next makes the next one.
type Plain struct {
	State  State
	spoke  map[string]time.Time // what was said last of a table or of the pace
	reason string               // the last reason that was told
}

// Next takes one event into account and gives the lines that are due.
func (p Plain) Next(e event.Event, at time.Time) (Plain, []string) {
	p.State = Fold(p.State, e, at)
	switch e := e.(type) {
	case event.RunStarted:
		return p, []string{opening(p.State)}
	case event.TableStarted:
		p = p.said(e.Table, at)
		return p, []string{clean(e.Table) + ": begins" + about(e.Rows)}
	case event.TableDone:
		return p, []string{ending(p.State, e)}
	case event.TableAbsent:
		return p, []string{clean(e.Table) + ": absent, no error"}
	case event.Notice:
		return p, []string{notice(e)}
	case event.Progress:
		return p.now(e.Table, at)
	case event.IndexProgress:
		return p.now(e.Table, at)
	case event.LockRefused:
		if !p.due("lock "+e.Table, at) {
			return p, nil
		}
		line := fmt.Sprintf("%s: no lock after %s, held by %s; tried again in %s",
			clean(e.Table), plural(e.Attempts, "try", "tries"), people(e.Blockers), Span(e.Pause))
		return p.said("lock "+e.Table, at), []string{line}
	case event.Throttled:
		return p.pace(at)
	}
	return p, nil
}

// now tells how far a table is, if nothing was said of it lately.
func (p Plain) now(table string, at time.Time) (Plain, []string) {
	i := p.State.find(table)
	if i < 0 || !p.due(table, at) {
		return p, nil
	}
	t := p.State.Work[i]
	line := fmt.Sprintf("%s: %s of %s, %d%%", clean(t.Name), Count(t.Done), rows(t.Total), percent(t.Done, t.Total))
	if note := t.note(); note != "" {
		line = clean(t.Name + ": " + note)
	} else if t.Rate > 0 && t.Done < t.Total {
		line += fmt.Sprintf(", %s rows/s, %s left", Count(int64(t.Rate)), Span(seconds(t.Left)))
	}
	return p.said(table, at), []string{line}
}

// pace tells a reason once, and its end if its beginning was told.
func (p Plain) pace(at time.Time) (Plain, []string) {
	text := brake(p.State)
	if text == p.reason || text != "" && !p.due("pace", at) {
		return p, nil
	}
	p.reason = text
	if text == "" {
		return p, []string{"full speed again"}
	}
	return p.said("pace", at), []string{text}
}

func (p Plain) due(what string, at time.Time) bool {
	last, told := p.spoke[what]
	return !told || at.Sub(last) >= Every
}

func (p Plain) said(what string, at time.Time) Plain {
	spoke := make(map[string]time.Time, len(p.spoke)+1)
	maps.Copy(spoke, p.spoke)
	spoke[what] = at
	p.spoke = spoke
	return p
}

func opening(s State) string {
	line := fmt.Sprintf("%s, schema %s", clean(s.Command), clean(s.Scope))
	if s.To > 0 {
		line += ", " + versions(s.From, s.To, s.Command == "down")
	}
	line += ": " + plural(s.Tables, "table", "tables")
	if s.Rows > 0 {
		line += ", about " + rows(s.Rows) + " to fill"
	}
	return line
}

func ending(s State, e event.TableDone) string {
	line := clean(e.Table) + ": done in " + Span(e.Elapsed)
	if e.Rows > 0 {
		line = fmt.Sprintf("%s: done, %s in %s", clean(e.Table), rows(e.Rows), Span(e.Elapsed))
	}
	return fmt.Sprintf("%s (%d of %d)", line, len(s.Finished), max(s.Tables, len(s.Finished)))
}

func notice(e event.Notice) string {
	text := clean(strings.Join(strings.Fields(e.Text), " "))
	if e.Table == "" {
		return text
	}
	return clean(e.Table) + ": " + text
}

// about tells the rows that are to be filled, where there are any.
func about(rows int64) string {
	if rows == 0 {
		return ""
	}
	return ", about " + plural(int(rows), "row", "rows") + " to fill"
}
