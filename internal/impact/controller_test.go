package impact

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rekey-pg/rekey/internal/pace"
)

// servers returns simulated servers.
func servers() map[string]server {
	const us = time.Microsecond
	return map[string]server{
		"two processors": {processors: 2, flush: 400 * us, perMB: 2 * millisecond, walPerMs: 0.04, traffic: 0.2, slice: 3 * millisecond, noise: 0.2},
		"one processor":  {processors: 1, flush: 400 * us, perMB: 2 * millisecond, walPerMs: 0.04, traffic: 0.2, slice: 3 * millisecond, noise: 0.2},
		"a slow disk":    {processors: 4, flush: 5 * millisecond, perMB: 20 * millisecond, walPerMs: 0.04, traffic: 0.2, slice: 3 * millisecond, noise: 0.3},
		"a fast server":  {processors: 16, flush: 50 * us, perMB: 500 * us, walPerMs: 0.01, traffic: 0.5, slice: 3 * millisecond, noise: 0.1},
		"a busy server":  {processors: 4, flush: 500 * us, perMB: 2 * millisecond, walPerMs: 0.04, traffic: 3, slice: 3 * millisecond, noise: 0.4},
	}
}

// settled is when the work has found its place.
const settled = 20 * time.Second

func median(works []float64) float64 {
	sorted := slices.Sorted(slices.Values(works))
	return sorted[len(sorted)/2]
}

// between returns the work in a part of a simulation.
func (m *simulation) between(from, to time.Duration) []float64 {
	return m.works[from/millisecond : to/millisecond]
}

// TestStaysWithinLimit checks that the 95th percentile of the samples is within the limit, and that the work does not oscillate beyond
// the bound that Controller states.
func TestStaysWithinLimit(t *testing.T) {
	for name, s := range servers() {
		for _, limit := range []float64{1.2, 1.5, 3} {
			for _, flush := range []pace.Flush{pace.FlushByBatch, pace.FlushByFlusher} {
				m := newSimulation(s, limit, 7)
				m.goal.Flush = flush
				m.run(90 * time.Second)
				works := m.between(settled, 90*time.Second)
				about := fmt.Sprintf("%s, limit %g, flush by %s", name, limit, flush)
				if over, middle := m.share(settled), median(works); over > 1-Percentile && middle > 2*leastWork { // else it does what it can
					t.Errorf("%s: %.3f of the samples are over it, with work %.2f", about, over, middle)
				} else if outside := outside(works, middle, steadiness); outside > 0.1 {
					t.Errorf("%s: the work is far from its median %.2f for %.3f of the time", about, middle, outside)
				}
				if m.rested > 9*time.Second {
					t.Errorf("%s: it rested for %s of 90s", about, m.rested)
				}
			}
		}
	}
}

// outside returns the share of the values that differ from the median by more than a factor.
func outside(works []float64, middle, factor float64) float64 {
	n := 0
	for _, w := range works {
		if w > factor*middle || w < middle/factor {
			n++
		}
	}
	return float64(n) / float64(len(works))
}

func TestUsesAnIdleServer(t *testing.T) {
	s := servers()["a fast server"]
	m := newSimulation(s, 2, 1)
	m.run(settled)
	if set := m.set; set.Workers != 2 || set.Duty < 0.9 {
		t.Errorf("%+v", set)
	}
}

// TestReactsWithinASecond checks a step of the load: other work takes most of the processors, and the disk is slow.
func TestReactsWithinASecond(t *testing.T) {
	for seed := range uint64(20) {
		m := newSimulation(servers()["a fast server"], 2, seed)
		m.reacts = true
		m.change = func(at time.Duration, s *server, _ *Goal) {
			if at == settled {
				s.processors, s.perMB, s.walPerMs = 1, 200*s.perMB, 0.1
			}
		}
		m.run(settled + 2*time.Second)
		before, after := m.works[settled/millisecond-1], 0.
		for _, work := range m.between(settled+time.Second, settled+2*time.Second) {
			after += work / 1000
		}
		if after > before/2 {
			t.Errorf("seed %d: the work went from %.2f to %.2f", seed, before, after)
		}
	}
}

