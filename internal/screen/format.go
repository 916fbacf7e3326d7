package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Count returns a number with commas: 1,234,567.
func Count(n int64) string { return message.Number(n) }

// short returns a number in at most six columns: 999, 12.3k, 1.23M.
func short(n float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n < unit.size {
			continue
		}
		switch value := n / unit.size; {
		case value < 10:
			return fmt.Sprintf("%.2f%s", value, unit.name)
		case value < 100:
			return fmt.Sprintf("%.1f%s", value, unit.name)
		default:
			return fmt.Sprintf("%.0f%s", value, unit.name)
		}
	}
	return fmt.Sprintf("%.0f", n)
}

// Bytes returns a size in PostgreSQL's units: 8192 bytes are 8 kB.
func Bytes(n int64) string { return message.Bytes(n) }

// FormatDuration returns a duration with two units at most: 4 ms, 1.2 s, 3 min 5 s, 2 h 10 min.
func FormatDuration(d time.Duration) string { return message.Elapsed(d) }

// inSeconds returns a duration that passes while it is shown.
func inSeconds(d time.Duration) string {
	const fractions = 10 * time.Second // below it, FormatDuration has fractions
	if d < fractions {
		return fmt.Sprintf("%d s", int(max(0, d).Seconds()))
	}
	return FormatDuration(d)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(int64(n)) + " " + many
}

// rows returns a number of rows.
func rows(n int64) string { return plural(int(n), "row", "rows") }

// clean escapes what a terminal would obey: a quoted name may contain escape sequences.
func clean(text string) string { return visible.Line(text) }

// columns returns how many columns of a terminal a text takes: a Chinese character takes two.
func columns(text string) int { return terminalWidth().StringWidth(text) }

// terminalWidth measures characters without asking the environment for a locale.
func terminalWidth() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

// padOrTrim shortens a text at its beginning, since the names of a profile begin alike, or pads it on the right.
func padOrTrim(text string, width int) string {
	if width < 1 {
		return ""
	}
	if excess := columns(text) - width; excess > 0 {
		text = terminalWidth().TruncateLeft(text, excess+1, "…")
	}
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// truncate shortens a text at its end.
func truncate(text string, width int) string {
	return terminalWidth().Truncate(text, max(0, width), textIf(width > 0, "…"))
}

// roundDuration rounds a remaining time, so that it does not flicker.
func roundDuration(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(time.Second)
	}
	return d
}
