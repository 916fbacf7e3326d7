package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/history"
)

// Watched is what rekey status --watch shows.
type Watched struct {
	rekey.Progress
	Schema string
	// Age is the time since the last event was read. Durations are measured by the clock of the run until then.
	Age time.Duration
	// Trouble says why nothing newer can be read; "" if it can.
	Trouble string
}

// quiet is the time without an event after which a frame says so.
const quiet = 15 * time.Second

const (
	leaveHint = "Ctrl-C ends the view, not the run; rekey stop or pause does."
	headlines = 3 // lines of the headline, at most
)

// frameLine is a line of a frame. A terminal with few lines shows only lines of low rank.
type frameLine struct {
	text string
	rank int
	bar  bool
}

// The ranks of the lines of a frame, the first ones to leave out last.
const (
	always = iota
	rankImpact
	rankFirstTable
	rankAbout
	rankLoad
	rankTable
	rankBlank
	rankHint
)

// Frame returns the picture of the run for a terminal: at most height lines of at most width columns. The first line says whether
// the run works, and if not, why.
func (w Watched) Frame(width, height int) []string {
	var all []frameLine
	add := func(rank int, lines ...string) {
		for _, line := range lines {
			all = append(all, frameLine{text: truncate(line, width), rank: rank})
		}
	}
	head := wrap(w.headline(), width, "", "  ")
	add(always, head[:min(len(head), headlines)]...)
	add(rankAbout, w.about())
	add(rankImpact, impactLine(w.Progress)...)
	add(rankLoad, loadLine(w.Progress)...)
	if !w.Recorded.IsZero() {
		add(rankBlank, "")
		for i, bar := range alignBars(barsOf(w.Progress, w.Schema), min(width, maxLineWidth)) {
			all = append(all, frameLine{bar, []int{always, rankFirstTable, rankTable}[min(i, 2)], true})
		}
	}
	add(rankHint, "", leaveHint)
	return fit(all, width, height)
}

// fit leaves out lines of the highest ranks, the last ones first, and says how many bars it left out.
func fit(all []frameLine, width, height int) []string {
	hidden := 0
	for len(all)+min(hidden, 1) > height && len(all) > 0 {
		last := 0
		for i, line := range all {
			if line.rank >= all[last].rank {
				last = i
			}
		}
		if all[last].bar {
			hidden++
		}
		all = slices.Delete(all, last, last+1)
	}
	var lines []string
	for i, line := range all {
		lines = append(lines, line.text)
		if hidden > 0 && line.bar && (i+1 == len(all) || !all[i+1].bar) {
			lines = append(lines, truncate(fmt.Sprintf("and %d more", hidden), width))
		}
	}
	return lines
}

// Line returns what a frame shows in one line, for output that is not a terminal.
func (w Watched) Line() string {
	at := w.Recorded
	if at.IsZero() {
		at = w.Started
	}
	parts := []string{at.UTC().Format(time.RFC3339) + " " + w.headline()}
	if !w.Recorded.IsZero() {
		for i, b := range barsOf(w.Progress, w.Schema) {
			const most = 4
			if i == most {
				parts = append(parts, fmt.Sprintf("and %d more", len(w.Tables)-most+1))
				break
			}
			parts = append(parts, b.plain())
		}
	}
	parts = append(parts, impactLine(w.Progress)...)
	return strings.Join(parts, "; ")
}

// OnlyFigures reports whether two lines differ in figures at most.
func OnlyFigures(a, b string) bool { return history.SameReason(a, b) }

// plain returns a bar as text: "orders 61%, 123k/200k, 12.3k/s, 6 s left".
func (b Bar) plain() string {
	c := cellsOf(b)
	parts := []string{b.Name, fmt.Sprintf("%d%%", b.Percent), b.Note, c.rows, c.rate, textIf(c.left != "", c.left+" left")}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// headline says whether the run works, and if not, why.
func (w Watched) headline() string {
	waiting := -1
	for i, t := range w.Tables {
		if t.WaitingSince != nil && waiting < 0 {
			waiting = i
		}
	}
	switch {
	case w.Trouble != "":
		return "NO CONNECTION to the database: " + clean(w.Trouble) + ". Trying again" + textIf(w.Age > 0, "; this is "+inSeconds(w.Age)+" old") + "."
	case w.Recorded.IsZero():
		return "STARTING: nothing is recorded yet"
	case w.Paused:
		return "PAUSED" + w.since(w.ReasonSince) + withoutWord("paused ", ": ", w.Reason)
	case waiting >= 0:
		t := w.Tables[waiting]
		return "WAITING" + w.since(t.WaitingSince) + ": " + clean(strings.TrimPrefix(t.Table, w.Schema+".")) + withoutWord("waiting ", ": ", t.Activity)
	case w.Age >= quiet:
		return fmt.Sprintf("RUNNING, but it has recorded nothing for %s", inSeconds(w.Age))
	case w.Reason != "":
		return "SLOWED" + w.since(w.ReasonSince) + ": " + clean(w.Reason)
	}
	state := fmt.Sprintf("RUNNING %d%%", w.Percent)
	if w.Rate > 0 && w.Done < w.Total {
		state += ", about " + FormatDuration(roundDuration(w.Left)) + " left"
	}
	return state
}

// withoutWord returns a text after a separator, or without its first word and the separator: "paused from another terminal" after
// the word PAUSED.
func withoutWord(word, separator, text string) string {
	if rest, found := strings.CutPrefix(text, word); found {
		return " " + clean(rest)
	}
	return separator + clean(text)
}

// since says for how long something has lasted.
func (w Watched) since(at *time.Time) string {
	if at == nil {
		return ""
	}
	return " for " + inSeconds(w.Recorded.Sub(*at)+w.Age)
}

// about names the run and its duration.
func (w Watched) about() string {
	text := fmt.Sprintf("rekey %s, schema %s", clean(w.Command), clean(w.Schema))
	if !w.Recorded.IsZero() {
		text += ", for " + inSeconds(w.Recorded.Sub(w.Started)+w.Age)
	}
	return text
}
