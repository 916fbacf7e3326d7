package report

import (
	"fmt"
	"strings"
	"time"
)

// The measures of a chart.
const (
	chartWidth  = 480.0
	chartHeight = 210.0
	chartLeft   = 66.0
	chartRight  = 12.0
	chartTop    = 34.0
	chartBottom = 26.0
)

// chart is a drawing of measures over time.
type chart struct {
	id, title string
	lines     []chartLine
	limit     float64 // drawn as a dashed line; 0 is none
	limitText string
	base      float64 // the value at rest, drawn as a thin line; 0 is none
	write     func(float64) string
	bytes     bool // the values are bytes
	counts    bool // the values are numbers of things
}

// chartLine is one measure of a chart.
type chartLine struct {
	class string
	name  string
	value func(Sample) float64
}

// charts returns a chart for each kind of measurement that the document has.
func charts(d Document) []figure {
	duration := func(v float64) string { return axisDuration(time.Duration(v)) }
	all := []chart{
		{
			id: "impact-chart", title: "Impact, as a multiple of the time at rest", base: 1, write: func(v float64) string { return trimZero(v) + " ×" },
			lines: []chartLine{{"line-a", "impact", Sample.ratio}},
		},
		{
			id: "probe-chart", title: "Commits and reads of the probe, 95th percentile", write: duration,
			lines: []chartLine{
				{"line-a", "commits", Sample.commit},
				{"line-b", "reads", Sample.read},
			},
		},
		{id: "rows-chart", title: "Rows filled per second", write: axisNumber, lines: []chartLine{{"line-a", "rows", Sample.rate}}},
		{
			id: "wal-chart", bytes: true, title: "WAL of the whole server per second", write: func(v float64) string { return size(int64(v)) },
			lines: []chartLine{{"line-b", "WAL", Sample.wal}},
		},
		{id: "batch-chart", title: "Duration of a batch", write: duration, lines: []chartLine{{"line-c", "batch", Sample.batch}}},
		{id: "lag-chart", title: "Lag of the slowest standby", write: duration, lines: []chartLine{{"line-c", "lag", Sample.lag}}},
		{id: "waiting-chart", counts: true, title: "Sessions that wait for a lock", write: axisNumber, lines: []chartLine{{"line-c", "sessions", Sample.waiting}}},
	}
	if d.Impact != nil && d.Impact.Limit > 0 {
		all[0].limit, all[0].limitText = d.Impact.Limit, "limit "+times(d.Impact.Limit)
	}
	var figures []figure
	for _, c := range all {
		if c.measured(d.Samples) {
			figures = append(figures, c.draw(d))
		}
	}
	return figures
}

// measured reports whether there is a value to draw.
func (c chart) measured(samples []Sample) bool {
	for _, s := range samples {
		for _, l := range c.lines {
			if l.value(s) > 0 {
				return true
			}
		}
	}
	return false
}

// mostOfLimit is the end of the axis of a chart with a limit, as a multiple of the limit: one outlier must not flatten the chart.
const mostOfLimit = 4

