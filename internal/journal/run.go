package journal

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

// Abandoned is the outcome of a run whose process ended without recording one.
const Abandoned = "abandoned"

// Run is the record of one run.
type Run struct {
	ID int64
	Holder
	Schema  string // name of the schema
	Target  int    // the version to reach; 0 without a profile
	Phase   string // the phase to reach; "" in a record of a rekey that had no phases
	Started time.Time
	Ended   time.Time // zero while the run is active
	Outcome string    // "" while the run is active
	Detail  string
	Rows    int64 // number of rows filled
}

const abandon = `UPDATE rekey.runs SET ended = clock_timestamp(), outcome = $2 WHERE scope = $1 AND ended IS NULL`

const beginRun = `INSERT INTO rekey.runs (scope, host, pid, program, command, target, phase)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id`

// Begin records the start of a run and returns its id. It uses the schema, holder, target and phase of r. The caller must
// hold the schema's lease: an earlier run that has not ended is recorded as [Abandoned].
func Begin(ctx context.Context, pool *pgxpool.Pool, r Run) (id int64, err error) {
	err = pg.Retry(ctx, func() error { // a retry marks the row of a lost attempt as abandoned
		return pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) error {
			if _, err := tx.Exec(ctx, abandon, r.Schema, Abandoned); err != nil {
				return err
			}
			row := tx.QueryRow(ctx, beginRun, r.Schema, r.Host, r.PID, r.Program, firstWord(r.Command), r.Target, r.Phase)
			return row.Scan(&id)
		})
	})
	return id, err
}

const endRun = `UPDATE rekey.runs SET ended = clock_timestamp(), outcome = $2, detail = $3, filled = $4
WHERE id = $1 AND ended IS NULL`

// End records how a run ended. A run that has been recorded as [Abandoned] stays so.
func End(ctx context.Context, pool *pgxpool.Pool, id int64, outcome, detail string, rows int64) error {
	return pg.Retry(ctx, func() error {
		return pg.Run(ctx, pool, shortTx(), func(tx pg.Tx) error {
			_, err := tx.Exec(ctx, endRun, id, outcome, detail, rows)
			return err
		})
	})
}

// Last returns the last run in a schema, or nil if there is none.
func Last(ctx context.Context, tx pg.Tx, schema string) (*Run, error) {
	found, err := tx.Query(ctx, runsQuery, schema, 1)
	if err != nil {
		return nil, err
	}
	r, err := pgx.CollectExactlyOneRow(found, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no run is not an error
	}
	return &r, err
}

func scanRun(row pgx.CollectableRow) (r Run, err error) {
	var ended *time.Time
	err = row.Scan(&r.ID, &r.Schema, &r.Host, &r.PID, &r.Program, &r.Command,
		&r.Target, &r.Phase, &r.Started, &ended, &r.Outcome, &r.Detail, &r.Rows)
	if ended != nil {
		r.Ended = *ended
	}
	return r, err
}
