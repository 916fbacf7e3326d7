// Package journey runs real applications on one database while rekey takes it from integer keys to uuids: a GORM
// application that knows only integers (gormint), a pgx application that knows only uuids (pgxuuid), and the next
// release of the GORM application, which knows only uuids (gormuuid).
package journey

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// Operation is one thing that an application does, mostly one transaction. Run returns the number of rows that it has
// added to each table; a negative number says that it deleted rows.
type Operation struct {
	Name string
	Run  func(ctx context.Context) (Rows, error)
}

// Rows counts rows by table.
type Rows map[string]int64

// Ledger counts what the applications do. Its methods may be called from several goroutines.
type Ledger struct {
	mu      sync.Mutex
	rows    Rows
	done    map[string]int64 // operations by application
	kinds   map[string]int64 // operations by application and name
	once    map[string]bool
	failed  int64
	errors  []string // the first few
	longest time.Duration
	slowest string
}

// NewLedger returns a ledger with the rows that exist.
func NewLedger(rows Rows) *Ledger {
	return &Ledger{rows: maps.Clone(rows), done: map[string]int64{}, kinds: map[string]int64{}, once: map[string]bool{}}
}

const mostErrors = 10

func (l *Ledger) record(app string, o Operation, took time.Duration, added Rows, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[app]++
	l.kinds[app+": "+o.Name]++
	if took > l.longest {
		l.longest, l.slowest = took, app+": "+o.Name
	}
	if err != nil {
		if l.failed++; len(l.errors) < mostErrors {
			l.errors = append(l.errors, fmt.Sprintf("%s: %s: %v", app, o.Name, err))
		}
		return
	}
	for table, n := range added {
		l.rows[table] += n
	}
}

// Rows returns how many rows each table must have.
func (l *Ledger) Rows() Rows {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.rows)
}

// Once returns 1 for the first call with a key, and 0 later: it counts rows that several sessions insert unless they exist.
func (l *Ledger) Once(key string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.once[key] {
		return 0
	}
	l.once[key] = true
	return 1
}

// Done returns how many operations an application has ended.
func (l *Ledger) Done(app string) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[app]
}

// Kinds returns how often each operation of each application has run.
func (l *Ledger) Kinds() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.kinds)
}

// Failed returns how many operations have failed, with the errors of the first ones.
func (l *Ledger) Failed() (int64, []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed, append([]string(nil), l.errors...)
}

// String returns one line.
func (l *Ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("operations %v, %d failed, longest %d ms (%s)", l.done, l.failed, l.longest.Milliseconds(), l.slowest)
}

// pause is the average time between two operations of a session.
const pause = 15 * time.Millisecond

// Session runs operations of an application, chosen at random, until the context ends. It ends an operation that it has
// begun.
func Session(ctx context.Context, l *Ledger, app string, random *rand.Rand, operations []Operation) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration((0.5 + random.Float64()) * float64(pause))):
		}
		o := operations[random.IntN(len(operations))]
		begun := time.Now()
		added, err := o.Run(context.WithoutCancel(ctx))
		l.record(app, o, time.Since(begun), added, err)
	}
}
