package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/history"
)

// Progress returns the lines that show what a run has recorded: why it pauses or is slower, what the application feels, and how far
// all tables and each active one are.
func Progress(p rekey.Progress, schema string, width int) []string {
	var lines []string
	if p.Reason != "" && p.ReasonSince != nil {
		word := textIf(p.Paused, "paused") + textIf(!p.Paused, "slowed")
		lines = append(lines, truncate(fmt.Sprintf("%s since %s: %s", word, p.ReasonSince.UTC().Format(time.RFC3339), clean(p.Reason)), width))
	}
	for _, line := range append(impactLine(p), loadLine(p)...) {
		lines = append(lines, truncate(line, width))
	}
	return append(lines, alignBars(barsOf(p, schema), min(width, maxLineWidth))...)
}

// impactLine returns the line about the application, none while nothing is measured.
func impactLine(p rekey.Progress) []string {
	if p.Impact == nil || impactText(*p.Impact) == "" {
		return nil
	}
	return []string{impactText(*p.Impact)}
}

// loadLine returns the line about the server, none while nothing is measured: "1 session waits for a lock, a standby lags 2 s, batches
// take 8 ms, WAL 12 MB/s".
func loadLine(p rekey.Progress) []string {
	if p.Load == nil {
		return nil
	}
	var parts []string
	if n := p.Load.Waiting; n > 0 {
		parts = append(parts, plural(n, "session waits", "sessions wait")+" for a lock")
	}
	if p.Load.Lag > 0 {
		parts = append(parts, "a standby lags "+FormatDuration(p.Load.Lag))
	}
	if p.Load.Batch > 0 {
		parts = append(parts, "batches take "+millis(p.Load.Batch)+" ms")
	}
	return []string{strings.Join(append(parts, "WAL "+Bytes(int64(p.Load.WAL))+"/s"), ", ")}
}

// barsOf returns the bar of all tables, and then one for each active table. A run that works on nothing now has no rate.
func barsOf(p rekey.Progress, schema string) []Bar {
	bars := []Bar{{
		Name: fmt.Sprintf("%d of %d done", p.PartsDone, p.Parts), Percent: p.Percent,
		Done: p.Done, Total: p.Total, Rate: p.Rate, Left: p.Left,
	}}
	for _, t := range p.Tables {
		bars = append(bars, Bar{
			Name: clean(strings.TrimPrefix(t.Table, schema+".")), Percent: history.Percent(t.Done, t.Total),
			Done: t.Done, Total: t.Total, Rate: t.Rate, Left: t.Left, Note: clean(t.Activity),
		})
	}
	if p.Paused || !p.Active {
		for i := range bars {
			bars[i].Rate, bars[i].Left = 0, 0
		}
	}
	return bars
}
