package journal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Verb is the action that a request asks of a run.
type Verb string

// The verbs of a [Request].
const (
	Pause  Verb = "pause"
	Resume Verb = "resume"
	Stop   Verb = "stop"
	Tune   Verb = "tune"
)

// Request is sent to the active run from another terminal.
type Request struct {
	Verb      Verb
	Pace      string        // for Tune; "" leaves the pace unchanged
	MaxLag    time.Duration // for Tune; rounded down to milliseconds; 0 leaves it unchanged
	BatchTime time.Duration // for Tune; rounded down to milliseconds; 0 leaves it unchanged
	MaxImpact float64       // for Tune; 0 leaves it unchanged, below 0 is no limit
}

func (o Request) check() error {
	empty := o.Pace == "" && o.MaxLag == 0 && o.BatchTime == 0 && o.MaxImpact == 0
	switch {
	case o.Verb != Pause && o.Verb != Resume && o.Verb != Stop && o.Verb != Tune:
		return message.BadRequest(fmt.Sprintf("unknown request %q", o.Verb), "Use pause, resume, stop or tune.")
	case o.Verb == Tune && empty:
		return message.BadRequest("tune needs a new value", "Set the pace, the impact, the lag or the batch time.")
	case o.Verb != Tune && !empty:
		return message.BadRequest(string(o.Verb)+" accepts no pace, impact, lag or batch time", "Only tune accepts them.")
	case o.MaxLag < 0 || o.BatchTime < 0:
		return message.BadRequest("the lag or the batch time is negative", "Set a positive duration.")
	}
	return nil
}

// Requests returns the channel of requests to this run, in the order in which they were sent. Each arrives within a
// second. The channel is never closed.
func (l *Lease) Requests() <-chan Request { return l.requests }

// insertRequest also works in a journal that has no column max_impact.
const insertRequest = `INSERT INTO rekey.orders (scope, token, verb, pace, max_lag_ms, batch_time_ms{column})
SELECT scope, token, $2::text, $3::text, $4::bigint, $5::bigint{value}
FROM rekey.leases
WHERE scope = $1 AND abs(extract(epoch FROM clock_timestamp() - heartbeat)) <= $6::double precision`

// firstMaxImpact is the version of the journal whose requests can change the limit of the impact.
const firstMaxImpact = 3

// Send sends a request to the active run of a schema. It returns a [problem.Problem]: of kind Usage if the request
// is invalid, of kind Failed (no_run) if no run is active there.
func Send(ctx context.Context, pool *pgxpool.Pool, schema string, request Request, trusts ...string) error {
	if err := request.check(); err != nil {
		return err
	}
	return pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) error {
		s, err := inspect(ctx, tx, trusts)
		if err != nil {
			return err
		}
		if !s.exists || s.checkTables() != nil || !s.complete() {
			return message.NoRun(schema)
		}
		if err := s.checkUse(); err != nil {
			return err
		}
		column, value := "", ""
		args := []any{
			schema, string(request.Verb), request.Pace, request.MaxLag.Milliseconds(), request.BatchTime.Milliseconds(), leaseTimeout.Seconds(),
		}
		if request.MaxImpact != 0 {
			if s.version < firstMaxImpact {
				return message.BadRequest("the active run is of an older rekey, which has no limit of the impact", "Set the pace instead.")
			}
			column, value, args = ", max_impact", ", $7::double precision", append(args, request.MaxImpact)
		}
		tag, err := tx.Exec(ctx, strings.NewReplacer("{column}", column, "{value}", value).Replace(insertRequest), args...)
		if err == nil && tag.RowsAffected() == 0 {
			return message.NoRun(schema)
		}
		return err
	})
}

const deleteRequests = `WITH taken AS (DELETE FROM rekey.orders WHERE token = $1::uuid RETURNING *)
SELECT verb, pace, max_lag_ms, batch_time_ms, max_impact FROM taken ORDER BY id`

func takeRequests(ctx context.Context, tx pg.Tx, token string) ([]Request, error) {
	rows, err := tx.Query(ctx, deleteRequests, token)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Request, error) {
		var o Request
		var lag, batch int64
		err := row.Scan(&o.Verb, &o.Pace, &lag, &batch, &o.MaxImpact)
		o.MaxLag, o.BatchTime = time.Duration(lag)*time.Millisecond, time.Duration(batch)*time.Millisecond
		return o, err
	})
}
