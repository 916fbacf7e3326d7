package report

import (
	"fmt"
	"time"

	"github.com/rekey-pg/rekey/event"
)

// impact returns how the application's statements slowed down.
func impact(d Document) section {
	s := section{id: "impact", title: "Impact on the application"}
	if i := d.Impact; i == nil {
		s.say("The impact was not measured: the probe was off, or an older rekey ran.")
	} else {
		limit := "without a limit"
		if i.Limit > 0 {
			limit = fmt.Sprintf("against a limit of %s, which %d of %d samples exceeded", times(i.Limit), i.Above, i.Samples)
		}
		s.say(fmt.Sprintf("Impact is how many times as long as at rest the probe's commits or reads took, %s. A sample is one second.", limit))
		t := table{caption: "Impact", columns: []column{text("Measure"), numeric("At rest"), numeric("During the run")}}
		t.rows = append(t.rows, []string{"Commits, 95th percentile", millis(i.CommitIdle), millis(i.Commit)})
		if i.Read > 0 {
			t.rows = append(t.rows, []string{"Reads, 95th percentile", millis(i.ReadIdle), millis(i.Read)})
		}
		highest := times(i.Highest) + " at " + after(i.HighestAt, d.Run.Started)
		if i.HighestCause != "" {
			highest += " (" + i.HighestCause + ")"
		}
		t.rows = append(t.rows, []string{"Impact, median", times(1), times(i.Median)}, []string{"Impact, 95 of 100 samples at most", times(1), times(i.P95)}, []string{"Impact, highest", times(1), highest})
		s.add(t)
	}
	for _, one := range charts(d) {
		s.draw(one)
	}
	if t, measured := loadTable(d); measured {
		s.add(t)
	}
	return s
}

// loadTable sums up the samples in numbers, for readers who do not see the figures.
func loadTable(d Document) (table, bool) {
	t := table{caption: "Measurements over time, one a second", columns: []column{text("Measure"), numeric("Median"), numeric("Highest"), numeric("At")}}
	for _, m := range measures() {
		var values []float64
		var most Sample
		for _, s := range d.Samples {
			if m.value(s) <= 0 {
				continue
			}
			values = append(values, m.value(s))
			if most.At.IsZero() || m.value(s) > m.value(most) {
				most = s
			}
		}
		if len(values) > 0 {
			t.rows = append(t.rows, []string{m.name, m.write(share(values, 0.5)), m.write(m.value(most)), after(most.At, d.Run.Started)})
		}
	}
	return t, len(t.rows) > 0
}

// measure is one value of a sample.
type measure struct {
	name  string
	value func(Sample) float64
	write func(float64) string
}

func measures() []measure {
	duration := func(v float64) string { return millis(time.Duration(v)) }
	return []measure{
		{"Commits, 95th percentile", Sample.commit, duration},
		{"Reads, 95th percentile", Sample.read, duration},
		{"Rows filled", Sample.rate, rate},
		{"WAL", Sample.wal, func(v float64) string { return size(int64(v)) + "/s" }},
		{"Batch", Sample.batch, duration},
		{"Lag of the slowest standby", Sample.lag, duration},
		{"Sessions that wait for a lock", Sample.waiting, func(v float64) string { return number(int64(v)) }},
	}
}

// costs returns forecast and actual.
func costs(d Document) section {
	s := section{id: "cost", title: "Forecast and actual"}
	if len(d.Costs) == 0 {
		s.say("Neither a forecast nor the cost of the run is recorded.")
		return s
	}
	if all := d.total(); all.Forecast != nil || all.Actual != nil {
		s.add(totalCost(all))
	}
	some, more := listed(d.Costs, mostRows, "tables")
	t := table{
		caption: "Each table: actual, and in parentheses the difference from the forecast", more: more,
		columns: []column{text("Table"), numeric("Rows"), numeric("Time"), numeric("WAL"), numeric("Size before"), numeric("Size after"), numeric("HOT")},
	}
	for _, c := range some {
		if c.Table != "" {
			t.rows = append(t.rows, costRow(c))
		}
	}
	if len(t.rows) > 0 {
		s.add(t)
	}
	return s
}

func totalCost(c Cost) table {
	t := table{caption: "All tables", columns: []column{text("Measure"), numeric("Forecast"), numeric("Actual"), numeric("Difference")}}
	maybeUnknown := false // 0 is not measured
	add := func(name string, value func(event.Cost) float64, write func(float64) string) {
		forecast, actual, diff := "–", "–", ""
		measured := func(e *event.Cost) bool { return e != nil && (value(*e) > 0 || !maybeUnknown) }
		if measured(c.Forecast) {
			forecast = write(value(*c.Forecast))
		}
		if measured(c.Actual) {
			actual = write(value(*c.Actual))
		}
		if measured(c.Forecast) && measured(c.Actual) {
			diff = difference(value(*c.Forecast), value(*c.Actual))
		}
		t.rows = append(t.rows, []string{name, forecast, actual, diff})
	}
	bytes := func(v float64) string { return size(int64(v)) }
	add("Rows to fill", func(e event.Cost) float64 { return float64(e.Rows) }, func(v float64) string { return number(int64(v)) })
	add("Time", func(e event.Cost) float64 { return float64(e.Elapsed) }, func(v float64) string { return elapsed(time.Duration(v)) })
	add("WAL", func(e event.Cost) float64 { return float64(e.WAL) }, bytes)
	add("Size before, with indexes", func(e event.Cost) float64 { return float64(e.Before) }, bytes)
	add("Size after, with indexes", func(e event.Cost) float64 { return float64(e.After) }, bytes)
	add("Heap-only updates", func(e event.Cost) float64 { return e.HeapOnly }, percent)
	if maybeUnknown = true; c.Forecast != nil && c.Forecast.Peak > 0 || c.Actual != nil && c.Actual.Peak > 0 {
		add("Most additional space on the disk", func(e event.Cost) float64 { return float64(e.Peak) }, bytes)
	}
	return t
}

func costRow(c Cost) []string {
	row := []string{c.Table}
	shown := c.Actual
	if shown == nil {
		shown = c.Forecast
		row[0] += " (forecast)"
	}
	add := func(value func(event.Cost) float64, write func(float64) string) {
		cell := write(value(*shown))
		if c.Actual != nil && c.Forecast != nil {
			if diff := difference(value(*c.Forecast), value(*c.Actual)); diff != "" {
				cell += " (" + diff + ")"
			}
		}
		row = append(row, cell)
	}
	bytes := func(v float64) string { return size(int64(v)) }
	add(func(e event.Cost) float64 { return float64(e.Rows) }, func(v float64) string { return number(int64(v)) })
	add(func(e event.Cost) float64 { return float64(e.Elapsed) }, func(v float64) string { return elapsed(time.Duration(v)) })
	add(func(e event.Cost) float64 { return float64(e.WAL) }, bytes)
	add(func(e event.Cost) float64 { return float64(e.Before) }, bytes)
	add(func(e event.Cost) float64 { return float64(e.After) }, bytes)
	add(func(e event.Cost) float64 { return e.HeapOnly }, percent)
	return row
}
