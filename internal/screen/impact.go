package screen

import (
	"fmt"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// impactText says what the probe measures: "impact 1.2x (limit 1.5x): commits 1.1 ms (idle 0.9), reads 0.3 ms (0.2)". It is "" before
// the first measurement.
func impactText(e event.Impact) string {
	if e.Commit == 0 {
		return ""
	}
	text := "commits " + millis(e.Commit) + " ms"
	if e.CommitIdle > 0 {
		text += " (idle " + millis(e.CommitIdle) + ")"
	}
	if e.Read > 0 {
		text += ", reads " + millis(e.Read) + " ms"
		if e.ReadIdle > 0 {
			text += " (" + millis(e.ReadIdle) + ")"
		}
	}
	limit := ""
	if e.Limit > 0 {
		limit = fmt.Sprintf("limit %gx", e.Limit)
	}
	switch {
	case e.Ratio > 0 && limit != "":
		text = fmt.Sprintf("impact %.1fx (%s): %s", e.Ratio, limit, text)
	case e.Ratio > 0:
		text = fmt.Sprintf("impact %.1fx: %s", e.Ratio, text)
	case limit != "":
		text += ", " + limit
	}
	if e.Cause != "" {
		text += ", " + clean(causeText(e.Cause))
	}
	return text
}

// causeText names what else makes the application wait.
func causeText(cause string) string {
	switch cause {
	case "checkpoint":
		return "during a checkpoint"
	case "wal-segments":
		return "while WAL segments are created"
	case "autovacuum":
		return "beside an autovacuum of the table"
	default:
		return cause
	}
}

// millis formats a duration in milliseconds.
func millis(d time.Duration) string {
	const integral = 10 * time.Millisecond // from here on without a fraction
	n := float64(d) / float64(time.Millisecond)
	if d >= integral {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.1f", n)
}
