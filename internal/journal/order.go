package journal

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

// Verb is what a run is told.
type Verb string

// The verbs.
const (
	Pause  Verb = "pause"
	Resume Verb = "resume"
	Stop   Verb = "stop"
	Tune   Verb = "tune"
)

// Order is what another terminal tells the run that is at work.
type Request struct {
	Verb      Verb
	Pace      string        // with tune; "" leaves it
	MaxLag    time.Duration // with tune, in whole milliseconds; 0 leaves it
	BatchTime time.Duration // with tune, in whole milliseconds; 0 leaves it
}

func (o Request) check() error {
	empty := o.Pace == "" && o.MaxLag == 0 && o.BatchTime == 0
	switch {
	case o.Verb != Pause && o.Verb != Resume && o.Verb != Stop && o.Verb != Tune:
		return badOrder("a run can be told to pause, resume, stop or tune, not " + string(o.Verb))
	case o.Verb == Tune && empty:
		return badOrder("tune needs a pace, a lag or a batch time")
	case o.Verb != Tune && !empty:
		return badOrder("pace, lag and batch time belong to tune, not to " + string(o.Verb))
	case o.MaxLag < 0 || o.BatchTime < 0:
		return badOrder("a lag or a batch time cannot be negative")
	}
	return nil
}

// Orders are those that were given to this run, in their order; each is heard within a second. The
// channel is never closed.
func (l *Lease) Requests() <-chan Request { return l.orders }

const giveOrder = `INSERT INTO rekey.orders (scope, token, verb, pace, max_lag_ms, batch_time_ms)
SELECT scope, token, $2::text, $3::text, $4::bigint, $5::bigint
FROM rekey.leases
WHERE scope = $1 AND abs(extract(epoch FROM clock_timestamp() - heartbeat)) <= $6::double precision`

// Request gives an order to the run that is at work in a scope. It answers with a [problem.Problem]:
// Usage when the order makes no sense, Failed (no_run) when no run is at work there.
func Send(ctx context.Context, pool *pgxpool.Pool, scope string, order Request, trusts ...string) error {
	if err := order.check(); err != nil {
		return err
	}
	return pg.Run(ctx, pool, brief(), func(tx pg.Tx) error {
		s, err := look(ctx, tx, trusts)
		if err != nil {
			return err
		}
		if !s.exists || s.strange() != nil || len(s.missing()) > 0 {
			return noRun(scope)
		}
		if err := s.allows(nil); err != nil {
			return err
		}
		if err := known(ctx, tx); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, giveOrder, scope, string(order.Verb), order.Pace,
			order.MaxLag.Milliseconds(), order.BatchTime.Milliseconds(), fall.Seconds())
		if err == nil && tag.RowsAffected() == 0 {
			return noRun(scope)
		}
		return err
	})
}

const takeAway = `WITH taken AS (DELETE FROM rekey.orders WHERE token = $1::uuid RETURNING *)
SELECT verb, pace, max_lag_ms, batch_time_ms FROM taken ORDER BY id`

func takeOrders(ctx context.Context, tx pg.Tx, token string) ([]Request, error) {
	rows, err := tx.Query(ctx, takeAway, token)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Request, error) {
		var o Request
		var lag, batch int64
		err := row.Scan(&o.Verb, &o.Pace, &lag, &batch)
		o.MaxLag, o.BatchTime = time.Duration(lag)*time.Millisecond, time.Duration(batch)*time.Millisecond
		return o, err
	})
}