// TestStalledProbe checks that a measurement that does not end counts.
func TestStalledProbe(t *testing.T) {
	m := newSimulation(servers()["a fast server"], 2, 3)
	m.stalled = func(at time.Duration) bool { return at > settled && at < settled+2*time.Second }
	m.run(settled + 1500*millisecond)
	if before, after := m.works[settled/millisecond-1], m.works[len(m.works)-1]; after > before/2 {
		t.Errorf("the work went from %.2f to %.2f", before, after)
	}
	m.run(settled + 30*time.Second)
	if after := m.works[len(m.works)-1]; after < 1 {
		t.Errorf("after the stall the work is %.2f", after)
	}
}

// TestApplicationGrows checks that the run is not blamed when the application's own traffic makes commits slower.
func TestApplicationGrows(t *testing.T) {
	m := newSimulation(servers()["a fast server"], 2, 4)
	m.change = func(at time.Duration, s *server, _ *Goal) {
		if at == settled {
			s.flush *= 20
		}
	}
	m.run(settled + 20*time.Second)
	before, after := m.works[settled/millisecond-1], median(m.between(settled+10*time.Second, settled+20*time.Second))
	if after < before/2 {
		t.Errorf("the work went from %.2f to %.2f", before, after)
	}
}

// TestBursts checks that bursts of the application neither stop the run nor remain the baseline.
func TestBursts(t *testing.T) {
	s := servers()["two processors"]
	s.traffic = 0.1
	m := newSimulation(s, 2, 5)
	m.change = func(at time.Duration, s *server, _ *Goal) {
		s.traffic = 0.1
		if at%(10*time.Second) > 8*time.Second {
			s.traffic = 1
		}
	}
	m.run(90 * time.Second)
	if base := m.controller.base[Commit].value(); base > 3*millisecond {
		t.Errorf("the baseline is %s", base)
	}
	if work := median(m.between(settled, 90*time.Second)); work < 0.05 {
		t.Errorf("the work is %.2f", work)
	}
}

// TestOtherCause checks that a wait with another cause does not slow the run down without end.
func TestOtherCause(t *testing.T) {
	goal := Goal{Limit: 1.5, Workers: 2, Longest: 50 * millisecond, Large: true}
	c, at := measured(goal)
	before := c.Work()
	for _, cause := range []string{"checkpoint", ""} {
		goal.Cause = cause
		for range 100 {
			at = at.Add(50 * millisecond)
			c.Next(at, goal)
			c.rests.resting = false
			c.Record(Sample{At: at, Kind: Commit, Took: time.Second}, goal)
		}
		if work := c.Work(); (cause != "") != (work >= before/2) {
			t.Errorf("cause %q: the work went from %.2f to %.2f", cause, before, work)
		}
	}
}

// measured returns a controller that has measured a baseline of a millisecond, and the time.
func measured(goal Goal) (*Controller, time.Time) {
	c, at := NewController(), time.Unix(0, 0)
	for range sureGroups * groupSize {
		for k := range kinds {
			at = at.Add(5 * millisecond)
			c.Next(at, goal)
			c.Record(Sample{At: at, Kind: k, Took: millisecond, Resting: true}, goal)
		}
	}
	at = at.Add(5 * millisecond)
	c.Next(at, goal)
	return c, at
}

func TestWithoutALimitOrABaseline(t *testing.T) {
	at := time.Unix(0, 0)
	c := NewController()
	if set := c.Next(at, Goal{Large: true, Workers: 2, Longest: 50 * millisecond}); !set.Rest || set.Workers != 0 || set.Duty != 0 || set.Flush != pace.FlushByServer {
		t.Errorf("no limit: %+v", set)
	}
	if set := c.Next(at.Add(2*longestRest), Goal{Large: true}); set.Rest {
		t.Errorf("the rest does not end without samples: %+v", set)
	}
	c = NewController()
	if set := c.Next(at, Goal{Limit: 1.5, Workers: 2, Longest: 50 * millisecond}); set.Rest || set.Workers != 1 || set.Duty != 1 || set.StatementTime != longStatement {
		t.Errorf("a small table: %+v", set)
	}
}

