package impact

import "time"

const (
	firstGroups  = 3 // of the rest before the first batch
	restInterval = 8 * time.Second
	longestRest  = time.Second
	// suspicion is the number of samples over the limit within a second after which the run rests, to learn whether it is the reason.
	suspicion = 5
	// soonest is the time from one such rest to the next. It doubles up to restInterval while the run itself is the reason.
	soonest = 1500 * time.Millisecond
	// slowAtRest is the number of samples over the limit in such a rest that show that the run is not the reason. One is an accident.
	slowAtRest = 2
	// freshness is how long the group of such a rest counts by itself.
	freshness = 2500 * time.Millisecond
)

// rests decides when the run rests.
type rests struct {
	resting bool
	began   time.Time
	ended   time.Time
	groups  int        // to measure in this rest
	seen    [kinds]int // samples of this rest
	slow    [kinds]int // of them over the limit

	overs    []time.Time // of the last second
	suspects bool        // this rest tests whether the run is the reason
	pause    time.Duration
	before   [kinds]float64 // the work before the samples that began this rest
}

// over counts a sample over the limit.
func (r *rests) over(at time.Time) {
	for len(r.overs) > 0 && at.Sub(r.overs[0]) > time.Second {
		r.overs = r.overs[1:]
	}
	r.overs = append(r.overs, at)
}

// suspicious reports whether many recent samples were over the limit.
func (r *rests) suspicious(now time.Time) bool {
	return len(r.overs) >= suspicion && now.Sub(r.overs[len(r.overs)-1]) < time.Second && now.Sub(r.ended) >= max(r.pause, soonest)
}

// rest begins and ends the rests.
func (c *Controller) rest(now time.Time, g Goal) {
	r := &c.rests
	switch first := c.base[Commit].value() == 0; {
	case r.resting:
		if c.rested(now) {
			c.endRest(now)
		}
	case r.ended.IsZero():
		if r.ended = now; g.Large {
			c.beginRest(now, firstGroups)
		}
	case g.Limit <= 0:
	case first && now.Sub(r.ended) >= freshness, now.Sub(r.ended) >= restInterval:
		c.beginRest(now, 1)
	case r.suspicious(now):
		r.suspects = true
		c.beginRest(now, 1)
	}
	for k := range c.base {
		if now.Sub(r.ended) > freshness {
			c.base[k].fresh = false
		}
	}
}

// rested reports whether the rest has measured enough, or has lasted too long.
func (c *Controller) rested(now time.Time) bool {
	enough, r := c.rests.groups*groupSize, &c.rests
	return now.Sub(r.began) >= longestRest || r.seen[Commit] >= enough && (r.seen[Read] >= enough || r.seen[Read] == 0)
}

func (c *Controller) beginRest(now time.Time, groups int) {
	r := &c.rests
	r.resting, r.began, r.groups, r.seen, r.slow = true, now, groups, [kinds]int{}, [kinds]int{}
	for k := range c.base {
		c.base[k].current = c.base[k].current[:0]
	}
}

// endRest ends a rest. If commits or reads are slow in it too, the run is not the reason: the group counts by itself for a while, and
// the work becomes what it was.
func (c *Controller) endRest(now time.Time) {
	r := &c.rests
	r.resting, r.ended, r.overs = false, now, nil
	if !r.suspects {
		return
	}
	r.suspects = false
	blamed := true
	for k := range c.base {
		b := &c.base[k]
		b.fresh = false
		if r.seen[k] >= groupSize && r.slow[k] >= slowAtRest {
			b.fresh, blamed = true, false
		}
	}
	if blamed {
		r.pause = min(2*max(r.pause, soonest), restInterval)
		return
	}
	r.pause = soonest
	for k := range c.level {
		c.level[k].work = max(c.level[k].work, r.before[k])
	}
}
