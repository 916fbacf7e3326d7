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

// kind is what goes wrong.
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

// fault is one thing that goes wrong, and when.
type fault struct {
	kind
	// The moment is counted while a run is at work: after a time, or so long after a number of further
	// statements that change the catalogue, which pass in an instant and would else seldom be met.
	after      time.Duration
	statements int
	span       time.Duration // how long it lasts, where it does
	random     *rand.Rand    // for what it chooses
}

func (f fault) String() string {
	if f.statements > 0 {
		return fmt.Sprintf("%s, %s after statement %d", f.kind, f.after, f.statements)
	}
	return fmt.Sprintf("%s after %s", f.kind, f.after)
}

// deck draws the faults of one version: every kind once, in any order, and so on anew.
type deck struct {
	random *rand.Rand
	left   int
	cards  []kind
	kept   []fault // drawn, and still to come
	long   bool    // also faults that take long
}

func newDeck(seed uint64, major, faults int, long bool) *deck {
	return &deck{random: rand.New(rand.NewPCG(seed, uint64(major))), left: faults, long: long}
}

// leaseFalls are the kinds after which the next run mostly has to wait until the lease has fallen: in the
// short form a version gets two of them, and all versions together each.
func leaseFalls() []kind {
	return []kind{killRun, suspendRun, cutNetwork, pullCable, killServer, crashBackend}
}

// short makes the first cards those of the short form; place is the version's among its like.
func (d *deck) short(place int) {
	slow := leaseFalls()
	d.cards = slices.DeleteFunc(kinds(), func(k kind) bool { return slices.Contains(slow, k) })
	d.shuffle()
	d.cards = append(d.cards[:max(d.left-2, 0)], slow[2*place%len(slow)], slow[(2*place+1)%len(slow)])
	d.shuffle()
}

func (d *deck) shuffle() {
	d.random.Shuffle(len(d.cards), func(i, j int) { d.cards[i], d.cards[j] = d.cards[j], d.cards[i] })
}

// draw gives the next fault; ok is false when all have been drawn.
func (d *deck) draw() (f fault, ok bool) {
	if len(d.kept) > 0 {
		f, d.kept = d.kept[0], d.kept[1:]
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
	if f.kind == suspendRun { // mostly between a look and the change that follows from it
		f.statements, f.after = 1+r.IntN(5), f.after/20
	}
	f.span = time.Duration(300+r.IntN(1700)) * time.Millisecond
	if f.kind == stallNetwork && r.IntN(5) == 0 && d.long {
		f.span += 13 * time.Second // the lease falls meanwhile
	}
	return f, true
}

// back takes a fault back that did not come to pass: it is the next.
func (d *deck) back(f fault) { d.kept = append(d.kept, f) }

// empty tells whether every fault has come to pass.
func (d *deck) empty() bool { return d.left == 0 && len(d.kept) == 0 }

// tally counts the faults that happened, over all versions.
type tally struct {
	mu     sync.Mutex
	faults map[kind]int
	runs   int
	trials int
	writes int64
}

func (c *tally) add(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *tally) String() string {
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
