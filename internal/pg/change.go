package pg

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Change is a change of the catalogue. Its statements run in one transaction.
type Change struct {
	Locks      []lock.Lock // the locks that the statements need; nil if they alter no table
	Statements []string
	Guard      string // a query that runs once the locks are granted: if it returns no row, the change fails with ErrAltered; "" skips it
	// Early is a guard that runs before the locks that block others, while the tables are locked in SHARE UPDATE EXCLUSIVE mode only. It
	// is for queries that take long and read what no session can change under that lock; "" skips it.
	Early string
}

// blocks reports whether other sessions wait for a lock of the change.
func (c Change) blocks() bool { return len(lock.Blocking(c.Locks)) > 0 }

// tables returns the names of the tables that the change locks, for messages.
func (c Change) tables() string {
	var names []string
	for _, l := range lock.InOrder(c.Locks) {
		names = append(names, sqltext.Format("{}", l.Table.All()))
	}
	return strings.Join(names, " and ")
}

// Changer applies catalogue changes and bounds how long each attempt waits for its lock.
type Changer struct {
	Session         *Session            // runs the change
	Watch           *pgxpool.Pool       // finds the sessions that block the change
	LockTimeout     time.Duration       // how long each attempt waits for all locks that block other sessions together
	RetryTimeout    time.Duration       // how long Do retries before it fails
	DeadlockTimeout time.Duration       // deadlock_timeout of the server
	Stop            <-chan struct{}     // closed to prevent further attempts
	AttemptFailed   func(FailedAttempt) // called after each attempt that could not lock; may be nil
	// BeforeRetry is called before each attempt but the first. It may block; that time does not count towards
	// RetryTimeout. If it returns an error, Do returns that error. It may be nil.
	BeforeRetry func(context.Context) error

	// Fence is a query that runs in the transaction of the change. If it returns no row, the change fails with
	// ErrFenced. The row lock that it takes prevents another run from taking over before COMMIT. "" skips it.
	Fence string

	// Standbys are checked before each attempt to take ACCESS EXCLUSIVE: the attempt fails if a session on a
	// standby would block the replay of the lock for longer than LockTimeout.
	Standbys []*Standby

	firstSeen firstSeen // during the current call of Do
}

// ChangeResult describes how a change was applied.
type ChangeResult struct {
	Blocked  bool // a lock of the change blocked other sessions; Wait and Hold are set then
	Attempts int
	Wait     time.Duration // how long the successful attempt waited for the blocking locks
	Hold     time.Duration // how long they were held, until COMMIT
}

// FailedAttempt describes an attempt that did not get its lock.
type FailedAttempt struct {
	Table    string
	Attempts int
	Blockers []Backend
	Pause    time.Duration
}

// LockTimeoutError reports that no attempt got the lock within RetryTimeout. It wraps the server's last error.
type LockTimeoutError struct {
	Table        string
	Attempts     int
	RetryTimeout time.Duration
	Blockers     []Backend // of the last attempt that found any
	Last         error
}

func (e *LockTimeoutError) Error() string {
	if e.Attempts == 1 {
		return fmt.Sprintf("could not lock %s within %s: 1 attempt", e.Table, e.RetryTimeout)
	}
	return fmt.Sprintf("could not lock %s within %s: %d attempts", e.Table, e.RetryTimeout, e.Attempts)
}

// Unwrap returns the server's last error.
func (e *LockTimeoutError) Unwrap() error { return e.Last }

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 10 * time.Minute
	// stallTimeout bounds a statement that has its lock. Each of them is a catalogue change that takes
	// milliseconds, so that only a stalled server reaches the timeout.
	stallTimeout = 5 * time.Second
	// extraWait is how long a session waits for SHARE UPDATE EXCLUSIVE after deadlock_timeout. An autovacuum yields
	// at deadlock_timeout; sessions that still block after autovacuumWait are reported.
	extraWait      = time.Second
	autovacuumWait = extraWait / 2
)

