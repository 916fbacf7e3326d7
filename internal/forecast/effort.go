package forecast

import (
	"time"

	"github.com/rekey-pg/rekey/internal/pace"
)

// Times on the server of the benchmark, whose Speed.Processor is 1, of one worker.
const (
	rowTime    = 6000 * time.Nanosecond // a heap-only update with its lock
	moveTime   = 2500 * time.Nanosecond // what an update takes more that moves the row
	entryTime  = 1800 * time.Nanosecond // a new index entry
	visitTime  = 100 * time.Nanosecond  // a row that a wave reads
	orderTime  = 2600 * time.Nanosecond // a value in the order of creation: reading, sorting, sending it
	joinTime   = 1000 * time.Nanosecond // a look-up of the parent
	scanTime   = 60 * time.Nanosecond   // a row that VALIDATE or an index build reads
	sortTime   = 580 * time.Nanosecond  // an entry of an index build
	changeTime = 4 * time.Millisecond   // a short change under a lock, with the reads before it
	groupTime  = 8 * time.Millisecond   // a group
	pageTime   = 20 * time.Microsecond  // a page that becomes dirty and is written to the WAL in full
	vacuumTime = 10 * time.Millisecond  // a VACUUM, without its pages
	sweptTime  = 4 * time.Microsecond   // a page that it reads
	second     = 0.7                    // what a second worker adds
	workers    = 2                      // at pace full
)

// share returns how much of one worker at full speed a pace uses on a server without other work. At normal and gentle the run's probe
// makes it less while the application would feel it, see --max-impact.
func share(speed pace.Speed) float64 {
	const gentle, full = 0.25, 1 + second
	switch speed {
	case pace.Gentle:
		return gentle
	case pace.Full:
		return full
	case pace.Normal:
	}
	return 1
}

// effort adds up what takes time.
type effort struct {
	paced   time.Duration // of the filling: the pace makes it longer
	rest    time.Duration // of reads and builds, which run without pauses
	cold    float64       // pages that may have to be read from the disk
	changes int
	single  bool // one worker fills the table
}

func (e *effort) fill(t *table, f Fill, stayed, moved float64) {
	perPage := t.Rows / max(t.Pages, 1)
	visited := t.Pages * perPage * float64(len(f.Bounds))
	e.add(&e.paced, stayed+moved, rowTime)
	e.add(&e.paced, moved, moveTime+time.Duration(len(t.Indexes))*entryTime)
	e.add(&e.paced, visited, visitTime)
	e.add(&e.paced, t.Pages*min(f.Rows/max(t.Rows, 1), 1), pageTime)
	switch f.Writer {
	case InOrder:
		e.add(&e.paced, stayed+moved, orderTime)
	case ByJoin:
		e.add(&e.paced, stayed+moved, joinTime)
	case ByClock:
	}
	e.single = t.Pages <= smallPages
	if f.Vacuum && !e.single {
		e.add(&e.rest, vacuums, vacuumTime)
		e.add(&e.rest, vacuums*t.Pages/2, sweptTime) // the table is filled by half on average
	}
	e.cold += t.Pages
}

// vacuums is how often a table whose rows all move is vacuumed: backfill's constant.
const vacuums = 8

// smallPages is the size up to which one worker fills a table: backfill's constant.
const smallPages = 512

func (e *effort) build(t *table, b Build) {
	e.add(&e.rest, t.Rows*2, scanTime) // CREATE INDEX CONCURRENTLY reads the table twice
	e.add(&e.rest, b.Rows, sortTime)
}

func (e *effort) scan(rows float64) {
	e.add(&e.rest, rows, scanTime)
}

func (e *effort) add(to *time.Duration, times float64, each time.Duration) {
	*to += time.Duration(times * float64(each))
}

// time returns how long the group takes at a pace.
func (e *effort) time(s Server, speed pace.Speed) time.Duration {
	hands := share(speed)
	if e.single {
		hands = min(hands, 1)
	}
	paced := float64(e.paced) / hands
	cold := e.cold * float64(s.Speed.Page)
	fixed := groupTime + time.Duration(e.changes)*(changeTime+3*s.Speed.Trip)
	return time.Duration((paced+float64(e.rest)+float64(fixed))*s.Speed.Processor + cold)
}
