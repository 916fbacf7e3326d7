package pg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Change is a catalogue change: its statements run in one transaction.
type Change struct {
	Table      string // quoted, schema-qualified; "" if no table is altered
	Exclusive  bool   // ACCESS EXCLUSIVE is needed on Table, and on all that is below it by partitioning or inheritance
	Only       bool   // and not on what is below it
	Statements []string
	Guard      string // a query that is asked behind the lock: no row ends the change with ErrAltered; "" asks nothing
}

func (c Change) locked() string {
	if c.Only {
		return "ONLY " + c.Table
	}
	return c.Table
}

// Changer makes catalogue changes within a lock budget.
type Changer struct {
	Session         *Session            // for the change
	Watch           *pgxpool.Pool       // for a look at who blocks it
	LockTimeout     time.Duration       // how long a lock that others queue behind is waited for, a try
	RetryTimeout    time.Duration       // how long it is tried for in all
	DeadlockTimeout time.Duration       // of the server
	Stop            <-chan struct{}     // closed: no further try
	AttemptFailed   func(FailedAttempt) // told of every try in vain; may be nil
	// Before is asked before another try; it may wait, which does not count as patience, and its error ends
	// Do. It may be nil.
	BeforeRetry func(context.Context) error

	// Fence is a query that is asked before the change, in its transaction: no row ends that with
	// ErrFenced, and what it locks keeps others from taking over until the change is committed. "" is none.
	Fence string

	// Standbys are looked at before ACCESS EXCLUSIVE is taken: it is not while somebody there would hold its
	// replay up for longer than the budget.
	Standbys []*Standby

	met met // since Do began
}

// Taken is the account of a change that was made.
type ChangeResult struct {
	Exclusive bool
	Attempts  int
	Wait      time.Duration // for ACCESS EXCLUSIVE, in the try that got it
	Hold      time.Duration // of ACCESS EXCLUSIVE, until it was committed
}

// Refusal tells of a try that did not get its lock.
type FailedAttempt struct {
	Table    string
	Attempts int
	Blockers []Backend
	Pause    time.Duration
}

// NoLockError is the end of patience.
type LockTimeoutError struct {
	Table        string
	Attempts     int
	RetryTimeout time.Duration
	Blockers     []Backend // that were seen last
	Last         error
}

func (e *LockTimeoutError) Error() string {
	if e.Attempts == 1 {
		return fmt.Sprintf("no lock on %s within %s, 1 try", e.Table, e.RetryTimeout)
	}
	return fmt.Sprintf("no lock on %s within %s, %d tries", e.Table, e.RetryTimeout, e.Attempts)
}

// Unwrap gives the server's last word.
func (e *LockTimeoutError) Unwrap() error { return e.Last }

const (
	firstPause   = 50 * time.Millisecond
	longestPause = 10 * time.Minute
	// hung is how long a statement may run once it has its lock; every one of them is a catalogue
	// change of an instant, so that only a stalled server gets here.
	hung = 5 * time.Second
	// beyond deadlock_timeout a session waits for SHARE UPDATE EXCLUSIVE, and yielded is when whoever did
	// not make way by then is looked for.
	beyond  = time.Second
	yielded = beyond / 2
)