// Do applies the change. If its locks are not granted, it retries with growing pauses, and returns a
// [*LockTimeoutError] once RetryTimeout has passed. No attempt waits for locks that block other sessions longer than
// LockTimeout.
// Do returns [ErrStopped] if Stop is closed between two attempts, [ErrAltered] if the guard returns no row and
// [ErrFenced] if the fence does not.
func (c Changer) Do(ctx context.Context, change Change) (ChangeResult, error) {
	c.firstSeen = firstSeen{}
	start := time.Now()
	pause := firstPause
	var seen []Backend // of the last attempt that found any: a later search may come too late to find them
	for attempts := 1; ; attempts++ {
		result, blockers, err := c.attempt(ctx, change)
		result.Attempts = attempts
		if len(blockers) == 0 && c.Session.Cluster {
			blockers = onNode(err)
		}
		if len(blockers) > 0 {
			seen = blockers
		}
		if err == nil || !retryable(err) {
			return result, err
		}
		if time.Since(start) > c.RetryTimeout {
			return result, &LockTimeoutError{Table: change.tables(), Attempts: attempts, RetryTimeout: c.RetryTimeout, Blockers: seen, Last: err}
		}
		wait := pause/2 + rand.N(pause)
		if c.AttemptFailed != nil {
			c.AttemptFailed(FailedAttempt{Table: change.tables(), Attempts: attempts, Blockers: blockers, Pause: wait})
		}
		select {
		case <-time.After(wait):
		case <-c.Stop:
			return result, ErrStopped
		case <-ctx.Done():
			return result, context.Cause(ctx)
		}
		if c.BeforeRetry != nil {
			called := time.Now()
			if err := c.BeforeRetry(ctx); err != nil {
				return result, err
			}
			start = start.Add(time.Since(called))
		}
		pause = min(2*pause, maxPause)
	}
}

// ShardMoved reports whether a coordinator has sent a statement to a node that no longer has the shard: it moved after the statement was
// planned.
func ShardMoved(err error) bool {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && serverErr.Code == pgerrcode.UndefinedTable && nodeAddress.MatchString(serverErr.Where)
}

// nodeAddress finds the host and port of a node at the end of a coordinator's error.
var nodeAddress = regexp.MustCompile(`(\S+:\d+)\W*$`)

// onNode returns an entry for the sessions that block a change on a node. A coordinator's error names the node only.
func onNode(err error) []Backend {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil
	}
	for _, text := range []string{serverErr.Where, serverErr.Message} {
		if found := nodeAddress.FindStringSubmatch(text); found != nil {
			return []Backend{{Application: "a session or a prepared transaction on node " + found[1]}}
		}
	}
	return nil
}

// ErrStopped reports that Stop was closed before another attempt.
var ErrStopped = errors.New("stopped between two attempts")

// ErrAltered reports that the guard of a change returned no row. Nothing was changed.
var ErrAltered = errors.New("the table was altered before the lock was taken")

// ErrFenced reports that another run holds the lease. Nothing was changed.
var ErrFenced = errors.New("another run has taken over")

var errOldHolder = errors.New("an older transaction holds a lock on the table")

// retryable reports whether another attempt may succeed after this error.
func retryable(err error) bool {
	var serverErr *pgconn.PgError
	if errors.Is(err, errOldHolder) {
		return true
	}
	if !errors.As(err, &serverErr) {
		return false
	}
	switch serverErr.Code {
	case pgerrcode.ConnectionException, pgerrcode.ConnectionFailure, pgerrcode.SQLClientUnableToEstablishSQLConnection:
		return true // the server reports it: a coordinator has lost its connection to a node
	case pgerrcode.LockNotAvailable, pgerrcode.DeadlockDetected, pgerrcode.QueryCanceled:
		return true
	case pgerrcode.InternalError:
		// The message may be in any language. The first routine reports that two sessions altered one catalogue row at the same
		// time. In the others a coordinator reports that a node refused a statement; the transaction is rolled back on every node.
		return strings.HasPrefix(serverErr.Routine, "simple_heap_") ||
			slices.Contains([]string{"MarkRemoteTransactionFailed", "CheckRemoteTransactionsHealth"}, serverErr.Routine)
	default:
		return false
	}
}

