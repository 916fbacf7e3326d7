package impact

import "time"

const (
	// trialInterval is the time with pauses after which the run tries to do without them. It doubles up to longestTrialInterval with each trial
	// in which more samples were over the limit than with pauses.
	trialInterval, longestTrialInterval = 6 * time.Second, 64 * time.Second
	// trialSamples is the least number of commits with pauses before a trial, and muchPaused the mean work up to which there are trials:
	// otherwise the pauses make little difference even where they help.
	trialSamples, muchPaused = 100, pausing / 2
	// trialTime is how long a trial lasts.
	trialTime = 3 * time.Second
	// failOvers is the number of samples over the limit with which a trial fails, if they are also a failShare of its samples.
	failOvers, failShare = 3, 0.1
	// uselessFrom is the share of samples over the limit with pauses, relative to that in the trial, from which pauses are useless. mostOver is the
	// share in the trial up to which they can be.
	uselessFrom, mostOver = 0.7, 2 * (1 - Percentile)
	// holdTime is how long the run then does without pauses; it doubles up to longestHold when they are useless again.
	holdTime, longestHold = 16 * time.Second, 128 * time.Second
	// endOvers is the number of samples over the limit within a second with which that ends early, if they are also an endShare of the samples:
	// far more than when pauses were found to be useless.
	endOvers, endShare = 10, 2 * mostOver
)

// counts are numbers of samples.
type counts struct{ seen, overs [kinds]int }

func (t *counts) add(k Kind, over bool) {
	if t.seen[k]++; over {
		t.overs[k]++
	}
}

// total returns the samples over the limit and all samples.
func (t *counts) total() (overs, seen int) {
	return t.overs[Commit] + t.overs[Read], t.seen[Commit] + t.seen[Read]
}

// share returns the share of the samples over the limit.
func (t *counts) share(k Kind) float64 { return float64(t.overs[k]) / float64(max(t.seen[k], 1)) }

// trials finds out whether pauses help. Often they do not: a commit that meets a batch waits as long, and the share of the samples over the limit
// hardly depends on the work, which would become ever smaller for nothing.
type trials struct {
	paused   time.Time      // since when the run pauses; zero while it does not
	works    float64        // sum over the samples with pauses
	with     counts         // samples with pauses
	interval time.Duration  // with pauses before the next trial
	began    time.Time      // of the current trial; zero without one
	trial    counts         // its samples
	before   [kinds]float64 // the work before it
	useless  time.Time      // until then pauses count as useless
	hold     time.Duration
	second   time.Time // the begin of the current second of that time
	held     counts    // its samples
}

// sample counts a sample, and ends a trial that fails or a time without pauses that no longer fits.
func (c *Controller) sample(s Sample, over bool) {
	t := &c.trials
	switch {
	case !t.began.IsZero() && s.At.Before(t.began):
	case !t.began.IsZero():
		t.trial.add(s.Kind, over)
		overs, seen := t.trial.total()
		if overs >= failOvers && float64(overs) >= failShare*float64(seen) {
			c.endTrial(s.At, true)
		}
	case s.At.Before(t.useless):
		t.endHold(s, over)
	case !t.paused.IsZero():
		t.works += c.Work()
		t.with.add(s.Kind, over)
	}
}

// endHold ends the time in which pauses count as useless, if the limit is exceeded far more often than before.
func (t *trials) endHold(s Sample, over bool) {
	if s.At.Sub(t.second) >= time.Second {
		t.second, t.held = s.At, counts{}
	}
	t.held.add(s.Kind, over)
	overs, seen := t.held.total()
	if overs >= endOvers && float64(overs) >= endShare*float64(seen) {
		t.useless, t.hold = time.Time{}, 0
	}
}

// Trying reports whether the run works without pauses to find out whether they help.
func (c *Controller) Trying() bool { return !c.trials.began.IsZero() }

// try begins and ends trials.
func (c *Controller) try(now time.Time) {
	t := &c.trials
	switch {
	case now.Before(t.useless):
		c.atLeast(pausing)
	case !t.began.IsZero() && now.Sub(t.began) >= trialTime:
		c.judge(now)
	case !t.began.IsZero():
		c.atLeast(pausing)
	case c.Work() >= pausing:
		t.paused = time.Time{}
	case t.paused.IsZero():
		t.pause(now)
	case t.due(now):
		t.began, t.trial = now, counts{}
		for k := range c.level {
			t.before[k] = c.level[k].work
		}
		c.atLeast(pausing)
	}
}

// pause begins to count samples with pauses.
func (t *trials) pause(now time.Time) {
	t.paused, t.with, t.works = now, counts{}, 0
	t.interval = max(t.interval, trialInterval)
}

func (t *trials) due(now time.Time) bool {
	_, seen := t.with.total()
	return now.Sub(t.paused) >= t.interval && t.with.seen[Commit] >= trialSamples && t.works <= muchPaused*float64(seen)
}

// judge ends a trial. If no more samples were over the limit than are allowed, the run goes on from there.
func (c *Controller) judge(now time.Time) {
	t, limiting, useful := &c.trials, false, false
	for k := range kinds {
		if share := t.trial.share(k); share > allowance {
			limiting = true
			useful = useful || share > mostOver || t.with.share(k) < uselessFrom*share
		}
	}
	c.endTrial(now, useful)
	if limiting && !useful {
		if t.hold = min(2*t.hold, longestHold); t.hold == 0 {
			t.hold = holdTime
		}
		t.useless = now.Add(t.hold)
	}
}

// endTrial ends a trial; if pauses are useful, the work becomes what it was.
func (c *Controller) endTrial(now time.Time, useful bool) {
	t := &c.trials
	t.began, t.paused = time.Time{}, time.Time{}
	if !useful {
		t.interval = 0
		return
	}
	t.interval, t.hold = min(2*t.interval, longestTrialInterval), 0
	for k := range c.level {
		c.level[k].work = min(c.level[k].work, t.before[k])
	}
	t.pause(now)
}

// atLeast makes the work at least so much.
func (c *Controller) atLeast(work float64) {
	for k := range c.level {
		c.level[k].work = max(c.level[k].work, work)
	}
}
