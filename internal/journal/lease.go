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

// ErrLost is what Guard answers when the lease is no longer ours.
var ErrLost = errors.New("journal: the lease has been lost to another run")

// Lease is the right to be the only run in a scope. It is a row with a heartbeat: nothing of it hangs
// on a session, which a pooler may share.
type Lease struct {
	pool   *pgxpool.Pool
	scope  string
	token  string
	orders chan Request
	lost   chan struct{}
	why    error // it was lost: ErrLost, or what kept it from being renewed; set before lost is closed
	cancel context.CancelFunc
	done   chan struct{} // the heartbeat has ended
}

// Acquire takes the lease of a scope, the name of a schema. When another holds it and has been heard
// of in the last 12 s, the answer is a [problem.Problem] of the kind Running that names it; the lease of
// one that has been silent for longer is taken over.
//
// A heartbeat goes on, also after the context has ended, until Release: a run that is told to stop
// still finishes its batch under the lease. It needs a connection of the pool at least every 12 s.
func Acquire(ctx context.Context, pool *pgxpool.Pool, scope string, holder Holder) (*Lease, error) {
	holder.Command = word(holder.Command)
	began := time.Now()
	token, err := take(ctx, pool, scope, holder)
	if err != nil {
		return nil, err
	}
	beating, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &Lease{
		pool: pool, scope: scope, token: token, cancel: cancel,
		orders: make(chan Request), lost: make(chan struct{}), done: make(chan struct{}),
	}
	go l.beat(beating, began)
	return l, nil
}

func take(ctx context.Context, pool *pgxpool.Pool, scope string, holder Holder) (token string, err error) {
	// Not held by anybody, and yet not to be had: released between two statements. Once more, then.
	for range races {
		err = pg.Retry(ctx, func() error { return claimed(ctx, pool, scope, holder, &token) })
		if !errors.Is(err, errReleased) {
			break
		}
	}
	var server *pgconn.PgError
	if errors.As(err, &server) && server.Code == "55P03" { // lock_not_available
		return "", stuck(ctx, pool, scope, err)
	}
	return token, err
}

// claimed claims the lease in a transaction. Where the connection is lost during COMMIT, the row with its token
// shows whether the lease is ours.
func claimed(ctx context.Context, pool *pgxpool.Pool, scope string, holder Holder, token *string) error {
	err := pg.Run(ctx, pool, brief(), func(tx pg.Tx) (err error) {
		*token, err = claim(ctx, tx, scope, holder)
		return err
	})
	if _, unsure := errors.AsType[*pg.CommitError](err); !unsure {
		return err
	}
	ours := false
	read := pg.Read(ctx, pool, func(tx pg.Tx) error {
		tag, err := tx.Exec(ctx, "SELECT FROM rekey.leases WHERE scope = $1 AND token = $2::uuid", scope, *token)
		ours = tag.RowsAffected() == 1
		return err
	})
	if read == nil && ours {
		return nil
	}
	return errors.Join(err, read)
}

// stuck names a silent holder whose guarded transaction is still open: what it wrote may yet be committed.
func stuck(ctx context.Context, pool *pgxpool.Pool, scope string, cause error) error {
	answer := cause
	err := pg.Read(ctx, pool, func(tx pg.Tx) error {
		holding, err := LoadLease(ctx, tx, scope)
		if err == nil && holding != nil {
			answer = held(scope, *holding, !holding.Live)
		}
		return err
	})
	if err != nil {
		return err
	}
	return answer
}

var errReleased = errors.New("journal: released meanwhile")

const insertLease = `INSERT INTO rekey.leases (scope, token, host, pid, program, command, taken, heartbeat)
VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
ON CONFLICT (scope) DO NOTHING
RETURNING token::text`

// Only a silent holder's row is locked: a second run that looks in never waits, nor makes wait.
const takeOver = `UPDATE rekey.leases
SET token = gen_random_uuid(), host = $2, pid = $3, program = $4, command = $5,
    taken = clock_timestamp(), heartbeat = clock_timestamp()
WHERE scope = $1 AND abs(extract(epoch FROM clock_timestamp() - heartbeat)) > $6::double precision
RETURNING token::text`