// Do makes the change, tries again with growing pauses, and gives up cleanly with a *NoLockError. No
// try waits for ACCESS EXCLUSIVE longer than the budget, the last one neither.
func (c Changer) Do(ctx context.Context, change Change) (ChangeResult, error) {
	c.met = met{}
	start := time.Now()
	pause := firstPause
	var seen []Backend // in the last try that saw any: a look that comes too late sees nobody
	for tries := 1; ; tries++ {
		taken, blockers, err := c.try(ctx, change)
		taken.Attempts = tries
		if len(blockers) > 0 {
			seen = blockers
		}
		if err == nil || !again(err) {
			return taken, err
		}
		if time.Since(start) > c.RetryTimeout {
			return taken, &LockTimeoutError{Table: change.Table, Attempts: tries, RetryTimeout: c.RetryTimeout, Blockers: seen, Last: err}
		}
		wait := pause/2 + rand.N(pause)
		if c.AttemptFailed != nil {
			c.AttemptFailed(FailedAttempt{Table: change.Table, Attempts: tries, Blockers: blockers, Pause: wait})
		}
		select {
		case <-time.After(wait):
		case <-c.Stop:
			return taken, ErrStopped
		case <-ctx.Done():
			return taken, context.Cause(ctx)
		}
		if c.BeforeRetry != nil {
			asked := time.Now()
			if err := c.BeforeRetry(ctx); err != nil {
				return taken, err
			}
			start = start.Add(time.Since(asked))
		}
		pause = min(2*pause, longestPause)
	}
}

// ErrStopped says that no further try was made because the run was asked to end.
var ErrStopped = errors.New("stopped between two tries")

// ErrAltered says that what a change relies on is there no more; nothing was changed.
var ErrAltered = errors.New("the table was altered before the lock was taken")

// ErrFenced says that the change is not ours to make any more.
var ErrFenced = errors.New("another run has taken over")

var errOldHolder = errors.New("an older transaction holds a lock on the table")

// again reports whether another try may succeed where this one did not.
func again(err error) bool {
	var refusal *pgconn.PgError
	if errors.Is(err, errOldHolder) {
		return true
	}
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code {
	case pgerrcode.LockNotAvailable, pgerrcode.DeadlockDetected, pgerrcode.QueryCanceled:
		return true
	case pgerrcode.InternalError: // two sessions altered one catalogue row at the same time
		return strings.HasPrefix(refusal.Routine, "simple_heap_") // the message may be in any language
	default:
		return false
	}
}

func (c Changer) try(ctx context.Context, change Change) (ChangeResult, []Backend, error) {
	if change.Exclusive {
		old, err := c.oldHolders(ctx, change.Table)
		if err != nil {
			return ChangeResult{}, nil, err
		}
		if len(old) == 0 {
			old = StandbyBlockers(ctx, c.Standbys, change.Table, c.LockTimeout)
		}
		if len(old) > 0 {
			return ChangeResult{}, old, errOldHolder
		}
	}
	blockers, err := c.open(ctx, change)
	if err != nil {
		return ChangeResult{}, blockers, err
	}
	defer c.Session.rest()
	watched := keep(ctx, c.Session.pool, c.Session.conn.PgConn(), c.Session.of)
	taken, blockers, err := c.send(ctx, c.Session.conn.PgConn(), change)
	err = watched.end(err)
	if err != nil {
		rollback(ctx, c.Session.conn)
	}
	return taken, blockers, err
}

// open begins the transaction, and takes SHARE UPDATE EXCLUSIVE first: no reader or writer queues behind that, and an
// autovacuum yields to a session that waits longer than deadlock_timeout.
func (c Changer) open(ctx context.Context, change Change) (blockers []Backend, err error) {
	message := fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = %d", (c.DeadlockTimeout + beyond).Milliseconds())
	if change.Table != "" {
		message += "; LOCK TABLE " + change.locked() + " IN SHARE UPDATE EXCLUSIVE MODE"
	}
	err = c.Session.onLive(ctx, func(conn *pgx.Conn) error {
		// Looked for when an autovacuum would have yielded already.
		watch := c.watchLater(ctx, conn.PgConn().PID(), c.DeadlockTimeout+yielded)
		err := within(ctx, c.DeadlockTimeout+beyond+boundsOf(ctx).Late, func(ctx context.Context) error {
			return finish(conn.PgConn().Exec(ctx, message))
		})
		if blockers = watch.end(err); err != nil {
			rollback(ctx, conn)
		}
		return err
	})
	return blockers, err
}