func (c chart) draw(d Document) figure {
	end := max(d.Run.Ended.Sub(d.Run.Started), time.Second)
	highest := c.limit
	for _, s := range d.Samples {
		for _, l := range c.lines {
			highest = max(highest, l.value(s))
		}
	}
	cut := c.limit > 0 && highest > mostOfLimit*c.limit
	if cut {
		highest = mostOfLimit * c.limit
	}
	ticks := c.ticks(highest)
	top := ticks[len(ticks)-1]
	x := axis{0, float64(end), chartLeft, chartWidth - chartRight}
	y := axis{0, top, chartHeight - chartBottom, chartTop}
	s := newDrawing(c.id, c.title, c.describe(d), chartWidth, chartHeight)
	s.write("heading", "start", 6, 16, c.title)
	for _, p := range d.Pauses {
		if from, to := x.at(float64(p.From.Sub(d.Run.Started))), x.at(float64(p.To.Sub(d.Run.Started))); p.Paused {
			s.rect("pause", from, chartTop, max(to-from, 1.5), chartHeight-chartTop-chartBottom, "paused: "+p.Text)
		}
	}
	for _, v := range ticks {
		s.line("grid", chartLeft, y.at(v), chartWidth-chartRight, y.at(v))
		s.write("axis", "end", chartLeft-6, y.at(v)+4, c.write(v))
	}
	for _, t := range timeTicks(end, 5) {
		s.write("axis", "middle", min(x.at(float64(t)), chartWidth-chartRight-8), chartHeight-8, tickLabel(t))
	}
	if c.base > 0 {
		s.line("base", chartLeft, y.at(c.base), chartWidth-chartRight, y.at(c.base))
	}
	for _, l := range c.lines {
		s.path(l.class, path(d, func(s Sample) float64 { return min(l.value(s), top) }, x, y))
	}
	if c.limit > 0 {
		s.line("limit", chartLeft, y.at(c.limit), chartWidth-chartRight, y.at(c.limit))
		text := "– – " + c.limitText
		if cut {
			text += ", cut off above " + c.write(top)
		}
		s.write("limit-text", "end", chartWidth-chartRight, 16, text)
	}
	f := figure{svg: s.end()}
	if len(c.lines) > 1 {
		for _, l := range c.lines {
			f.legend = append(f.legend, legendItem{"k-" + l.class, l.name})
		}
	}
	return f
}

// ticks returns the values of the labels on the axis.
func (c chart) ticks(highest float64) []float64 {
	unit := 1.0
	if c.bytes {
		for unit*1024 <= highest {
			unit *= 1024
		}
	}
	if c.counts && highest < 4 {
		highest = 4
	}
	ticks := valueTicks(highest/unit, 4)
	for i := range ticks {
		ticks[i] *= unit
	}
	return ticks
}

// describe returns the chart in words.
func (c chart) describe(d Document) string {
	var words []string
	for _, l := range c.lines {
		var values []float64
		for _, s := range d.Samples {
			if v := l.value(s); v > 0 {
				values = append(values, v)
			}
		}
		if len(values) > 0 {
			words = append(words, fmt.Sprintf("%s: median %s, highest %s", l.name, c.write(share(values, 0.5)), c.write(share(values, 1))))
		}
	}
	if c.limit > 0 {
		words = append(words, c.limitText)
	}
	return strings.Join(words, "; ") + "."
}

// longestGap is the time without a value after which a line is interrupted.
const longestGap = 5 * time.Second

// path returns a line through the values; where none was measured, it is interrupted.
func path(d Document, value func(Sample) float64, x, y axis) string {
	gap := longestGap
	if n := len(d.Samples); n > 1 {
		gap = max(gap, 3*d.Samples[n-1].At.Sub(d.Samples[0].At)/time.Duration(n-1))
	}
	var text strings.Builder
	var before time.Time
	for _, s := range d.Samples {
		v := value(s)
		if v <= 0 {
			continue
		}
		at := fmt.Sprintf("%s %s", px(x.at(float64(s.At.Sub(d.Run.Started)))), px(y.at(v)))
		if before.IsZero() || s.At.Sub(before) > gap {
			fmt.Fprintf(&text, "M%sh0.1", at) // a single value is a dot
		}
		text.WriteString("L" + at)
		before = s.At
	}
	return text.String()
}

// axisDuration returns a duration on an axis: 0, 0.5 ms, 20 ms, 3 s.
func axisDuration(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Second:
		return trimZero(float64(d)/float64(time.Millisecond)) + " ms"
	case d < time.Minute:
		return trimZero(d.Seconds()) + " s"
	default:
		return elapsed(d)
	}
}

// axisNumber returns a number on an axis: 500, 20 k, 1.5 M.
func axisNumber(v float64) string {
	switch {
	case v >= 1e6:
		return trimZero(v/1e6) + " M"
	case v >= 1e4:
		return trimZero(v/1e3) + " k"
	default:
		return trimZero(v)
	}
}

func trimZero(v float64) string {
	text := fmt.Sprintf("%.2f", v)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
