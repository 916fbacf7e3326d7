package recorder

import (
	"slices"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/history"
)

// minInterval is the time between two recorded events of a frequent kind about the same table.
const minInterval = time.Second

// thinner bounds how many events of frequent kinds are recorded: one a second of a kind and a table, and of each kind as many
// as [history.Thin] keeps, however long the run takes.
type thinner struct {
	recorded map[string]time.Time // the last one of each kind and table
	series   map[string]*series   // by kind
	dropped  []int64              // positions of recorded events that are to be deleted
	throttle event.Throttled      // the last one that was recorded
}

// series are the recorded events of a kind.
type series struct {
	seqs  []int64
	times []time.Time
	grid  time.Duration
}

func newThinner() thinner {
	return thinner{recorded: map[string]time.Time{}, series: map[string]*series{}}
}

// seriesOf returns the kind of a frequent event, with its table, and whether the event is frequent.
func seriesOf(e event.Event) (of [2]string, frequent bool) {
	switch e := e.(type) {
	case event.Progress:
		return [2]string{"progress", e.Table}, true
	case event.IndexProgress:
		return [2]string{"index", e.Table}, true
	case event.Impact:
		return [2]string{"impact"}, true
	case event.Load:
		return [2]string{"load"}, true
	case event.LockRefused:
		return [2]string{"lock", e.Table}, true
	}
	return of, false
}

func isFrequent(entry history.Entry) bool {
	_, frequent := seriesOf(entry.Event)
	return frequent
}

// admits reports whether an event is recorded. Its position is then seq.
func (t *thinner) admits(e event.Event, at time.Time, seq int64) bool {
	if now, ok := e.(event.Throttled); ok {
		return t.admitsReason(now, at)
	}
	of, frequent := seriesOf(e)
	if !frequent {
		return true
	}
	key := of[0] + " " + of[1]
	if last, recorded := t.recorded[key]; recorded && at.Sub(last) < minInterval {
		return false
	}
	t.recorded[key] = at
	t.count(of[0], at, seq)
	return true
}

// admitsReason reports whether a reason is recorded: a new one always, new figures in the same one rarely. Reasons are no
// series, since each of them ends at the next one.
func (t *thinner) admitsReason(now event.Throttled, at time.Time) bool {
	const key = "throttle"
	same := now.Paused == t.throttle.Paused && history.SameReason(now.Reason, t.throttle.Reason)
	if same && at.Sub(t.recorded[key]) < reasonInterval {
		return false
	}
	t.throttle, t.recorded[key] = now, at
	return true
}

// reasonInterval is the time between two recorded events of a reason that lasts.
const reasonInterval = time.Minute

// count adds the event to its series, and thins it.
func (t *thinner) count(kind string, at time.Time, seq int64) {
	s := t.series[kind]
	if s == nil {
		s = &series{}
		t.series[kind] = s
	}
	s.seqs, s.times = append(s.seqs, seq), append(s.times, at)
	if !history.Crowded(len(s.seqs)) {
		return
	}
	keep, grid := history.Thin(s.times, s.grid)
	kept := series{grid: grid}
	for i, one := range s.seqs {
		if keep[i] {
			kept.seqs, kept.times = append(kept.seqs, one), append(kept.times, s.times[i])
		} else {
			t.dropped = append(t.dropped, one)
		}
	}
	*s = kept
}

// takeDropped returns the positions up to one that are to be deleted, once.
func (t *thinner) takeDropped(upTo int64) (taken []int64) {
	t.dropped = slices.DeleteFunc(t.dropped, func(seq int64) bool {
		if seq > upTo {
			return false
		}
		taken = append(taken, seq)
		return true
	})
	return taken
}
