package screen

import (
	"fmt"
	"slices"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// The forecast of a plan names the largest tables.
const (
	mostForecast = 8
	leastBytes   = 1 << 20 // smaller tables are left out
)

// forecast adds what a run is expected to cost: the largest tables, and all.
func (p *page) forecast(f *rekey.Forecast) {
	if f == nil || f.All.Before() < leastBytes {
		return
	}
	table := [][]string{{"FORECAST", ">TIME", ">WAL", ">NOW", ">AFTER", ">PEAK", ">HOT"}}
	largest := slices.Clone(f.Groups)
	slices.SortStableFunc(largest, func(a, b rekey.Cost) int { return int(min(max(b.At(f.Pace)-a.At(f.Pace), -1), 1)) })
	shown := 0
	for _, c := range largest {
		if c.Before() >= leastBytes && shown < mostForecast {
			table = append(table, costCells(c.Table, c, f.Pace))
			shown++
		}
	}
	if name := "all"; shown != 1 || len(f.Groups) > 1 {
		if more := len(f.Groups) - shown; more > 0 {
			name = fmt.Sprintf("all, with %d more", more)
		}
		table = append(table, costCells(name, f.All, f.Pace))
	}
	p.lines("")
	p.lines(alignWithin(table, p.width)...)
	p.add(fmt.Sprintf("At pace %s; gentle takes %s, full %s. %s", f.Pace, FormatDuration(f.All.Gentle), FormatDuration(f.All.Full), basis(f.Calibrated)))
}

// basis says what the times are based on.
func basis(calibrated bool) string {
	if calibrated {
		return "The speed of this server was measured."
	}
	return "Estimated: --calibrate measures this server."
}

func costCells(name string, c rekey.Cost, speed rekey.Pace) []string {
	hot := ""
	if c.Rows > 0 {
		hot = fmt.Sprintf("%.0f%%", 100*c.HeapOnly)
	}
	return []string{name, FormatDuration(c.At(speed)), Bytes(c.WAL), Bytes(c.Before()), Bytes(c.After()), "+" + Bytes(c.Peak), hot}
}

// risks adds the risks of a run.
func (p *page) risks(list []rekey.Risk) {
	if len(list) == 0 {
		return
	}
	p.lines("", "Risks, which refuse nothing:")
	for _, r := range list {
		p.lines(wrap(fmt.Sprintf("%s: %s", r.Name, r.Message), p.width, "  - ", "    ")...)
		if r.Hint != "" {
			p.lines(wrap(r.Hint, p.width, "    ", "    ")...)
		}
	}
}

// Costs returns forecast and actual of a run side by side, "" without a measurement.
func Costs(expected []event.Forecast, actual []event.Measured, width int) string {
	p := page{width: width}
	table := [][]string{{"  FORECAST, ACTUAL", ">TIME", ">", ">WAL", ">", ">AFTER", ">", ">HOT", ">"}}
	for _, m := range actual {
		at := slices.IndexFunc(expected, func(f event.Forecast) bool { return f.Table == m.Table })
		if at < 0 {
			continue
		}
		f, name := expected[at], "  "+m.Table
		if m.Table == "" {
			name = "  all"
		}
		table = append(table, []string{
			name, FormatDuration(f.Elapsed), FormatDuration(m.Elapsed), Bytes(f.WAL), Bytes(m.WAL), Bytes(f.After), Bytes(m.After),
			fmt.Sprintf("%.0f%%", 100*f.HeapOnly), fmt.Sprintf("%.0f%%", 100*m.HeapOnly),
		})
	}
	if len(table) > 1 {
		p.lines(alignWithin(table, width)...)
		p.lines(wrap("The WAL is that of the whole server.", width, "  ", "    ")...)
	}
	return p.text.String()
}
