package impact

import (
	"math"
	"time"
)

const (
	leastWork = 0.02 // no impact stops a run
	firstWork = 1.0
	// allowance is the share of samples over the limit, besides those that are over it at rest too, at which the work neither grows nor
	// shrinks. It is a little less than what the limit allows.
	allowance = 0.95 * (1 - Percentile)
	// gain is how much the logarithm of the work changes for one sample: twenty samples over the limit cut the work to
	// a fifth.
	gain = 0.08
	// maxSpeedUp bounds how much faster the work grows after seconds in which no sample was over the limit. It does not grow faster before
	// usual, which is rare where the work has found its place.
	maxSpeedUp, usual = 12, 2
	// pendingInterval is how often a measurement that does not end counts as one over the limit.
	pendingInterval = 50 * time.Millisecond
)

// level is the work that one kind of samples allows.
type level struct {
	work  float64
	over  time.Time // the last sample over the limit, or the first sample
	least float64   // for some time while another cause explains the wait
	cause time.Time // the begin of that cause
}

// record changes the work by one sample. idle is the share of the samples at rest that are over the limit.
func (l *level) record(s Sample, over bool, idle, most float64) {
	allowed := allowance + idle
	if l.over.IsZero() {
		l.over = s.At
	}
	if over {
		l.work *= math.Exp(-gain * (1 - allowed))
		l.over = s.At
	} else {
		l.work *= math.Exp(gain * allowed * min(max(s.At.Sub(l.over).Seconds()-usual+1, 1), maxSpeedUp))
	}
	l.limit(most)
}

func (l *level) limit(most float64) { l.work = min(max(l.work, leastWork, l.least), most) }

// excuseTime is how long a cause explains the wait. A cause that lasts, such as a checkpoint, explains less; then rests show whether
// the run is the reason.
const excuseTime = 10 * time.Second

// excuse keeps at least half of the work for some time while another cause explains the wait.
func (l *level) excuse(now time.Time, cause bool) {
	switch {
	case !cause:
		l.least, l.cause = 0, time.Time{}
	case l.cause.IsZero():
		l.least, l.cause = l.work/2, now //nolint:mnd // half
	case now.Sub(l.cause) >= excuseTime:
		l.least = 0
	}
}
