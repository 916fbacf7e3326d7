package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/history"
)

// Bar is one line of a frame: an active table, or all tables.
type Bar struct {
	Name        string
	Percent     int
	Done, Total int64
	Rate        float64 // rows per second
	Left        time.Duration
	Note        string // shown in place of rate and time
	Text        string // shown in place of all the rest
}

// Frame is what a terminal shows for a state.
type Frame struct {
	Bars []Bar // the active tables
	All  Bar
	// Impact is what the application feels, without a text while it is not measured.
	Impact Bar
}

// Draw returns the frame of a state at a time.
func Draw(s history.State, now time.Time) Frame {
	frame := Frame{All: Bar{
		Name: progressOf(s), Percent: s.Percent(),
		Done: s.Done(), Total: s.Total(), Rate: s.Rate(), Left: s.Left(), Note: s.Slowdown(),
	}}
	if s.Impact != nil {
		frame.Impact.Text = impactText(*s.Impact)
	}
	for _, t := range s.Work {
		frame.Bars = append(frame.Bars, Bar{
			Name: clean(strings.TrimPrefix(t.Name, s.Schema+".")), Percent: history.Percent(t.Done, t.Total),
			Done: t.Done, Total: t.Total, Rate: t.Rate, Left: t.Left, Note: t.Activity(now),
		})
	}
	return frame
}

// progressOf counts the finished tables and references. It is short, since it shares a line with a bar.
func progressOf(s history.State) string {
	if s.Edges+s.Keys > 0 {
		return fmt.Sprintf("%d of %d done", len(s.Finished), s.Tables+s.Edges+s.Keys)
	}
	return fmt.Sprintf("%d of %s", len(s.Finished), history.Work(s.Tables, s.Edges, s.Keys))
}

// The widths of the parts of a line.
const (
	maxNameWidth = 36 // the longest name of PhoenixKit
	minNameWidth = 14
	minBarWidth  = 10
	maxBarWidth  = 40
)

// Line returns the bar in one line of at most width columns. It leaves out what does not fit: first the drawing, then
// the rate, then the rows, then the time.
func (b Bar) Line(width int) string {
	if b.Text != "" {
		return truncate(b.Text, width)
	}
	right := b.facts(width - minNameWidth - 2)
	rest := width - columns(right) - 2
	if rest < 1 {
		return truncate(strings.TrimSpace(right), width)
	}
	name := min(maxNameWidth, rest-minBarWidth-2)
	if name < minNameWidth {
		return padOrTrim(b.Name, rest) + "  " + right
	}
	return padOrTrim(b.Name, name) + "  " + draw(b.Percent, min(maxBarWidth, rest-name-2)) + "  " + right
}

// facts returns percent, rows, rate and remaining time, as many as fit.
func (b Bar) facts(available int) string {
	head := fmt.Sprintf("%3d%%", b.Percent)
	if b.Note != "" {
		return head + truncate("  "+b.Note, max(0, available-len(head)))
	}
	var rows, rate, left string
	if b.Total > 0 {
		rows = fmt.Sprintf("  %11s", short(float64(b.Done))+"/"+short(float64(b.Total)))
	}
	if b.Rate > 0 && b.Done < b.Total {
		rate, left = fmt.Sprintf("  %7s", short(b.Rate)+"/s"), fmt.Sprintf("  %8s", FormatDuration(roundDuration(b.Left)))
	}
	for _, text := range []string{rows + rate + left, rows + left, left} {
		if len(head)+len(text) <= available {
			return head + text
		}
	}
	return head
}

func draw(percent, width int) string {
	inner := width - 2
	full := inner * percent / 100
	head := ""
	if full > 0 && full < inner {
		full, head = full-1, ">"
	}
	return "[" + strings.Repeat("=", full) + head + strings.Repeat(" ", inner-full-len(head)) + "]"
}
