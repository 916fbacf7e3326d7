package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/screen"
)

// clock returns a time in UTC: 2026-11-29 07:06:20 UTC.
func clock(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// number returns a number with commas.
func number(n int64) string { return message.Number(n) }

// size returns a number of bytes with its unit.
func size(n int64) string { return screen.Bytes(n) }

// rate returns a number per second with its unit.
func rate(n float64) string { return message.Number(int64(n)) + "/s" }

// elapsed returns a duration: 4 ms, 1.2 s, 3 min 5 s.
func elapsed(d time.Duration) string { return screen.FormatDuration(d) }

// millis returns a short duration exactly: 0.04 ms, 4.1 ms, 52 ms; a long one as elapsed does.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d == 0:
		return "0 ms"
	case ms < 10:
		return fmt.Sprintf("%.2f ms", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return elapsed(d)
	}
}

// times returns a ratio: 1.42 ×.
func times(ratio float64) string { return fmt.Sprintf("%.2f ×", ratio) }

// percent returns a share from 0 to 1.
func percent(part float64) string { return fmt.Sprintf("%.0f %%", part*100) }

// difference returns how much more or less a value is than expected: +12 %, -3 %.
func difference(expected, found float64) string {
	if expected <= 0 {
		return ""
	}
	text := fmt.Sprintf("%+.0f %%", (found/expected-1)*100)
	return strings.NewReplacer("+0 ", "0 ", "-0 ", "0 ").Replace(text)
}

// after returns a time since the beginning of the run: +350 ms, +3.2 s, +1 h 5 min.
func after(t, start time.Time) string {
	d := max(t.Sub(start), 0)
	if d >= time.Second && d < 10*time.Minute {
		return fmt.Sprintf("+%.1f s", d.Seconds())
	}
	return "+" + elapsed(d)
}
