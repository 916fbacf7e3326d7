package journal

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// ErrLost reports that another run has taken over the lease.
var ErrLost = errors.New("journal: the lease has been lost to another run")

// Lease is the exclusive right to run in a schema. It is a row with a heartbeat, not an advisory lock: a pooler may
// share sessions, so it must not depend on one.
type Lease struct {
	pool       *pgxpool.Pool
	schema     string
	token      string
	requests   chan Request
	lost       chan struct{}
	lostReason error // ErrLost, or the error that prevented the renewal; set before lost is closed
	cancel     context.CancelFunc
	done       chan struct{} // closed when the heartbeat has ended
}

// Acquire acquires the lease of a schema. If another process holds it and has renewed it within the last 12 s,
// Acquire returns a [problem.Problem] of kind Running that names the holder. It takes over an older lease.
//
// A heartbeat renews the lease until Release, even after the context has ended, so that a run that stops can finish
// its batch. The heartbeat needs a connection of the pool at least every 12 s.
func Acquire(ctx context.Context, pool *pgxpool.Pool, schema string, holder Holder) (*Lease, error) {
	holder.Command = firstWord(holder.Command)
	began := time.Now()
	token, err := acquire(ctx, pool, schema, holder)
	if err != nil {
		return nil, err
	}
	beating, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lease{
		pool: pool, schema: schema, token: token, cancel: cancel,
		requests: make(chan Request), lost: make(chan struct{}), done: make(chan struct{}),
	}
	go l.runHeartbeat(beating, began)
	return l, nil
}

func acquire(ctx context.Context, pool *pgxpool.Pool, schema string, holder Holder) (token string, err error) {
	// If the lease was released between the two statements, neither succeeds: try again.
	for range maxRaces {
		err = pg.Retry(ctx, func() error { return tryAcquire(ctx, pool, schema, holder, &token) })
		if !errors.Is(err, errReleased) {
			break
		}
	}
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == "55P03" { // lock_not_available
		return "", explainBlocked(ctx, pool, schema, err)
	}
	return token, err
}

// tryAcquire acquires the lease in one transaction. If the connection is lost during COMMIT, the token in the row
// shows whether that succeeded.
func tryAcquire(ctx context.Context, pool *pgxpool.Pool, schema string, holder Holder, token *string) error {
	err := pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) (err error) {
		*token, err = insertOrTakeOver(ctx, tx, schema, holder)
		return err
	})
	if _, unsure := errors.AsType[*pg.CommitError](err); !unsure {
		return err
	}
	ours := false
	read := pg.Read(ctx, pool, func(tx pg.Tx) error {
		tag, err := tx.Exec(ctx, "SELECT FROM rekey.leases WHERE scope = $1 AND token = $2::uuid", schema, *token)
		ours = tag.RowsAffected() == 1
		return err
	})
	if read == nil && ours {
		return nil
	}
	return errors.Join(err, read)
}

// explainBlocked returns a problem that names the expired holder whose guarded transaction is still open: that
// transaction may still commit.
func explainBlocked(ctx context.Context, pool *pgxpool.Pool, schema string, cause error) error {
	result := cause
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		lease, err := LoadLease(ctx, tx, schema)
		if err == nil && lease != nil {
			result = leaseHeld(schema, *lease, !lease.Live)
		}
		return err
	})
	if err != nil {
		return err
	}
	return result
}

var errReleased = errors.New("journal: the lease was released at the same time")

const insertLease = `INSERT INTO rekey.leases (scope, token, host, pid, program, command, taken, heartbeat)
VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
ON CONFLICT (scope) DO NOTHING
RETURNING token::text`

// Only an expired row is locked, so that a second run neither waits nor blocks the first.
const takeOver = `UPDATE rekey.leases
SET token = gen_random_uuid(), host = $2, pid = $3, program = $4, command = $5,
    taken = clock_timestamp(), heartbeat = clock_timestamp()
WHERE scope = $1 AND abs(extract(epoch FROM clock_timestamp() - heartbeat)) > $6::double precision
RETURNING token::text`

