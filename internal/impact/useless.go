package impact

import "time"

const (
	// judgeTime and judgeSamples are how long the run pauses, and how many samples of each kind there are, before pauses are judged.
	judgeTime, judgeSamples = 5 * time.Second, 100
	// muchPaused is the mean work up to which they are judged: more would make little difference even where pauses help.
	muchPaused = pausing / 2
	// uselessFrom is the share of the samples over the limit with pauses, relative to that without them, from which pauses are useless.
	uselessFrom = 0.7
	// mostOver is the share of the samples over the limit up to which a run goes on without pauses because they are useless.
	mostOver = 2 * (1 - Percentile)
	// memory is the number of samples without pauses that count.
	memory = 150
	// holdTime is how long pauses count as useless; it doubles up to longestHold when they are useless again.
	holdTime, longestHold = 16 * time.Second, 128 * time.Second
)

// pauses judges whether pauses help.
type pauses struct {
	without     [kinds]float64 // the share of the samples over the limit without pauses
	known       [kinds]int     // samples of it, at most memory
	seen, overs [kinds]int     // samples of the current time with pauses
	works       float64        // the sum of their work
	began       time.Time      // of that time; zero without pauses
	useless     time.Time      // until then pauses count as useless
	hold        time.Duration
}

// sample counts a sample at a work.
func (p *pauses) sample(s Sample, over bool, work float64) {
	k := s.Kind
	if work >= pausing {
		p.known[k] = min(p.known[k]+1, memory)
		was := 0.
		if over {
			was = 1
		}
		p.without[k] += (was - p.without[k]) / float64(p.known[k])
		p.began = time.Time{}
		return
	}
	if p.began.IsZero() {
		p.began, p.seen, p.overs, p.works = s.At, [kinds]int{}, [kinds]int{}, 0
	}
	p.works += work
	if p.seen[k]++; over {
		p.overs[k]++
	}
}

// judge reports whether pauses count as useless: with them about as many samples are over the limit as without, and not very many.
func (p *pauses) judge(now time.Time) bool {
	if now.Before(p.useless) {
		return true
	}
	all := p.seen[Commit] + p.seen[Read]
	if p.began.IsZero() || now.Sub(p.began) < judgeTime || p.seen[Commit] < judgeSamples || p.known[Commit] < judgeSamples || p.works > muchPaused*float64(all) {
		return false
	}
	began := p.began
	p.began = time.Time{}
	for k := range p.seen {
		if p.seen[k] > 0 && (p.without[k] > mostOver || float64(p.overs[k]) < uselessFrom*p.without[k]*float64(p.seen[k])) {
			p.hold = 0
			return false
		}
	}
	if p.hold = min(2*p.hold, longestHold); began.Sub(p.useless) > longestHold || p.hold == 0 {
		p.hold = holdTime
	}
	p.useless = now.Add(p.hold)
	return true
}
