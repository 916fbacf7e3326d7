package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
)

// The forecast of a plan names the largest tables.
const (
	mostForecast = 8
	leastBytes   = 1 << 20 // smaller tables are left out

	wideForecast  = 76 // columns of a terminal from which it has all columns
	narrowColumns = 5  // the columns below that: up to the size after the run
)

// forecast adds what a run is expected to cost: the largest tables, and all.
func (p *page) forecast(f *rekey.Forecast, schema string) {
	if f == nil || f.All.Before() < leastBytes {
		return
	}
	table := [][]string{{"FORECAST", ">TIME", ">WAL", ">NOW", ">AFTER", ">PEAK", ">HOT"}}
	largest := slices.Clone(f.Groups)
	slices.SortStableFunc(largest, func(a, b rekey.Cost) int { return int(min(max(b.At(f.Pace)-a.At(f.Pace), -1), 1)) })
	shown := 0
	for _, c := range largest {
		if c.Before() >= leastBytes && shown < mostForecast {
			table = append(table, costCells(strings.TrimPrefix(c.Table, schema+"."), c, f.Pace))
			shown++
		}
	}
	if shown == 0 {
		p.lines("")
		p.add(fmt.Sprintf("Forecast at pace %s: %s, %s of WAL, and %s on the disk grow to %s.",
			f.Pace, FormatDuration(f.All.At(f.Pace)), Bytes(f.All.WAL), Bytes(f.All.Before()), Bytes(f.All.After())))
		return
	}
	if name := "all"; shown != 1 || len(f.Groups) > 1 {
		if more := len(f.Groups) - shown; more > 0 {
			name = fmt.Sprintf("all, with %d more", more)
		}
		table = append(table, costCells(name, f.All, f.Pace))
	}
	if p.width < wideForecast {
		for i := range table {
			table[i] = table[i][:narrowColumns]
		}
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
		hot = share(c.HeapOnly)
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
	f := slices.IndexFunc(expected, func(f event.Forecast) bool { return f.Table == "" })
	m := slices.IndexFunc(actual, func(m event.Measured) bool { return m.Table == "" })
	if f < 0 || m < 0 {
		return ""
	}
	forecast, measured := expected[f].Cost, actual[m].Cost
	table := [][]string{
		{"", ">FORECAST", ">ACTUAL"},
		{"  time", FormatDuration(forecast.Elapsed), FormatDuration(measured.Elapsed)},
		{"  WAL of the server", Bytes(forecast.WAL), Bytes(measured.WAL)},
		{fmt.Sprintf("  tables and indexes, %s before", Bytes(measured.Before)), Bytes(forecast.After), Bytes(measured.After)},
	}
	if measured.Rows > 0 {
		table = append(table, []string{"  heap-only updates", share(forecast.HeapOnly), share(measured.HeapOnly)})
	}
	p := page{width: width}
	p.lines(alignWithin(table, width)...)
	return p.text.String()
}

func share(part float64) string { return fmt.Sprintf("%.0f%%", 100*part) }
