package impact

import "time"

const (
	// trialInterval is the time with pauses after which the run tries to work without them. It doubles up to longestTrialInterval while a trial
	// does not last for trialTime.
	trialInterval, longestTrialInterval = 6 * time.Second, 64 * time.Second
	trialTime                           = 8 * time.Second
	// failTime is how long a trial may fail, and failOvers the least number of samples over the limit with which it does; they are also at
	// least a tenth of its samples.
	failTime, failOvers, failShare = 4 * time.Second, 3, 0.1
)

// trials decides when a run that pauses tries to work without pauses. Pauses are often of little use: whatever meets a batch waits as long, and
// the share of the samples over the limit hardly depends on the work. Then the work would stay small for no reason, since it grows slowly.
type trials struct {
	began    time.Time // of the last trial
	paused   time.Time // since when the run pauses; zero while it does not
	interval time.Duration

	before      [kinds]float64 // the work before the trial
	seen, overs int            // samples in it
}

// sample counts a sample, and ends a trial that fails.
func (c *Controller) sample(s Sample, over bool) {
	t := &c.trials
	if t.began.IsZero() || s.At.Before(t.began) || s.At.Sub(t.began) > failTime {
		return
	}
	if t.seen++; !over {
		return
	}
	if t.overs++; t.overs < failOvers || float64(t.overs) < failShare*float64(t.seen) {
		return
	}
	t.began = t.began.Add(-failTime)
	for k := range c.level {
		c.level[k].work = min(c.level[k].work, t.before[k])
	}
}

// try begins a trial if it is time for one.
func (c *Controller) try(now time.Time) {
	t := &c.trials
	if c.Work() >= pausing {
		t.paused = time.Time{}
		return
	}
	if t.paused.IsZero() {
		t.paused = now
		if t.interval *= 2; t.interval == 0 || now.Sub(t.began) > trialTime {
			t.interval = trialInterval
		}
		t.interval = min(t.interval, longestTrialInterval)
	}
	if now.Sub(t.paused) < t.interval {
		return
	}
	t.began, t.paused, t.seen, t.overs = now, time.Time{}, 0, 0
	for k := range c.level {
		t.before[k] = c.level[k].work
		c.level[k].work = max(c.level[k].work, pausing)
	}
}
