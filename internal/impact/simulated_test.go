package impact

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// server is a simulated server in virtual time. Batches and the application use its processors, and write WAL that its disk flushes
// in order; a commit waits for a processor, for the flushes before its own, and for its own.
type server struct {
	processors int
	flush      time.Duration // of one commit, at least
	perMB      time.Duration // of flushing
	walPerMs   float64       // MB of WAL of a batch per millisecond
	traffic    float64       // processors that the application keeps busy on average
	slice      time.Duration // the longest wait for a processor
	noise      float64       // standard deviation of the logarithm of each service time
	stalled    func(at time.Duration) bool

	random    *rand.Rand
	now       time.Duration
	diskFree  time.Duration // when the disk has done all flushes
	unflushed float64       // MB that no flush has begun to write
	flushes   time.Duration // when the flusher flushes next
	workers   [2]struct {
		busy, paused time.Duration // remaining
	}
}

const millisecond = time.Millisecond

func (s *server) start() time.Time { return time.Unix(0, 0) }

func (s *server) at() time.Time { return s.start().Add(s.now) }

// step simulates one millisecond of batches.
func (s *server) step(set pace.Setting) {
	for i := range s.workers {
		w := &s.workers[i]
		switch {
		case w.busy > 0:
			s.unflushed += s.walPerMs
			if w.busy -= millisecond; w.busy <= 0 {
				var flush time.Duration
				if set.Flush == pace.FlushByBatch {
					s.flushAll()
					flush = s.diskFree - s.now
				}
				w.paused = flush + time.Duration(float64(set.BatchTime+flush)*(1/set.Duty-1))
			}
		case w.paused > 0:
			w.paused -= millisecond
		case i < set.Workers && !set.Rest:
			w.busy = set.BatchTime
		}
	}
	if set.Flush == pace.FlushByFlusher && s.unflushed > 0 && s.now >= s.flushes {
		s.flushAll()
		took := s.diskFree - s.now
		s.flushes = s.now + took + max(2*millisecond, 4*took)
	}
	s.now += millisecond
}

func (s *server) flushAll() {
	s.diskFree = max(s.diskFree, s.now) + s.noisy(s.flush+time.Duration(s.unflushed*float64(s.perMB)))
	s.unflushed = 0
}

func (s *server) noisy(d time.Duration) time.Duration {
	return time.Duration(float64(d) * math.Exp(s.noise*s.random.NormFloat64()))
}

// busy returns the number of batches that are running.
func (s *server) busy() (n int) {
	for _, w := range s.workers {
		if w.busy > 0 {
			n++
		}
	}
	return n
}

// measure returns how long a commit or a read takes now.
func (s *server) measure(k Kind) time.Duration {
	const statement = 150 * time.Microsecond
	took := s.noisy(statement)
	others := s.busy()
	for load := s.traffic; load > 0; load-- {
		if s.random.Float64() < load {
			others++
		}
	}
	if others >= s.processors { // the wait for one of several busy processors is short
		took += time.Duration(s.random.Float64() * float64(s.slice) * float64(others-s.processors+1) / float64(s.processors))
	}
	if s.traffic > 0 && s.random.Float64() < min(s.traffic/10, 1) { // a flush of the application
		s.diskFree = max(s.diskFree, s.now) + s.noisy(s.flush)
	}
	if k == Commit {
		begin := s.now + took
		free := max(s.diskFree, begin)
		s.diskFree = free + s.noisy(s.flush+time.Duration(s.unflushed*float64(s.perMB)))
		s.unflushed = 0
		took = s.diskFree - s.now
	}
	return took
}

// run is a run on a simulated server.
type simulation struct {
	*server
	controller *Controller
	goal       Goal
	set        pace.Setting
	change     func(at time.Duration, s *server, g *Goal) // at each step

	works  []float64 // one a step
	overs  []bool    // of the samples while the run works
	stamps []time.Duration
	rested time.Duration
	reacts bool // a rest counts as no work
}

func newSimulation(s server, limit float64, seed uint64) *simulation {
	s.random = rand.New(rand.NewPCG(seed, 1))
	return &simulation{server: &s, controller: NewController(), goal: Goal{Limit: limit, Workers: 2, Longest: 50 * millisecond, Large: true, Flush: pace.FlushByFlusher}}
}

// run simulates until a time.
func (m *simulation) run(until time.Duration) {
	var next, ends time.Duration // of the probe
	kind := Commit
	var sample Sample
	for m.now < until {
		if m.change != nil {
			m.change(m.now, m.server, &m.goal)
		}
		stalled := m.stalled != nil && m.stalled(m.now)
		switch {
		case sample.At.IsZero() && m.now >= next:
			sample = Sample{At: m.at(), Kind: kind, Resting: m.set.Rest && m.busy() == 0, Took: m.measure(kind)}
			ends = m.now + sample.Took
		case !sample.At.IsZero() && m.now >= ends && !stalled:
			sample.Resting = sample.Resting && m.set.Rest
			sample.Took = max(sample.Took, m.at().Sub(sample.At)-millisecond)
			m.record(sample)
			if kind = 1 - kind; kind == Commit {
				pause := 50 * millisecond
				if m.set.Rest {
					pause = 20 * millisecond
				}
				next = m.now + pause/2 + time.Duration(m.random.Int64N(int64(pause)))
			}
			sample = Sample{}
		case !sample.At.IsZero():
			m.controller.Record(Sample{At: sample.At, Kind: kind, Took: m.at().Sub(sample.At), Pending: true}, m.goal)
		}
		m.set = m.controller.Next(m.at(), m.goal)
		if m.set.Rest {
			m.rested += millisecond
		}
		m.works = append(m.works, m.controller.Work())
		if m.set.Rest && m.reacts {
			m.works[len(m.works)-1] = 0
		}
		if m.set.Workers > 0 && m.set.Duty > 0 {
			m.step(m.set)
		} else {
			m.step(pace.Setting{Workers: 2, Duty: 2. / 3, BatchTime: 50 * millisecond, Rest: m.set.Rest})
		}
	}
}

func (m *simulation) record(s Sample) {
	m.controller.Record(s, m.goal)
	if !s.Resting && !m.set.Rest {
		m.overs = append(m.overs, s.Took > m.controller.threshold(s.Kind, m.goal.Limit))
		m.stamps = append(m.stamps, m.now)
	}
}

// share returns the share of samples over the limit from a time on.
func (m *simulation) share(from time.Duration) float64 {
	over, all := 0, 0
	for i, at := range m.stamps {
		if at >= from {
			all++
			if m.overs[i] {
				over++
			}
		}
	}
	return float64(over) / float64(max(all, 1))
}

// steadiness is the factor within which the work stays of its median; Controller states it.
const steadiness = 5
