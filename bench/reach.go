package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// reach compares the measurements with their targets, as ratios within one run. A figure whose runs are missing or
// have failed is not measured.
func reach(rows int64, s *Server) []Figure {
	full, ordered := "c-full"+quietSuffix, "c-full-ordered"+quietSuffix
	rewrite, usual := "a-rekey"+quietSuffix, "b"+quietSuffix
	r := ratios{rows, s}
	figures := []Figure{
		r.of("wall, full, against (a) with rekey's function; no traffic", full, rewrite, wall, 1.25),
		r.of("wall, full, in the order of creation, against (a) with rekey's function; no traffic", ordered, rewrite, wall, 1.6),
		r.of("wall, full, in the order of creation, against by the clock; no traffic", ordered, full, wall, 1.3),
		r.of("wall, full, against (b); no traffic", full, usual, wall, 0.5),
		r.of("wall, full, against (b); traffic", "c-full", "b", wall, 0.5),
		r.of("table and indexes, full, against (a); no traffic", full, rewrite, size, 1.2),
		r.of("table and indexes, normal, against (a); traffic", "c-normal", "a-rekey", size, 1.2),
		r.of("WAL, full, against (b); no traffic", full, usual, wal, 0.65),
		r.of("WAL, normal, against (b); traffic", "c-normal", "b", wal, 0.65),
		r.of("application's p99, normal, against (d)", "c-normal", "d", p99, 1.6),
		r.of("application's p99, normal, in the order of creation, against (d)", "c-normal-ordered", "d", p99, 1.6),
		r.of("application's p99.9, normal, against (d)", "c-normal", "d", p999, 3),
		r.of("application's p99.9, normal, in the order of creation, against (d)", "c-normal-ordered", "d", p999, 3),
		r.of("application's p99 inside bursts, normal, against (d)", "c-normal"+burstSuffix, "d"+burstSuffix, burstP99, 2),
		r.of("application's p99 inside bursts, normal, in the order of creation, against (d)", "c-normal-ordered"+burstSuffix, "d"+burstSuffix, burstP99, 2),
		r.of("wall, normal, against (b); traffic", "c-normal", "b", wall, 0.75),
		r.of("wall, normal, in the order of creation, against (b); traffic", "c-normal-ordered", "b", wall, 0.75),
		r.most("application's longest wait, normal", milliseconds(longest), 50, "ms", func(r Run) bool { return r.Name == "c-normal" || r.Name == "c-normal-ordered" }),
		r.of("application's longest wait, normal, against (a)'s", "c-normal", "a-rekey", longest, 0.02),
		r.most("longest ACCESS EXCLUSIVE hold", milliseconds(hold), 20, "ms", isRekey),
		r.perRow(full, 1.2),
		r.most("peak memory of rekey", func(r Run) float64 { return float64(r.Memory) / (1 << 20) }, 64, "MB", isRekey),
	}
	figures = append(figures, functionFigure(s))
	figures = append(
		figures,
		atLeast("schemas planned per second, with ten small tables each", 250, s, func(t Tenants) float64 { return float64(t.Schemas) / t.Plan.Seconds() }),
		atLeast("small tables per second", 60, s, func(t Tenants) float64 { return float64(t.Tables) / t.Up.Seconds() }),
	)
	return append(append(figures, smallFigures(s)...), linkFigures(s)...)
}

// atLeast judges the run over many schemas.
func atLeast(figure string, least float64, s *Server, what func(Tenants) float64) Figure {
	want := fmt.Sprintf("≥ %g", least)
	if len(s.Tenants) == 0 || s.Tenants[0].Error != "" {
		return unmeasured(figure, want)
	}
	got := what(s.Tenants[0])
	return judged(figure, want, got, "", got >= least)
}

// ratios compares runs of one server.
type ratios struct {
	rows   int64
	server *Server
}

// The measurements that are compared; 0 if not measured.
func wall(r Run) float64 { return float64(r.Wall) }
func size(r Run) float64 { return float64(r.Table + r.Indexes) }
func wal(r Run) float64  { return float64(r.WAL) }