func (c Changer) attempt(ctx context.Context, change Change) (ChangeResult, []Backend, error) {
	if change.blocks() {
		holders, err := c.oldHoldersOfAll(ctx, change)
		if err != nil {
			return ChangeResult{}, nil, err
		}
		if len(holders) == 0 {
			holders = c.standbyBlockers(ctx, change)
		}
		if len(holders) > 0 {
			return ChangeResult{}, holders, errOldHolder
		}
	}
	blockers, err := c.lockForChange(ctx, change)
	if err != nil {
		return ChangeResult{}, blockers, err
	}
	defer c.Session.touch()
	watched := startWatchdog(ctx, c.Session.pool, c.Session.conn.PgConn(), c.Session.backend)
	result, blockers, err := c.send(ctx, c.Session.conn.PgConn(), change)
	err = watched.end(err)
	if err != nil {
		rollback(ctx, c.Session.conn)
	}
	return result, blockers, err
}

// lockForChange begins the transaction and takes SHARE UPDATE EXCLUSIVE first. That lock blocks neither readers nor
// writers, and an autovacuum yields to a session that waits for it longer than deadlock_timeout.
func (c Changer) lockForChange(ctx context.Context, change Change) (blockers []Backend, err error) {
	message := []string{"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"}
	if c.Session.Cluster {
		message = append(message, "SET LOCAL citus.propagate_set_commands = 'local'") // every later SET LOCAL reaches the nodes
	}
	message = append(message, fmt.Sprintf("SET LOCAL lock_timeout = %d", (c.DeadlockTimeout+extraWait).Milliseconds()))
	if weak := lock.SQL(weakened(change.Locks)); weak != "" {
		message = append(message, weak)
	}
	early, first := preconditionsOf("", change.Early), len(message)
	message = append(message, early.statements()...)
	err = c.Session.repeatIfEnded(ctx, func(conn *pgx.Conn) error {
		// By then an autovacuum would have yielded.
		watch := c.watchLater(ctx, conn.PgConn().PID(), c.DeadlockTimeout+autovacuumWait)
		err := withTimeout(ctx, c.DeadlockTimeout+extraWait+boundsOf(ctx).Late, func(ctx context.Context) error {
			results, err := c.Session.send(ctx, conn.PgConn(), message)
			return early.explain(err, first, len(results))
		})
		if blockers = watch.end(err); err != nil {
			rollback(ctx, conn)
		}
		return err
	})
	return blockers, err
}

// weakened returns the locks in the mode that an autovacuum yields to.
func weakened(locks []lock.Lock) []lock.Lock {
	weak := slices.Clone(locks)
	for i := range weak {
		weak[i].Mode = lock.ShareUpdateExclusive
	}
	return weak
}

// oldHoldersOfAll returns the old holders of the first table that has any.
func (c Changer) oldHoldersOfAll(ctx context.Context, change Change) ([]Backend, error) {
	for _, l := range lock.Blocking(change.Locks) {
		if holders, err := c.oldHolders(ctx, l.Table); err != nil || len(holders) > 0 {
			return holders, err
		}
	}
	return nil, nil
}

// standbyBlockers returns the sessions that would delay the replay of the change's ACCESS EXCLUSIVE locks.
func (c Changer) standbyBlockers(ctx context.Context, change Change) []Backend {
	for _, l := range lock.Exclusive(change.Locks) {
		if holders := StandbyBlockers(ctx, c.Standbys, l.Table, c.LockTimeout); len(holders) > 0 {
			return holders
		}
	}
	return nil
}

// send sends the change as one message, so that no network round trip passes while other sessions wait for its locks.
func (c Changer) send(ctx context.Context, raw *pgconn.PgConn, change Change) (ChangeResult, []Backend, error) {
	if change.blocks() { // the first lock may have taken a while, so the standbys are checked again
		if holders := c.standbyBlockers(ctx, change); len(holders) > 0 {
			return ChangeResult{}, holders, errOldHolder
		}
		watch := c.watchNow(ctx, raw.PID(), c.LockTimeout*6/10)
		result, err := c.blocking(ctx, raw, change)
		return result, watch.end(err), err
	}
	checks := preconditionsOf(c.Fence, change.Guard)
	results, err := c.Session.send(ctx, raw, slices.Concat(checks.statements(), change.Statements, []string{"COMMIT"}))
	return ChangeResult{}, nil, checks.explain(err, 0, len(results))
}

