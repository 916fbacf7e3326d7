package impact

import (
	"math"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

const (
	leastWork = 0.04 // of one worker; a run never stops because of its impact
	firstWork = 0.5
	// tolerance is the difference that is never an impact: scheduling and the network make as much.
	tolerance = 250 * time.Microsecond
	// gain is how much the logarithm of the work changes for one sample.
	gain = 0.07
	// pendingInterval is how often a measurement that does not end counts as one over the limit.
	pendingInterval = 50 * time.Millisecond
	// window is the time over which the percentile of samples is reported.
	window = 2 * time.Second
	// maxSpeedUp bounds how much faster the work grows after seconds in which no sample is over the limit.
	maxSpeedUp = 6
)

const (
	firstGroups  = 3 // of the first rest
	restInterval = 8 * time.Second
	// soonRest is the interval of rests while the limit is exceeded: perhaps the application's own traffic has grown.
	soonRest    = 2500 * time.Millisecond
	longestRest = time.Second
)

// Goal is what the controller aims at.
type Goal struct {
	Limit   float64       // times as long as at rest; 0 is no limit
	Workers int           // at most
	Longest time.Duration // target duration of a batch, at most
	Large   bool          // the table takes long enough to fill for a rest before the first batch
	Cause   string        // what else makes the application wait now; "" for nothing known
}

// Controller chooses the next pace from samples. It is not safe for concurrent use.
type Controller struct {
	base   [kinds]baseline
	level  [kinds]level
	recent []Sample

	resting    bool
	restBegan  time.Time
	restEnded  time.Time
	restGroups int // to measure in this rest
	restSeen   [kinds]int
	two        bool      // two workers
	pended     time.Time // of the last sample that has not ended
}

// level is the work that one kind of samples allows, in workers.
type level struct {
	work    float64
	calm    time.Time // of the last sample over the limit
	limited time.Time
	least   float64 // while another cause explains the wait
}

// NewController returns a controller without samples.
func NewController() *Controller {
	c := &Controller{}
	for k := range c.level {
		c.level[k].work = firstWork
	}
	return c
}

// Record adds a sample. Samples come in the order of their end.
func (c *Controller) Record(s Sample, g Goal) {
	if s.Resting {
		if !s.Pending {
			c.base[s.Kind].add(s.Took)
			c.restSeen[s.Kind]++
		}
		return
	}
	if !s.Pending {
		c.recent = append(c.recent, s)
	}
	if g.Limit <= 0 || c.resting {
		return
	}
	threshold := c.threshold(s.Kind, g.Limit)
	if threshold == 0 || s.Pending && (s.Took <= threshold || s.At.Add(s.Took).Sub(c.pended) < pendingInterval) {
		return
	}
	if s.Pending {
		c.pended = s.At.Add(s.Took)
	}
	c.level[s.Kind].record(s, s.Took > threshold, g)
}

// threshold returns the duration above which a sample is over the limit, 0 without a baseline.
func (c *Controller) threshold(k Kind, limit float64) time.Duration {
	base := c.base[k].value()
	if base == 0 {
		return 0
	}
	return max(time.Duration(limit*float64(base)), base+tolerance)
}

// record changes the work by one sample. The work neither grows nor shrinks while a twentieth of the samples is over the limit.
func (l *level) record(s Sample, over bool, g Goal) {
	if l.calm.IsZero() {
		l.calm = s.At
	}
	if over {
		l.work *= math.Exp(-gain * Percentile)
		l.calm, l.limited = s.At, s.At
	} else if !s.Pending {
		speedUp := min(1+s.At.Sub(l.calm).Seconds(), maxSpeedUp)
		l.work *= math.Exp(gain * (1 - Percentile) * speedUp)
	}
	l.work = min(max(l.work, leastWork, l.least), float64(g.Workers))
}

// Next returns the pace from now on.
func (c *Controller) Next(now time.Time, g Goal) pace.Setting {
	c.forget(now)
	c.rest(now, g)
	if g.Limit <= 0 {
		return pace.Setting{Rest: c.resting}
	}
	if c.base[Commit].value() == 0 {
		return pace.Setting{Rest: c.resting, Flush: true}
	}
	c.together(g)
	s := c.setting(g)
	s.Rest = c.resting
	return s
}

// together keeps the work that a kind of samples allows close to what the other one allows, so that it does not grow without
// being tried.
func (c *Controller) together(g Goal) {
	const lead = 1.3
	least := c.Work()
	for k := range c.level {
		l := &c.level[k]
		l.work = min(l.work, lead*least)
		if g.Cause == "" {
			l.least = 0
		} else if l.least == 0 {
			l.least = l.work / 2 //nolint:mnd // half of it, while the cause lasts
		}
	}
}

// Work returns how much the run works, in workers that never rest.
func (c *Controller) Work() float64 {
	work := math.Inf(1)
	for k := range c.level {
		if c.base[k].value() > 0 {
			work = min(work, c.level[k].work)
		}
	}
	return work
}

// setting returns the workers, the duty and the batch time of the work.
func (c *Controller) setting(g Goal) pace.Setting {
	const up, down = 1.1, 0.9 // a second worker begins above up and ends below down
	work := c.Work()
	c.two = g.Workers > 1 && (work > up || c.two && work > down)
	workers := 1
	if c.two {
		workers = 2
	}
	duty := min(work/float64(workers), 1)
	return pace.Setting{Workers: workers, Duty: duty, BatchTime: min(batchTime, g.Longest), Flush: true}
}

// batchTime is the duration of a batch whose WAL delays a commit of the application little.
const batchTime = 4 * time.Millisecond

// rest begins and ends the rests.
func (c *Controller) rest(now time.Time, g Goal) {
	if c.resting {
		done := now.Sub(c.restBegan) >= longestRest
		if enough := c.restGroups * groupSize; c.restSeen[Commit] >= enough && (c.restSeen[Read] >= enough || c.restSeen[Read] == 0) {
			done = true
		}
		if done {
			c.resting, c.restEnded = false, now
		}
		return
	}
	first := c.base[Commit].value() == 0
	since := now.Sub(c.restEnded)
	switch {
	case first && g.Large && c.restEnded.IsZero():
		c.beginRest(now, firstGroups)
	case g.Limit <= 0:
	case first && since >= soonRest, since >= restInterval, c.strained(now) && since >= soonRest:
		c.beginRest(now, 1)
	}
}

func (c *Controller) beginRest(now time.Time, groups int) {
	if c.restEnded.IsZero() && groups == 1 { // the first table is small: the first rest is due after an interval
		c.restEnded = now
		return
	}
	c.resting, c.restBegan, c.restGroups, c.restSeen = true, now, groups, [kinds]int{}
}

// strained reports whether the run works far less than before because of the limit.
func (c *Controller) strained(now time.Time) bool {
	for k := range c.level {
		if now.Sub(c.level[k].limited) < time.Second && c.level[k].work < 2*leastWork {
			return true
		}
	}
	return false
}

// forget drops samples that are older than the window.
func (c *Controller) forget(now time.Time) {
	for len(c.recent) > 0 && now.Sub(c.recent[0].At) > window {
		c.recent = c.recent[1:]
	}
}

// Reading is what the probe measures now.
type Reading struct {
	Took, Idle [kinds]time.Duration // 95th percentiles, by kind; 0 without samples
	Ratio      float64              // the largest of Took / Idle, 0 if neither is known
	Worst      Kind                 // of the ratio
}

// Reading returns the percentiles of the recent samples and their baselines.
func (c *Controller) Reading(now time.Time) Reading {
	c.forget(now)
	var r Reading
	var took [kinds][]time.Duration
	for _, s := range c.recent {
		took[s.Kind] = append(took[s.Kind], s.Took)
	}
	for k := range kinds {
		r.Took[k], r.Idle[k] = percentile(took[k], Percentile), c.base[k].value()
		if r.Idle[k] == 0 {
			continue
		}
		if ratio := float64(r.Took[k]) / float64(r.Idle[k]); ratio > r.Ratio {
			r.Ratio, r.Worst = ratio, k
		}
	}
	return r
}
