package screen

import (
	"fmt"
	"strings"
)

// cells are the figures of a bar, each as text.
type cells struct{ rows, rate, left string }

func cellsOf(b Bar) (c cells) {
	if b.Note != "" {
		return c
	}
	if b.Total > 0 {
		c.rows = short(float64(b.Done)) + "/" + short(float64(b.Total))
	}
	if b.Rate > 0 && b.Done < b.Total {
		c.rate, c.left = short(b.Rate)+"/s", FormatDuration(roundDuration(b.Left))
	}
	return c
}

// alignBars returns a line of at most width columns for each bar, with the figures in columns. What does not fit is left out for
// all: first the drawing, then the rate, then the rows, then the time. A note takes the place of everything after the percent.
func alignBars(bars []Bar, width int) []string {
	var all []cells
	var widths [3]int
	name := 0
	for _, b := range bars {
		c := cellsOf(b)
		all = append(all, c)
		widths = [3]int{max(widths[0], columns(c.rows)), max(widths[1], columns(c.rate)), max(widths[2], columns(c.left))}
		name = max(name, columns(b.Name))
	}
	name = min(name, maxNameWidth)
	const percent = 6 // with the space before it
	need := func() int { return percent + gap(widths[0]) + gap(widths[1]) + gap(widths[2]) }
	for _, i := range []int{1, 0, 2} {
		if min(name, minNameWidth)+need() > width {
			widths[i] = 0
		}
	}
	name = max(0, min(name, width-need()))
	drawing := min(maxBarWidth, width-name-need()-2)
	lines := make([]string, len(bars))
	for i, b := range bars {
		line := padOrTrim(b.Name, name) + fmt.Sprintf("  %3d%%", b.Percent)
		if b.Note != "" {
			lines[i] = truncate(line+"  "+b.Note, width)
			continue
		}
		if drawing >= minBarWidth {
			line += "  " + draw(b.Percent, drawing)
		}
		line += cell(all[i].rows, widths[0]) + cell(all[i].rate, widths[1]) + cell(all[i].left, widths[2])
		lines[i] = truncate(strings.TrimRight(line, " "), width)
	}
	return lines
}

// gap returns the columns of a cell with the space before it, 0 for none.
func gap(width int) int {
	if width == 0 {
		return 0
	}
	return width + 2
}

// cell returns a text at the right end of a column, after two blanks.
func cell(text string, width int) string {
	if width == 0 {
		return ""
	}
	return strings.Repeat(" ", 2+width-columns(text)) + text
}