// send makes the change in one message, so that ACCESS EXCLUSIVE is held for no round trip.
func (c Changer) send(ctx context.Context, raw *pgconn.PgConn, change Change) (ChangeResult, []Backend, error) {
	if change.Exclusive { // the first lock may have taken a while; this is the last check before the second
		if old := StandbyBlockers(ctx, c.Standbys, change.Table, c.LockTimeout); len(old) > 0 {
			return ChangeResult{}, old, errOldHolder
		}
		watch := c.watchNow(ctx, raw.PID(), c.LockTimeout*6/10)
		taken, err := c.exclusive(ctx, raw, change)
		return taken, watch.end(err), err
	}
	asked := asking(c.Fence, change.Guard)
	message := append(asked.statements(), change.Statements...)
	results, err := raw.Exec(ctx, strings.Join(message, "; ")+"; COMMIT").ReadAll()
	return ChangeResult{}, nil, asked.fault(err, 0, len(results))
}

func (c Changer) exclusive(ctx context.Context, raw *pgconn.PgConn, change Change) (ChangeResult, error) {
	const now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8"
	budget := max(c.LockTimeout.Milliseconds(), 1)
	message := []string{
		fmt.Sprintf("SET LOCAL lock_timeout = %d", budget),
		fmt.Sprintf("SET LOCAL statement_timeout = %d", budget), // lock_timeout counts anew for each table of a tree
		now,
		"LOCK TABLE " + change.locked() + " IN ACCESS EXCLUSIVE MODE",
		now,
		fmt.Sprintf("SET LOCAL statement_timeout = %d", hung.Milliseconds()),
	}
	asked, first := asking(c.Fence, change.Guard), len(message)
	message = append(message, asked.statements()...)
	message = append(message, change.Statements...)
	message = append(message, "COMMIT", now)
	ctx, cancel := context.WithTimeout(ctx, c.LockTimeout+hung+boundsOf(ctx).Late)
	defer cancel()
	results, err := raw.Exec(ctx, strings.Join(message, "; ")).ReadAll()
	if err != nil {
		return ChangeResult{}, asked.fault(err, first, len(results))
	}
	wanted, granted, given := clock(results[2]), clock(results[4]), clock(results[len(results)-1])
	return ChangeResult{Exclusive: true, Wait: granted - wanted, Hold: given - granted}, nil
}

// question is one that a change asks in its own message, between its locks and its statements: no row ends it with err.
type question struct {
	query string
	err   error
}

type questions []question

// asking returns the questions of a change: whether it is still ours to make, and whether what it relies on is there.
func asking(fence, guard string) (all questions) {
	if fence != "" {
		all = append(all, question{fence, ErrFenced})
	}
	if guard != "" {
		all = append(all, question{guard, ErrAltered})
	}
	return all
}

// statements fail where a question has no row for an answer: they are sent in one message with what comes behind them.
func (q questions) statements() []string {
	all := make([]string, len(q))
	for i, one := range q {
		all[i] = "SELECT 1 / count(*) FROM (" + one.query + ") AS question"
	}
	return all
}

// fault makes the error of the question that has failed of the server's; first is the place of the questions among the
// statements, and results counts the statements up to the one that failed, with or without its own.
func (q questions) fault(err error, first, results int) error {
	refusal, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch refusal.Code {
	case pgerrcode.UndefinedTable: // whose name a guard asks for
		if len(q) > 0 && errors.Is(q[len(q)-1].err, ErrAltered) && results <= first+len(q) {
			return ErrAltered
		}
	case pgerrcode.DivisionByZero: // it has described its row before it failed
		if n := results - first - 1; n >= 0 && n < len(q) {
			return q[n].err
		}
	}
	return err
}

// clock reads an epoch in microseconds as a duration since then; only differences are used.
func clock(result *pgconn.Result) time.Duration {
	micros, _ := strconv.ParseInt(string(result.Rows[0][0]), 10, 64) // an int8 is nothing else
	return time.Duration(micros) * time.Microsecond
}
