package journal

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
)

//go:embed queries/last.sql
var lastQuery string

// Abandoned is the outcome of a run that did not live to note its own.
const Abandoned = "abandoned"

// Run is one entry of the diary.
type Run struct {
	ID int64
	Holder
	Schema  string // the schema
	Target  int    // the version it was to reach
	Started time.Time
	Ended   time.Time // zero while it is at work
	Outcome string    // "" while it is at work
	Detail  string
	Rows    int64 // filled
}

const abandon = `UPDATE rekey.runs SET ended = clock_timestamp(), outcome = $2 WHERE scope = $1 AND ended IS NULL`

const beginRun = `INSERT INTO rekey.runs (scope, host, pid, program, command, target)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id`

// Begin notes that a run begins, from its scope, holder and target, and gives its id. It belongs under
// the scope's lease: an earlier run there that has not ended is noted as [Abandoned].
func Begin(ctx context.Context, pool *pgxpool.Pool, r Run) (id int64, err error) {
	err = pg.Retry(ctx, func() error { // what a lost connection may have left is abandoned
		return pg.Run(ctx, pool, brief(), func(tx pg.Tx) error {
			if _, err := tx.Exec(ctx, abandon, r.Schema, Abandoned); err != nil {
				return err
			}
			row := tx.QueryRow(ctx, beginRun, r.Schema, r.Host, r.PID, r.Program, word(r.Command), r.Target)
			return row.Scan(&id)
		})
	})
	return id, err
}

const endRun = `UPDATE rekey.runs SET ended = clock_timestamp(), outcome = $2, detail = $3, filled = $4
WHERE id = $1 AND ended IS NULL`

// End notes how a run ended. One that has been noted as [Abandoned] meanwhile stays so.
func End(ctx context.Context, pool *pgxpool.Pool, id int64, outcome, detail string, rows int64) error {
	return pg.Retry(ctx, func() error {
		return pg.Run(ctx, pool, brief(), func(tx pg.Tx) error {
			_, err := tx.Exec(ctx, endRun, id, outcome, detail, rows)
			return err
		})
	})
}

// Last reads the last run in a scope; nil when there was none.
func Last(ctx context.Context, tx pg.Tx, scope string) (*Run, error) {
	var r Run
	var ended *time.Time
	err := tx.QueryRow(ctx, lastQuery, scope).Scan(&r.ID, &r.Schema, &r.Host, &r.PID, &r.Program, &r.Command,
		&r.Target, &r.Started, &ended, &r.Outcome, &r.Detail, &r.Rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // no run is no error
	}
	if ended != nil {
		r.Ended = *ended
	}
	return &r, err
}