func (c Changer) blocking(ctx context.Context, raw *pgconn.PgConn, change Change) (ChangeResult, error) {
	const now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8"
	timeout := max(c.LockTimeout.Milliseconds(), 1)
	message := []string{
		fmt.Sprintf("SET LOCAL lock_timeout = %d", timeout),
		fmt.Sprintf("SET LOCAL statement_timeout = %d", timeout), // lock_timeout applies to each table separately
		now,
		lock.SQL(lock.Blocking(change.Locks)),
		now,
		fmt.Sprintf("SET LOCAL statement_timeout = %d", stallTimeout.Milliseconds()),
	}
	checks, first := preconditionsOf(c.Fence, change.Guard), len(message)
	message = append(message, checks.statements()...)
	message = append(message, change.Statements...)
	message = append(message, "COMMIT", now)
	ctx, cancel := context.WithTimeout(ctx, c.LockTimeout+stallTimeout+boundsOf(ctx).Late)
	defer cancel()
	results, err := c.Session.send(ctx, raw, message)
	if err != nil {
		return ChangeResult{}, checks.explain(err, first, len(results))
	}
	wanted, granted, committed := sinceEpoch(results[2]), sinceEpoch(results[4]), sinceEpoch(results[len(results)-1])
	return ChangeResult{Blocked: true, Wait: granted - wanted, Hold: committed - granted}, nil
}

// Precondition is a query of constants and numbers. A transaction or a change runs it before its statements, and fails with Err if it
// returns no row.
type Precondition struct {
	Query string
	Err   error
	Code  string // an SQLSTATE of the query that means Err too, "" for none
}

type preconditions []Precondition

// preconditionsOf returns the preconditions of a change: the lease is still held (fence), and the table is as
// expected (guard).
func preconditionsOf(fence, guard string) (all preconditions) {
	if fence != "" {
		all = append(all, Precondition{Query: fence, Err: ErrFenced})
	}
	if guard != "" {
		all = append(all, Precondition{Query: guard, Err: ErrAltered})
	}
	return all
}

// statements returns statements that fail with division_by_zero where a query returns no row. They are sent in the
// message of the change, whose later statements the server then skips.
func (q preconditions) statements() []string {
	all := make([]string, len(q))
	for i, one := range q {
		all[i] = "SELECT 1 / count(*) FROM (" + one.Query + ") AS precondition"
	}
	return all
}

// explain returns the error of the precondition that failed in place of the server's error. The preconditions begin
// at statement first; results counts the results up to the failed statement, which may or may not have one itself.
func (q preconditions) explain(err error, first, results int) error {
	serverErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch serverErr.Code {
	case pgerrcode.UndefinedTable: // the guard names a table that was dropped; without the fence's table, the error itself says more
		if len(q) > 0 && errors.Is(q[0].Err, ErrFenced) && results == first {
			return err
		}
		if len(q) > 0 && errors.Is(q[len(q)-1].Err, ErrAltered) && results <= first+len(q) {
			return ErrAltered
		}
	case pgerrcode.DivisionByZero: // a failed precondition has a result, since its row was described before
		if n := results - first - 1; n >= 0 && n < len(q) {
			return q[n].Err
		}
	default:
		if n := results - first - 1; n >= 0 && n < len(q) && q[n].Code == serverErr.Code {
			return q[n].Err
		}
	}
	return err
}

// sinceEpoch reads a result of one int8, in microseconds since the epoch. Only differences of it are used.
func sinceEpoch(result *pgconn.Result) time.Duration {
	micros, _ := strconv.ParseInt(string(result.Rows[0][0]), 10, 64) // an int8 always parses
	return time.Duration(micros) * time.Microsecond
}
