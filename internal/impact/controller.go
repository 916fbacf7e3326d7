package impact

import (
	"math"
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

const (
	// window is the time over which the percentile of samples is reported.
	window = 2 * time.Second
	// batchTime is the duration of a batch, and flushedBatchTime the duration of one that flushes its own WAL.
	batchTime, flushedBatchTime = 12 * time.Millisecond, 8 * time.Millisecond
	// shortStatement and longStatement are the durations of the statements of a batch. Between two of them the application gets the
	// processor: so one worker makes them shorter first. It pauses between batches if short statements are still too much. Pauses alone
	// help little: a commit that meets a batch waits as long, and a worker that has slept gets the processor before the application.
	shortStatement, longStatement = 700 * time.Microsecond, 2 * time.Millisecond
	// pausing is the work below which a worker pauses, and steady is the work of one worker with long statements.
	pausing, steady = 0.5, 1.0
	// secondBegins and secondEnds are the work above which a second worker begins and below which it ends.
	secondBegins, secondEnds = 1.8, 0.95
)

// Goal is what the controller aims at.
type Goal struct {
	Limit   float64       // times as long as at rest; 0 is no limit
	Workers int           // at most
	Longest time.Duration // target duration of a batch, at most
	Large   bool          // the table takes long enough to fill for a rest before the first batch
	Cause   string        // what else makes the application wait now; "" for nothing known
	Flush   pace.Flush    // who flushes the WAL of the batches
}

// Controller chooses the next pace from samples, by one number for each kind of samples: the work, where 1 is one worker with long
// statements that never pauses. The smaller one applies. Each sample over the limit makes the work smaller and each other one makes it larger, so that it stays
// where nearly 5 percent of the samples are over the limit.
//
// Bounds: if all samples are over the limit, the work halves within half a second. Under a constant load it stays within a factor of 5
// of its median for nine tenths of the time, from 20 seconds after the load's last change on. It is never less
// than a fiftieth. Samples that would be over the limit at rest too do not make it smaller: on a server whose commits vary, a run that does
// nothing does not keep to the limit either.
//
// Every 8 seconds the run rests for about a third of a second to measure the baseline. If many samples are over the limit it
// rests at once, since the application's own traffic may be the reason: then the new baseline applies. A run that pauses tries from time to
// time to do without, and does so for a while if no pause has helped.
//
// A Controller is not safe for concurrent use.
type Controller struct {
	base   [kinds]baseline
	level  [kinds]level
	recent []Sample
	rests  rests
	trials trials
	two    bool      // two workers
	pended time.Time // of the last sample that had not ended
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
	end := s.At.Add(s.Took)
	if s.Resting {
		if !s.Pending {
			if threshold := c.threshold(s.Kind, g.Limit); threshold > 0 && s.Took > threshold {
				c.rests.slow[s.Kind]++
			}
			c.base[s.Kind].add(s.Took)
			c.rests.seen[s.Kind]++
		}
		return
	}
	if !s.Pending {
		c.recent = append(c.recent, s)
	}
	threshold := c.threshold(s.Kind, g.Limit)
	over := s.Took > threshold
	if g.Limit <= 0 || c.rests.resting || threshold == 0 || s.Pending && (!over || end.Sub(c.pended) < pendingInterval) {
		return
	}
	if s.Pending {
		c.pended = end
	}
	if over {
		if c.rests.over(end); len(c.rests.overs) == 1 {
			for k := range c.level {
				c.rests.before[k] = c.level[k].work
			}
		}
	}
	c.sample(s, over)
	c.level[s.Kind].record(s, over, c.base[s.Kind].over(threshold), float64(max(g.Workers, 1)))
}

// Next returns the pace from now on.
func (c *Controller) Next(now time.Time, g Goal) pace.Setting {
	c.forget(now)
	c.rest(now, g)
	if g.Limit <= 0 {
		return pace.Setting{Rest: c.rests.resting}
	}
	if c.base[Commit].value() == 0 {
		return c.unmeasured(g)
	}
	if !c.rests.resting {
		c.try(now)
	}
	c.together(now, g)
	s := c.setting(g)
	s.Rest = c.rests.resting
	return s
}

// unmeasured returns the setting before the first baseline: one worker with long statements.
func (c *Controller) unmeasured(g Goal) pace.Setting {
	return pace.Setting{Workers: 1, BatchTime: min(flushedBatchTime, g.Longest), StatementTime: longStatement, Duty: 1, Flush: g.Flush, Rest: c.rests.resting}
}

// together keeps the work that one kind of samples allows close to what the other one allows, so that it does not grow without being
// tried.
func (c *Controller) together(now time.Time, g Goal) {
	const lead = 1.3
	least := c.Work()
	for k := range c.level {
		l := &c.level[k]
		l.work = min(l.work, lead*least)
		l.excuse(now, g.Cause != "")
		l.limit(float64(max(g.Workers, 1)))
	}
}

// Work returns how much the run works: 1 is one worker with long statements that never pauses.
func (c *Controller) Work() float64 {
	work := math.Inf(1)
	for k := range c.level {
		if c.base[k].value() > 0 {
			work = min(work, c.level[k].work)
		}
	}
	return work
}

// setting returns the workers, the duty and the times of batches and statements for the work.
func (c *Controller) setting(g Goal) pace.Setting {
	work := c.Work()
	c.two = g.Workers > 1 && c.base[Commit].sure() && (work > secondBegins || c.two && work > secondEnds)
	s := pace.Setting{Workers: 1, Duty: min(work/pausing, 1), Flush: g.Flush}
	if c.two {
		s.Workers, s.Duty = 2, min(work/2, 1)
	}
	s.BatchTime = min(batchTime, g.Longest)
	if g.Flush == pace.FlushByBatch {
		s.BatchTime = min(flushedBatchTime, g.Longest)
	}
	length := min(max(work-pausing, 0)/(steady-pausing), 1) // from the shortest to the longest statement, in equal ratios
	statement := time.Duration(float64(shortStatement) * math.Pow(float64(longStatement)/float64(shortStatement), length))
	s.StatementTime = statement.Truncate(longStatement / 20) //nolint:mnd // so that it does not change with each sample
	return s
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
	Ratio      float64              // the larger impact of both kinds, 0 if neither is known
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
		if ratio := c.ratio(k, r.Took[k]); ratio > r.Ratio {
			r.Ratio, r.Worst = ratio, k
		}
	}
	return r
}
