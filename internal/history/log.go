package history

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/visible"
)

// LineInterval is the time between two lines about the same subject: the progress of a table, a lock, the throttle.
const LineInterval = 5 * time.Second

// maxLog is the number of lines after which the oldest are removed.
const maxLog = 4000

// Line is a line of the log of a run. Its text can be printed as it is.
type Line struct {
	Seq  int64 // of the entry
	At   time.Time
	Text string
}

// log adds the line about an entry, if there is one. before is the state without the entry.
func (s State) log(before State, entry Entry) State {
	s.entry = entry.Seq
	switch e := entry.Event.(type) {
	case event.RunStarted:
		return s.addLine(entry.At, startLine(s))
	case event.TableStarted:
		return s.addLine(entry.At, visible.Line(e.Table)+": started"+ending(e.Phase)+rowsToFill(e.Rows))
	case event.TableDone:
		return s.addLine(entry.At, doneLine(s, e))
	case event.TableAbsent:
		return s.addLine(entry.At, visible.Line(e.Table)+": absent, which is not an error")
	case event.Notice:
		return s.addLine(entry.At, noticeLine(e))
	case event.LockRefused:
		if !s.due("lock "+e.Table, entry.At) {
			return s
		}
		return s.remember("lock "+e.Table, entry.At).addLine(entry.At, fmt.Sprintf("%s: not locked after %s, blocked by %s; next attempt in %s",
			visible.Line(e.Table), message.Counted(e.Attempts, "attempt", "attempts"), Blockers(e.Blockers), message.Elapsed(e.Pause)))
	case event.Throttled:
		return s.logThrottle(entry.At)
	case event.Result:
		if before.Run != 0 {
			return s.addLine(entry.At, resultLine(e))
		}
	}
	return s
}

// logThrottle adds a line for each new reason, and one at the end of a logged reason.
func (s State) logThrottle(at time.Time) State {
	text := s.Slowdown()
	if text == s.logOf || text != "" && !s.due("pace", at) {
		return s
	}
	s.logOf = text
	if text == "" {
		return s.addLine(at, "full speed")
	}
	return s.remember("pace", at).addLine(at, text)
}

func (s State) addLine(at time.Time, text string) State {
	if len(s.Log) >= maxLog {
		s.Log = append(make([]Line, 0, maxLog), s.Log[maxLog/4:]...)
	}
	s.Log = append(s.Log, Line{Seq: s.entry, At: at, Text: text})
	s.Logged++
	return s
}

func (s State) due(what string, at time.Time) bool {
	last, shown := s.logged[what]
	return !shown || at.Sub(last) >= LineInterval
}

func (s State) remember(what string, at time.Time) State {
	logged := make(map[string]time.Time, len(s.logged)+1)
	maps.Copy(logged, s.logged)
	logged[what] = at
	s.logged = logged
	return s
}

// Slowdown returns why the run slows down or pauses, "" if it does not.
func (s State) Slowdown() string {
	switch {
	case s.Reason == "":
		return ""
	case s.Paused:
		return "paused: " + visible.Line(s.Reason)
	default:
		return "slowed: " + visible.Line(s.Reason)
	}
}

// Activity returns what a table does while no rows are filled, "" if rows are filled or nothing is known.
func (t Table) Activity(now time.Time) string {
	switch {
	case t.Phase != "" && t.WaitsForLock:
		return visible.Line(t.Phase) + ", waiting for " + Blockers(t.Blockers)
	case t.WaitsForLock:
		return "waiting for a lock held by " + Blockers(t.Blockers)
	case t.Phase == validating && t.Step != nil:
		return fmt.Sprintf("%s for %s, reads %s", validating, message.Elapsed(now.Sub(t.Step.Started).Truncate(time.Second)), message.Bytes(t.Step.Bytes))
	default:
		return visible.Line(t.Phase)
	}
}

// Blockers names sessions, each described as in an event.
func Blockers(blockers []string) string {
	if len(blockers) == 0 {
		return "another session"
	}
	return visible.Line(strings.Join(blockers, ", "))
}

