package report

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// drawing writes an SVG. Every text is escaped; colors are classes of the style sheet.
type drawing struct {
	text          strings.Builder
	id            string
	width, height float64
}

// newDrawing begins an SVG with a title and a description for screen readers.
func newDrawing(id, title, description string, width, height float64) *drawing {
	d := &drawing{id: id, width: width, height: height}
	fmt.Fprintf(&d.text, `<svg viewBox="0 0 %s %s" role="img" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		px(width), px(height), id, id, id, html.EscapeString(title), id, html.EscapeString(description))
	return d
}

func (d *drawing) end() string { return d.text.String() + "</svg>" }

// px writes a coordinate with one digit after the point.
func px(v float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
}

func (d *drawing) rect(class string, x, y, w, h float64, tip string) {
	fmt.Fprintf(&d.text, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"`, class, px(x), px(y), px(w), px(h))
	d.close("rect", tip)
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&d.text, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, px(x1), px(y1), px(x2), px(y2))
}

func (d *drawing) path(class, path string) {
	fmt.Fprintf(&d.text, `<path class="%s" d="%s"/>`, class, path)
}

func (d *drawing) mark(class, path, tip string) {
	fmt.Fprintf(&d.text, `<path class="%s" d="%s"`, class, path)
	d.close("path", tip)
}

// close ends an element, with a tip that a mouse shows.
func (d *drawing) close(element, tip string) {
	if tip == "" {
		d.text.WriteString("/>")
		return
	}
	fmt.Fprintf(&d.text, "><title>%s</title></%s>", html.EscapeString(tip), element)
}

// write writes a text; anchor is start, middle or end.
func (d *drawing) write(class, anchor string, x, y float64, text string) {
	fmt.Fprintf(&d.text, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, px(x), px(y), html.EscapeString(text))
}

// axis maps a range of values to a range of coordinates.
type axis struct{ from, to, low, high float64 }

func (a axis) at(v float64) float64 {
	if a.to <= a.from {
		return a.low
	}
	return a.low + (v-a.from)/(a.to-a.from)*(a.high-a.low)
}

// timeSteps are the distances of labels on an axis of time.
func timeSteps() []time.Duration {
	return []time.Duration{
		50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 168 * time.Hour, 720 * time.Hour,
	}
}

// timeTicks returns at most n+1 round times from 0 to the end.
func timeTicks(end time.Duration, n int) []time.Duration {
	step := timeSteps()[len(timeSteps())-1]
	for _, one := range timeSteps() {
		if end/one <= time.Duration(n) {
			step = one
			break
		}
	}
	var ticks []time.Duration
	for t := time.Duration(0); t <= end; t += step {
		ticks = append(ticks, t)
	}
	return ticks
}

// tickLabel returns a time on an axis: 0, 30 s, 5 min, 2 h 30.
func tickLabel(t time.Duration) string {
	switch {
	case t == 0:
		return "0"
	case t < time.Second:
		return fmt.Sprintf("%d ms", t.Milliseconds())
	case t < time.Minute:
		return fmt.Sprintf("%d s", int(t.Seconds()))
	case t < time.Hour && t%time.Minute != 0:
		return fmt.Sprintf("%d:%02d min", int(t.Minutes()), int(t.Seconds())%60)
	case t < time.Hour:
		return fmt.Sprintf("%d min", int(t.Minutes()))
	case t%time.Hour != 0:
		return fmt.Sprintf("%d h %02d", int(t.Hours()), int(t.Minutes())%60)
	default:
		return fmt.Sprintf("%d h", int(t.Hours()))
	}
}

// valueTicks returns round values from 0 to at least the highest, about n of them.
func valueTicks(highest float64, n int) []float64 {
	if highest <= 0 || math.IsInf(highest, 0) || math.IsNaN(highest) {
		return []float64{0, 1}
	}
	raw := highest / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, f := range []float64{1, 2, 2.5, 5} {
		if raw <= f*power {
			step = f * power
			break
		}
	}
	ticks := []float64{0}
	for v := step; ; v += step {
		ticks = append(ticks, v)
		if v >= highest {
			return ticks
		}
	}
}

// shorten cuts a text in its middle to n characters, since names often begin and end alike.
func shorten(text string, n int) string {
	letters := []rune(text)
	if len(letters) <= n {
		return text
	}
	head := n / 2
	return string(letters[:head]) + "…" + string(letters[len(letters)-(n-head-1):])
}
