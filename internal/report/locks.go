package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/message"
)

// oneLock is the lock on one table.
type oneLock struct {
	Lock
	on string
}

// locksByMode returns every lock, the ACCESS EXCLUSIVE ones apart.
func locksByMode(d Document) (exclusive, shared []oneLock) {
	for _, l := range d.Locks {
		tables := l.Exclusive()
		for _, table := range tables {
			exclusive = append(exclusive, oneLock{l, table})
		}
		for _, other := range l.Locks {
			if !slices.Contains(tables, other.Table) {
				shared = append(shared, oneLock{l, other.Table})
			}
		}
	}
	return exclusive, shared
}

// locks returns every lock that the application waits for.
func locks(d Document) section {
	s := section{id: "locks", title: "Locks"}
	if len(d.Locks) == 0 && len(d.Refused) == 0 {
		s.say("The events of the run have no lock for which the application waits.")
		return s
	}
	exclusive, shared := locksByMode(d)
	l := d.Run.Locks
	s.say(fmt.Sprintf("%s in %s; the longest wait was %s, the longest hold %s. All changes together held them for %s. A lock on a partitioned table includes its partitions.",
		message.Counted(l.Count, "ACCESS EXCLUSIVE lock", "ACCESS EXCLUSIVE locks"), message.Counted(l.Attempts, "attempt", "attempts"), millis(l.LongestWait), millis(l.LongestHold), millis(l.TotalHold)))
	if len(exclusive) > mostLongest {
		longest := slices.Clone(exclusive)
		slices.SortStableFunc(longest, func(a, b oneLock) int { return cmp.Compare(b.Wait+b.Hold, a.Wait+a.Hold) })
		s.add(lockTable("The longest: wait and hold together", longest[:mostLongest], "", d.Run.Started))
	}
	if len(d.Refused) > 0 {
		s.add(refusedTable(d))
	}
	some, more := listed(exclusive, mostRows, "locks")
	s.add(lockTable("Every ACCESS EXCLUSIVE lock: readers and writers wait", some, more, d.Run.Started))
	if len(shared) > 0 {
		some, more = listed(shared, mostRows, "locks")
		s.add(lockTable("Every SHARE ROW EXCLUSIVE lock: writers wait, readers do not", some, more, d.Run.Started))
	}
	return s
}

func refusedTable(d Document) table {
	some, more := listed(d.Refused, mostRows, "attempts")
	t := table{
		caption: "Attempts that reached the lock timeout: nothing queued behind them for longer", more: more,
		columns: []column{text("Table, reference or primary key"), numeric("Time"), numeric("Attempt"), text("Blocked by"), numeric("Next attempt after")},
	}
	for _, a := range some {
		t.rows = append(t.rows, []string{a.Table, after(a.At, d.Run.Started), number(int64(a.Attempts)), strings.Join(a.Blockers, ", "), millis(a.Pause)})
	}
	return t
}

func lockTable(caption string, list []oneLock, more string, start time.Time) table {
	t := table{
		caption: caption, more: more,
		columns: []column{text("Table"), text("Step"), numeric("Released"), numeric("Attempts"), numeric("Wait"), numeric("Hold")},
	}
	for _, l := range list {
		t.rows = append(t.rows, []string{l.on, strings.TrimPrefix(l.Step, l.on+"/"), after(l.At, start), number(int64(l.Attempts)), millis(l.Wait), millis(l.Hold)})
	}
	return t
}