const validating = "validating"

// stepPhase returns what a table does during a statement that reads all of it and has no progress of its own.
func stepPhase(e event.Executing) string {
	if e.Bytes > 0 && strings.Contains(e.SQL, " VALIDATE CONSTRAINT ") {
		return validating
	}
	return ""
}

// indexPhase names the phase as PostgreSQL does, with the word "index" in it.
func indexPhase(e event.IndexProgress) string {
	text := e.Phase
	switch {
	case text == "":
		text = "index"
	case !strings.Contains(text, "index"):
		text = "index: " + text
	}
	if e.Total > 0 {
		text += fmt.Sprintf(" %d%%", Percent(e.Done, e.Total))
	}
	return text
}

func startLine(s State) string {
	line := fmt.Sprintf("%s, schema %s", visible.Line(s.Command), visible.Line(s.Schema))
	if s.To > 0 {
		line += ", " + Versions(s.From, s.To, s.Command == "down")
	}
	line += ": " + Work(s.Tables, s.Edges, s.Keys)
	if s.Rows > 0 {
		line += ", about " + rows(s.Rows) + " to fill"
	}
	return line
}

func doneLine(s State, e event.TableDone) string {
	line := visible.Line(e.Table) + ": done in " + message.Elapsed(e.Elapsed)
	if e.Rows > 0 {
		line = fmt.Sprintf("%s: done, %s in %s", visible.Line(e.Table), rows(e.Rows), message.Elapsed(e.Elapsed))
	}
	return fmt.Sprintf("%s (%d of %d)", line, len(s.Finished), max(s.Parts(), len(s.Finished)))
}

func noticeLine(e event.Notice) string {
	text := visible.Line(strings.Join(strings.Fields(e.Text), " "))
	if e.Table == "" {
		return text
	}
	return visible.Line(e.Table) + ": " + text
}

func resultLine(e event.Result) string {
	if e.OK {
		return fmt.Sprintf("%s: done in %s", visible.Line(e.Command), message.Elapsed(e.Elapsed))
	}
	line := fmt.Sprintf("%s: not finished, after %s", visible.Line(e.Command), message.Elapsed(e.Elapsed))
	if len(e.Problems) > 0 {
		line += ": " + visible.Line(e.Problems[0].Message)
	}
	return line
}

// ending returns the phase of work that ends integers: its tables and references have the names of those in earlier phases.
func ending(phase string) string {
	if phase == "contracted" {
		return ", to contracted"
	}
	return ""
}

// rowsToFill returns the estimated number of rows to fill, "" for none.
func rowsToFill(n int64) string {
	if n == 0 {
		return ""
	}
	return ", about " + rows(n) + " to fill"
}

func rows(n int64) string { return message.Counted(n, "row", "rows") }

// Versions returns the recorded version and the next one. A version beyond the next one stays: a later migration of the
// profile recorded it.
func Versions(from, to int, down bool) string {
	if from == to || down == (from < to) {
		return fmt.Sprintf("version %d, which stays", from)
	}
	return fmt.Sprintf("version %d to %d", from, to)
}

// Work returns the numbers of tables, references and primary keys: "8 tables, 7 references and 8 primary keys".
func Work(tables, edges, keys int) string {
	var parts []string
	if tables > 0 || edges == 0 && keys == 0 {
		parts = append(parts, message.Counted(tables, "table", "tables"))
	}
	if edges > 0 {
		parts = append(parts, message.Counted(edges, "reference", "references"))
	}
	if keys > 0 {
		parts = append(parts, message.Counted(keys, "primary key", "primary keys"))
	}
	last := parts[len(parts)-1]
	if len(parts) == 1 {
		return last
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + last
}

// SameReason reports whether two reasons of the throttle differ in figures at most.
func SameReason(a, b string) bool { return withoutNumbers(a) == withoutNumbers(b) }

// withoutNumbers returns a reason without its figures, which change while it lasts.
func withoutNumbers(reason string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, reason)
}
