//go:build unix

package chaos

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// kind is the kind of a fault.
type kind string

// The kinds of faults.
const (
	killRun      kind = "kill -9 of rekey"
	suspendRun   kind = "suspension of rekey beyond its lease"
	endBackend   kind = "backend terminated"
	crashBackend kind = "backend killed -9"
	killServer   kind = "server killed"
	cutNetwork   kind = "network cut"
	pullCable    kind = "client vanished"
	stallNetwork kind = "network stalled"
	stormLocks   kind = "lock storm"
	longSnapshot kind = "long snapshot"
	vacuumFull   kind = "VACUUM FULL"
	truncate     kind = "TRUNCATE"
	explicitNull kind = "NULL written"
)

func kinds() []kind {
	return []kind{
		killRun, suspendRun, endBackend, crashBackend, killServer, cutNetwork, pullCable, stallNetwork, stormLocks, longSnapshot,
		vacuumFull, truncate, explicitNull,
	}
}

// fault is one fault and the time at which it happens.
type fault struct {
	kind
	// The time is relative to a run at work: a duration, or a duration after a number of catalogue changes. Changes are
	// so short that a duration would rarely hit one.
	after      time.Duration
	statements int
	duration   time.Duration // duration, for kinds that last
	random     *rand.Rand    // for the fault's own choices
}

func (f fault) String() string {
	if f.statements > 0 {
		return fmt.Sprintf("%s, %s after statement %d", f.kind, f.after, f.statements)
	}
	return fmt.Sprintf("%s after %s", f.kind, f.after)
}

// deck draws the faults of one version: every kind once, in random order, then again.
type deck struct {
	random   *rand.Rand
	left     int
	cards    []kind
	returned []fault // drawn, but did not happen yet
	long     bool    // includes faults that take long
}

func newDeck(seed uint64, major, faults int, long bool) *deck {
	return &deck{random: rand.New(rand.NewPCG(seed, uint64(major))), left: faults, long: long}
}

// leaseFaults returns the kinds after which the next run usually waits until the lease expires. In the short form a
// version gets two of them, and all versions together get each.
func leaseFaults() []kind {
	return []kind{killRun, suspendRun, cutNetwork, pullCable, killServer, crashBackend}
}

// short selects the faults of the short form. place is the version's index.
func (d *deck) short(place int) {
	slow := leaseFaults()
	d.cards = slices.DeleteFunc(kinds(), func(k kind) bool { return slices.Contains(slow, k) })
	d.shuffle()
	d.cards = append(d.cards[:max(d.left-2, 0)], slow[2*place%len(slow)], slow[(2*place+1)%len(slow)])
	d.shuffle()
}

func (d *deck) shuffle() {
	d.random.Shuffle(len(d.cards), func(i, j int) { d.cards[i], d.cards[j] = d.cards[j], d.cards[i] })
}

// draw returns the next fault. ok is false after the last.
func (d *deck) draw() (f fault, ok bool) {
	if len(d.returned) > 0 {
		f, d.returned = d.returned[0], d.returned[1:]
		return f, true
	}
	if d.left == 0 {
		return f, false
	}
	if len(d.cards) == 0 {
		d.cards = kinds()
		d.shuffle()
	}
	f.kind, d.cards = d.cards[0], d.cards[1:]
	d.left--
	r := d.random
	f.random = rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))
	if r.IntN(2) == 0 {
		f.statements, f.after = 1+r.IntN(5), time.Duration(r.IntN(40))*time.Millisecond
	} else {
		f.after = time.Duration(50+r.IntN(900)) * time.Millisecond
	}
	if f.kind == suspendRun { // usually between a check and the change that depends on it
		f.statements, f.after = 1+r.IntN(5), f.after/20
	}
	f.duration = time.Duration(300+r.IntN(1700)) * time.Millisecond
	if f.kind == stallNetwork && r.IntN(5) == 0 && d.long {
		f.duration += 13 * time.Second // the lease expires during the stall
	}
	return f, true
}

// back returns a fault that did not happen to the deck. It is drawn next.
func (d *deck) back(f fault) { d.returned = append(d.returned, f) }

// empty reports whether every fault has happened.
func (d *deck) empty() bool { return d.left == 0 && len(d.returned) == 0 }

// counts holds the numbers of faults, runs and transactions over all versions.
type counts struct {
	mu     sync.Mutex
	faults map[kind]int
	runs   int
	trials int
	writes int64
}

func (c *counts) add(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *counts) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(c.faults)) {
		total += c.faults[k]
		parts = append(parts, fmt.Sprintf("%s %d", k, c.faults[k]))
	}
	return fmt.Sprintf("%d faults (%s), %d runs in %d trials, %d transactions of the application", total, strings.Join(parts, ", "), c.runs, c.trials, c.writes)
}
