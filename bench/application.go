package main

import (
	"math"
	"slices"
	"time"
)

// Application is what the application measured. A wait lasts from the time when a statement was due to its end. All
// waits are kept, so that the quantiles are exact.
type Application struct {
	Statements int           `json:"statements"`
	Failed     int64         `json:"failed"`
	Failure    string        `json:"failure,omitempty"` // the first error
	Median     time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	P999       time.Duration `json:"p999_ns"`
	Longest    time.Duration `json:"longest_ns"`
	Burst      *Waits        `json:"burst,omitempty"`  // of the statements that were due inside bursts
	Phases     []Waits       `json:"phases,omitempty"` // of the statements that were due during each phase of rekey's run
}

// Waits are the waits of a part of the statements.
type Waits struct {
	Name       string        `json:"name"`
	Lasted     time.Duration `json:"lasted_ns"` // how long the phase took
	Statements int           `json:"statements"`
	Median     time.Duration `json:"p50_ns"`
	P99        time.Duration `json:"p99_ns"`
	ReadP99    time.Duration `json:"p99_reads_ns"`  // of statements that only read
	WriteP99   time.Duration `json:"p99_writes_ns"` // of the others, which wait for their COMMIT
	P999       time.Duration `json:"p999_ns"`
	Longest    time.Duration `json:"longest_ns"`
}

// wait is how long one statement took from the time when it was due.
type wait struct {
	due    time.Time
	d      time.Duration
	writes bool
}

// mark is the time when a phase of rekey's run ended.
type mark struct {
	Phase string    `json:"phase"`
	End   time.Time `json:"end"`
}

// figures computes the figures, by phase if there are marks. All clients must have ended.
func (t *traffic) figures(begun time.Time, marks []mark) *Application {
	a := &Application{}
	var waits []wait
	for _, c := range t.clients {
		waits = append(waits, c.waits...)
		a.Failed += c.failed
		if c.first != nil && a.Failure == "" {
			a.Failure = c.first.Error()
		}
	}
	all := waitsOf("", waits)
	a.Statements, a.Median, a.P99, a.P999, a.Longest = all.Statements, all.Median, all.P99, all.P999, all.Longest
	if t.bursts {
		inside := slices.DeleteFunc(slices.Clone(waits), func(w wait) bool { return !inBurst(w.due.Sub(t.from)) })
		burst := waitsOf("burst", inside)
		a.Burst = &burst
	}
	a.Phases = byPhase(waits, begun, marks)
	return a
}

// byPhase returns the waits of each phase, in the order of their first marks.
func byPhase(waits []wait, begun time.Time, marks []mark) []Waits {
	slices.SortFunc(waits, func(a, b wait) int { return a.due.Compare(b.due) })
	var names []string
	in, lasted := map[string][]wait{}, map[string]time.Duration{}
	for _, m := range marks {
		if !slices.Contains(names, m.Phase) {
			names = append(names, m.Phase)
		}
		lasted[m.Phase] += m.End.Sub(begun)
		n, _ := slices.BinarySearchFunc(waits, m.End, func(w wait, end time.Time) int { return w.due.Compare(end) })
		first, _ := slices.BinarySearchFunc(waits, begun, func(w wait, at time.Time) int { return w.due.Compare(at) })
		in[m.Phase] = append(in[m.Phase], waits[min(first, n):n]...)
		begun = m.End
	}
	var phases []Waits
	for _, name := range names {
		w := waitsOf(name, in[name])
		w.Lasted = lasted[name]
		phases = append(phases, w)
	}
	return phases
}

func waitsOf(name string, waits []wait) Waits {
	var all, reads, writes []time.Duration
	for _, w := range waits {
		all = append(all, w.d)
		if w.writes {
			writes = append(writes, w.d)
		} else {
			reads = append(reads, w.d)
		}
	}
	slices.Sort(all)
	slices.Sort(reads)
	slices.Sort(writes)
	return Waits{
		Name: name, Statements: len(all), Median: quantile(all, 0.5), P99: quantile(all, 0.99), ReadP99: quantile(reads, 0.99),
		WriteP99: quantile(writes, 0.99), P999: quantile(all, 0.999), Longest: quantile(all, 1),
	}
}

// quantile returns the least value that the given part of all values, from 0 to 1, does not exceed, or 0 if there are
// no values.
func quantile(sorted []time.Duration, part float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(part * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
