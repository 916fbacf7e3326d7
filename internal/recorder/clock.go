package recorder

import "time"

// clock gives the times of events. They never go back: after the machine's clock was set back they go on as time passes, so that events are
// neither dropped nor out of order until the clock has caught up.
type clock struct {
	began  time.Time     // with the monotonic reading
	last   time.Time     // the last time that was given
	passed time.Duration // since began, at the last time
}

func (c *clock) now() time.Time { return c.next(time.Now().UTC(), time.Since(c.began)) }

// next returns the time of an event, from the time of day and the time that has passed.
func (c *clock) next(day time.Time, passed time.Duration) time.Time {
	if day.Before(c.last) {
		day = c.last.Add(passed - c.passed)
	}
	c.last, c.passed = day, passed
	return day
}
