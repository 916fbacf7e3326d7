package screen

import (
	"fmt"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/history"
)

// Progress returns the lines that show what a run has recorded, as the run's own terminal does.
func Progress(p rekey.Progress, schema string, width int) []string {
	width = min(width, maxLineWidth)
	var lines []string
	for _, t := range p.Tables {
		bar := Bar{
			Name: clean(strings.TrimPrefix(t.Table, schema+".")), Percent: history.Percent(t.Done, t.Total),
			Done: t.Done, Total: t.Total, Rate: t.Rate, Left: t.Left, Note: clean(t.Activity),
		}
		lines = append(lines, bar.Line(width))
	}
	all := Bar{
		Name: fmt.Sprintf("%d of %d done", p.PartsDone, p.Parts), Percent: p.Percent,
		Done: p.Done, Total: p.Total, Rate: p.Rate, Left: p.Left,
	}
	lines = append(lines, all.Line(width))
	if p.Impact != nil {
		if text := impactText(*p.Impact); text != "" {
			lines = append(lines, truncate(text, width))
		}
	}
	if p.Reason != "" && p.ReasonSince != nil {
		word := textIf(p.Paused, "paused") + textIf(!p.Paused, "slowed")
		lines = append(lines, truncate(fmt.Sprintf("%s since %s: %s", word, p.ReasonSince.UTC().Format(time.RFC3339), clean(p.Reason)), width))
	}
	return lines
}