func claim(ctx context.Context, tx pg.Tx, scope string, h Holder) (token string, err error) {
	err = tx.QueryRow(ctx, insertLease, scope, h.Host, h.PID, h.Program, h.Command).Scan(&token)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, takeOver, scope, h.Host, h.PID, h.Program, h.Command, fall.Seconds()).Scan(&token)
	}
	if err == nil {
		for _, of := range []string{"orders", "standstills"} { // they were another's
			if _, err := tx.Exec(ctx, sqltext.Format("DELETE FROM {} WHERE scope = {}", sqltext.Table{Schema: "rekey", Name: of}, sqltext.Value(scope))); err != nil {
				return "", err
			}
		}
		return token, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return "", err
	}
	holding, err := LoadLease(ctx, tx, scope)
	if err != nil {
		return "", err
	}
	if holding == nil || !holding.Live {
		return "", errReleased
	}
	return "", held(scope, *holding, false)
}

// Lost is closed when the lease has been taken by another run, or could not be renewed for 12 s.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Why returns, once Lost is closed, [ErrLost] if another run has taken the lease, else the error that kept it from being
// renewed.
func (l *Lease) LostReason() error { return l.why }

// A takeover changes the token, which is a key, and so waits for this lock; a heartbeat does not.
const guard = `SELECT FROM rekey.leases WHERE scope = $1 AND token = $2::uuid FOR KEY SHARE`

// Guard makes sure that the lease is ours until the transaction ends, and answers [ErrLost] when it is
// not. It belongs at the beginning of each transaction that changes something, which must be READ
// COMMITTED and state an idle timeout below 12 s: a holder that hangs in it holds the next run up.
func (l *Lease) Guard(ctx context.Context, tx pg.Tx) error {
	select {
	case <-l.lost:
		return ErrLost
	default:
	}
	return tx.QueryAll(ctx, pg.Query{SQL: guard, Args: []any{l.scope, l.token}, Read: func(found pgx.Rows) error {
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

// Fence is the question of [Lease.Guard] as one text, for a transaction whose statements are sent without
// parameters: it gives a row as long as the lease is ours, and locks it until the transaction ends.
func (l *Lease) FenceQuery() string {
	return sqltext.Format("SELECT FROM rekey.leases WHERE scope = {} AND token = {}::uuid FOR KEY SHARE",
		sqltext.Value(l.scope), sqltext.Value(l.token))
}

// Held is the question of [Lease.Fence] where no transaction goes on behind it: it locks nothing.
func (l *Lease) HeldQuery() string {
	return sqltext.Format("SELECT FROM rekey.leases WHERE scope = {} AND token = {}::uuid", sqltext.Value(l.scope), sqltext.Value(l.token))
}

// Release ends the heartbeat and gives the lease back, also when the context has ended; it takes no longer
// than the lease needs to fall by itself. To release what has been lost is no error.
func (l *Lease) Release(ctx context.Context) error {
	return l.ReleaseWithin(ctx, fall)
}

// ReleaseWithin is Release for a caller who is in a hurry: a lease that cannot be given back in that time falls by
// itself.
func (l *Lease) ReleaseWithin(ctx context.Context, most time.Duration) error {
	l.cancel()
	<-l.done
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	defer cancel()
	var err error
	for range dropTries { // over another connection: the next run would have to wait until the lease falls
		if err = l.drop(ctx); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// dropTries is how often the lease is given back: a session may have been ended in this very instant, and a
// server that stands still for some seconds, as its disk does, is there again before the lease falls.
const dropTries = int(fall / beatEvery)

func (l *Lease) drop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beatEvery)
	defer cancel()
	return pg.Run(ctx, l.pool, brief(), func(tx pg.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM rekey.orders WHERE token = $1::uuid", l.token); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, forgetStandstill, l.token); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM rekey.leases WHERE scope = $1 AND token = $2::uuid", l.scope, l.token)
		return err
	})
}