func insertOrTakeOver(ctx context.Context, tx pg.Tx, schema string, h Holder) (token string, err error) {
	err = tx.QueryRow(ctx, insertLease, schema, h.Host, h.PID, h.Program, h.Command).Scan(&token)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, takeOver, schema, h.Host, h.PID, h.Program, h.Command, leaseTimeout.Seconds()).Scan(&token)
	}
	if err == nil {
		for _, of := range []string{"orders", "standstills"} { // they belong to the earlier holder
			if _, err := tx.Exec(ctx, sqltext.Format("DELETE FROM {} WHERE scope = {}", sqltext.Table{Schema: "rekey", Name: of}, sqltext.Value(schema))); err != nil {
				return "", err
			}
		}
		return token, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return "", err
	}
	lease, err := LoadLease(ctx, tx, schema)
	if err != nil {
		return "", err
	}
	if lease == nil || !lease.Live {
		return "", errReleased
	}
	return "", leaseHeld(schema, *lease, false)
}

// Lost returns a channel that is closed when another run has taken over the lease, or when it could not be renewed
// for 12 s.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// LostReason returns why the lease was lost: [ErrLost] if another run has taken it over, else the error that
// prevented the renewal. Call it only after the channel of Lost is closed.
func (l *Lease) LostReason() error { return l.lostReason }

// A takeover changes the token, which is a key, and so waits for this row lock. A heartbeat does not.
const guardQuery = `SELECT FROM rekey.leases WHERE scope = $1 AND token = $2::uuid FOR KEY SHARE`

// Guard locks the lease until the transaction ends, so that no other run can take over, or returns [ErrLost]. Each
// transaction that changes something must begin with it, must be READ COMMITTED and must set an idle timeout below
// 12 s: a holder that hangs in the transaction delays the next run.
func (l *Lease) Guard(ctx context.Context, tx pg.Tx) error {
	select {
	case <-l.lost:
		return ErrLost
	default:
	}
	return tx.QueryAll(ctx, pg.Query{SQL: guardQuery, Args: []any{l.schema, l.token}, Read: func(found pgx.Rows) error {
		ours := found.Next()
		if found.Close(); found.Err() != nil {
			return found.Err()
		}
		if !ours {
			return ErrLost
		}
		return nil
	}})
}

// FenceQuery returns the query of [Lease.Guard] as text, for messages without parameters. It returns a row if the
// lease is held, and locks it until the transaction ends. It does not contain the name of the schema, so that it can be sent before the
// client encoding is set: the token is unique.
func (l *Lease) FenceQuery() string {
	return sqltext.Format("SELECT FROM rekey.leases WHERE token = {}::uuid FOR KEY SHARE", sqltext.Value(l.token))
}

// HeldQuery returns a query that returns a row if the lease is held. Unlike FenceQuery it locks nothing, for
// statements that do not run in a transaction.
func (l *Lease) HeldQuery() string {
	return sqltext.Format("SELECT FROM rekey.leases WHERE scope = {} AND token = {}::uuid", sqltext.Value(l.schema), sqltext.Value(l.token))
}

// Release ends the heartbeat and deletes the lease, even if the context has ended. It takes at most 12 s, since the
// lease expires then anyway. Releasing a lost lease is not an error.
func (l *Lease) Release(ctx context.Context) error {
	return l.ReleaseWithin(ctx, leaseTimeout)
}

// ReleaseWithin is Release with another time limit. A lease that could not be deleted in time expires by itself.
func (l *Lease) ReleaseWithin(ctx context.Context, timeout time.Duration) error {
	l.cancel()
	<-l.done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	var err error
	for range releaseAttempts { // each attempt uses another connection; otherwise the next run waits until the lease expires
		if err = l.release(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// releaseAttempts bounds the attempts to delete the lease: a session may have been ended at this time, and a server
// whose disk stalls for some seconds may respond again before the lease expires.
const releaseAttempts = int(leaseTimeout / heartbeatInterval)

func (l *Lease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, heartbeatInterval)
	defer cancel()
	return pg.Run(ctx, l.pool, shortTx(), func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM rekey.orders WHERE token = $1::uuid", l.token); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, deletePauseReason, l.token); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM rekey.leases WHERE scope = $1 AND token = $2::uuid", l.schema, l.token)
		return err
	})
}