func p99(r Run) float64 {
	if r.Application == nil {
		return 0
	}
	return float64(r.Application.P99)
}

func p999(r Run) float64 {
	if r.Application == nil {
		return 0
	}
	return float64(r.Application.P999)
}

func burstP99(r Run) float64 {
	if r.Application == nil || r.Application.Burst == nil {
		return 0
	}
	return float64(r.Application.Burst.P99)
}

func longest(r Run) float64 {
	if r.Application == nil {
		return 0
	}
	return float64(r.Application.Longest)
}

func hold(r Run) float64 {
	if r.Locks == nil {
		return 0
	}
	return float64(r.Locks.Longest)
}

func milliseconds(of func(Run) float64) func(Run) float64 {
	return func(r Run) float64 { return of(r) / float64(time.Millisecond) }
}

func isRekey(r Run) bool { return strings.HasPrefix(r.Name, "c-") }

// of compares a figure of one run with another run's, at the main size.
func (r ratios) of(figure, name, against string, what func(Run) float64, most float64) Figure {
	return quotient(figure, what(r.run(name, r.rows)), what(r.run(against, r.rows)), most)
}

// perRow compares the cost of a row at the largest size with the cost at the main size.
func (r ratios) perRow(name string, most float64) Figure {
	largest := r.rows
	for _, run := range r.server.Runs {
		largest = max(largest, run.Rows)
	}
	figure := "cost of a row on the largest size against the main one, full; no traffic"
	if largest == r.rows {
		return unmeasured(figure, bound(most, ""))
	}
	figure = fmt.Sprintf("cost of a row at %d rows against %d, full; no traffic", largest, r.rows)
	cost := func(rows int64) float64 { return wall(r.run(name, rows)) / float64(rows) }
	return quotient(figure, cost(largest), cost(r.rows), most)
}

// most judges the greatest value of a figure over all runs that belong to it, at every size.
func (r ratios) most(figure string, what func(Run) float64, most float64, unit string, belongs func(Run) bool) Figure {
	var values []float64
	for _, run := range r.server.Runs {
		if belongs(run) && run.Error == "" && what(run) > 0 {
			values = append(values, what(run))
		}
	}
	if len(values) == 0 {
		return unmeasured(figure, bound(most, unit))
	}
	return judged(figure, bound(most, unit), slices.Max(values), unit, slices.Max(values) <= most)
}

func (r ratios) run(name string, rows int64) Run {
	for _, run := range r.server.Runs {
		if run.Name == name && run.Rows == rows && run.Error == "" {
			return run
		}
	}
	return Run{}
}

// functionFigure judges how much faster rekey's function is than the original's kind.
func functionFigure(s *Server) Figure {
	const nativeSince = 18
	figure, least := "speed of the function, relative to the original's kind", 1.0
	if s.Major >= nativeSince {
		least = 1.4
	}
	want := fmt.Sprintf("≥ %.3g", least)
	var original, ours float64
	for _, f := range s.Functions {
		switch f.Name {
		case originalLabel:
			original = float64(f.Call)
		case rekeyLabel:
			ours = float64(f.Call)
		}
	}
	if original == 0 || ours == 0 {
		return unmeasured(figure, want)
	}
	return judged(figure, want, original/ours, "", original/ours >= least)
}

func quotient(figure string, value, against, most float64) Figure {
	if value == 0 || against == 0 {
		return unmeasured(figure, bound(most, ""))
	}
	return judged(figure, bound(most, ""), value/against, "", value/against <= most)
}

func bound(most float64, unit string) string {
	return strings.TrimSpace(fmt.Sprintf("≤ %.3g %s", most, unit))
}

func judged(figure, want string, value float64, unit string, reached bool) Figure {
	return Figure{Figure: figure, Reach: want, Value: &value, Got: strings.TrimSpace(fmt.Sprintf("%.3g %s", value, unit)), Reached: &reached}
}

func unmeasured(figure, want string) Figure {
	return Figure{Figure: figure, Reach: want, Got: "not measured"}
}