// TestStatementsShortenFirst checks that a worker pauses only when its statements are the shortest.
func TestStatementsShortenFirst(t *testing.T) {
	goal := Goal{Limit: 1.5, Workers: 2, Longest: 50 * millisecond}
	for _, test := range []struct {
		work      float64
		workers   int
		statement time.Duration
		duty      float64
	}{
		{2, 2, longStatement, 1},
		{1.9, 2, longStatement, 0.95},
		{1.1, 1, longStatement, 1},
		{1, 1, longStatement, 1},
		{0.75, 1, 1100 * time.Microsecond, 1},
		{0.5, 1, shortStatement, 1},
		{0.25, 1, shortStatement, 0.5},
	} {
		c, _ := measured(goal)
		for k := range c.level {
			c.level[k].work = test.work
		}
		if set := c.setting(goal); set.Workers != test.workers || set.StatementTime != test.statement || set.Duty != test.duty {
			t.Errorf("work %g: %+v", test.work, set)
		}
	}
}

// TestAnySamples checks what holds for all samples: the setting is usable, a rest ends, and most of the time is no rest.
func TestAnySamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, at := NewController(), time.Unix(0, 0)
		goal := Goal{
			Limit: rapid.SampledFrom([]float64{0, 1.05, 1.5, 100}).Draw(t, "limit"), Workers: rapid.IntRange(1, 2).Draw(t, "workers"),
			Longest: rapid.SampledFrom([]time.Duration{millisecond, 50 * millisecond}).Draw(t, "longest"), Large: rapid.Bool().Draw(t, "large"),
		}
		var resting, all time.Duration
		for range rapid.IntRange(1, 800).Draw(t, "samples") {
			step := rapid.SampledFrom([]time.Duration{0, millisecond, 25 * millisecond, 50 * millisecond, time.Second}).Draw(t, "step")
			at = at.Add(step)
			set := c.Next(at, goal)
			if set.Workers < 0 || set.Workers > goal.Workers || set.Duty < 0 || set.Duty > 1 || set.BatchTime < 0 || set.BatchTime > goal.Longest {
				t.Fatalf("%+v", set)
			}
			if all += step; set.Rest {
				resting += step
			}
			c.Record(Sample{
				At: at, Kind: Kind(rapid.IntRange(0, 1).Draw(t, "kind")), Resting: set.Rest && rapid.Bool().Draw(t, "resting"), Pending: rapid.Bool().Draw(t, "pending"),
				Took: rapid.SampledFrom([]time.Duration{0, 100 * time.Microsecond, millisecond, time.Minute}).Draw(t, "took"),
			}, goal)
			c.Reading(at)
		}
		if resting > all/2+2*longestRest+2*time.Second {
			t.Fatalf("it rests for %s of %s", resting, all)
		}
	})
}

func TestPercentile(t *testing.T) {
	values := make([]time.Duration, 100)
	for i := range values {
		values[i] = time.Duration(100 - i)
	}
	for _, test := range []struct {
		share float64
		want  time.Duration
	}{{0.95, 95}, {0.5, 50}, {1, 100}, {0, 1}} {
		if got := percentile(slices.Clone(values), test.share); got != test.want {
			t.Errorf("%g: %d", test.share, got)
		}
	}
	if percentile(nil, 1) != 0 {
		t.Error("a percentile of nothing")
	}
}

// TestLimitOfShortDurations checks the thresholds: what takes hardly any time at rest may take a little more.
func TestLimitOfShortDurations(t *testing.T) {
	const us = time.Microsecond
	for _, test := range []struct {
		commit, read               time.Duration // at rest
		limit                      float64
		longestCommit, longestRead time.Duration
	}{
		{4000 * us, 1000 * us, 1.5, 6000 * us, 3000 * us},
		{4000 * us, 8000 * us, 1.5, 6000 * us, 12_000 * us},
		{100 * us, 50 * us, 1.5, 600 * us, 1050 * us},
		{1000 * us, 0, 1.25, 1250 * us, 0},
	} {
		c := NewController()
		for range groupSize {
			for k, took := range []time.Duration{test.commit, test.read} {
				if took > 0 {
					c.base[k].add(took)
				}
			}
		}
		commit, read := c.threshold(Commit, test.limit), c.threshold(Read, test.limit)
		if commit != test.longestCommit || read != test.longestRead {
			t.Errorf("%+v: %s, %s", test, commit, read)
		}
		if ratio := c.ratio(Commit, commit); ratio < test.limit-0.001 || ratio > test.limit+0.001 {
			t.Errorf("%+v: the ratio of the threshold is %g", test, ratio)
		}
	}
}
