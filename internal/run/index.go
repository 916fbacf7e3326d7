package run

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/guard"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/index_builder.sql
var indexBuilderSQL string

//go:embed queries/build_progress.sql
var buildProgressSQL string

const (
	maxBuildAttempts = 5
	progressInterval = time.Second
)

// buildOrDropIndex builds or drops an index concurrently, and retries a build that failed.
func (e *Executor) buildOrDropIndex(ctx context.Context, g plan.Group, a step.Concurrently, st *groupState) error {
	if st.table(a.Table).Index(a.Index) != nil { // an index is in the catalogue from the start of its build
		if waited, err := e.awaitBuilder(ctx, g, a); waited || err != nil {
			return err // the next inspection decides what follows
		}
	}
	switch {
	case a.Rebuild:
		return e.rebuildIndex(ctx, g, a)
	case !a.Build:
		return e.dropIndex(ctx, a.Table, a.Statement)
	}
	start := time.Now()
	for attempts := 0; ; {
		yielded, last := e.buildIndex(ctx, g, a)
		if last == nil {
			return nil
		}
		if err := e.cleanUpFailedBuild(ctx, g, a, last); err != nil {
			return err
		}
		if !yielded || time.Since(start) > e.Limits.LockRetryTimeout {
			attempts++
		}
		if attempts == maxBuildAttempts {
			return message.IndexBuildFailed(a.Table.String(), a.Index, maxBuildAttempts, last)
		}
		if err := e.sleep(ctx, yieldPause); err != nil {
			return err
		}
		before := time.Now()
		if _, err := e.awaitMoves(ctx, g, st.table(a.Table)); err != nil {
			return err
		}
		start = start.Add(time.Since(before))
	}
}

func (e *Executor) buildIndex(ctx context.Context, g plan.Group, a step.Concurrently) (yielded bool, err error) {
	if err := e.session.ExecGuarded(ctx, "", "", buildSetting(e.Pace.MaxImpact())); err != nil {
		return false, err
	}
	watch, end := background(ctx)
	defer end()
	return e.execOutsideTx(ctx, a.Statement, func(pid uint32) {
		watch(func(ctx context.Context) { e.reportBuild(ctx, g, a.Index, pid) })
	})
}

// buildSetting returns the statement that limits a build on the run's own session. Under a limit of the impact a build has no
// parallel workers: they would occupy further processors, and their WAL is what the application's next COMMIT flushes.
func buildSetting(limit float64) string {
	if limit > 0 {
		return "SET max_parallel_maintenance_workers = 0"
	}
	return "RESET max_parallel_maintenance_workers"
}

// cleanUpFailedBuild drops the invalid index that a failed build leaves: it takes space and slows down every write.
// It returns an error if a retry is pointless.
func (e *Executor) cleanUpFailedBuild(ctx context.Context, g plan.Group, a step.Concurrently, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	dropped := e.dropInvalidIndex(ctx, a)
	if serverErr, ok := errors.AsType[*pgconn.PgError](cause); ok {
		switch serverErr.Code {
		case pgerrcode.UniqueViolation:
			if dropped != nil {
				return dropped
			}
			return e.duplicatesError(ctx, g, a, cause)
		case pgerrcode.DeadlockDetected, pgerrcode.LockNotAvailable, pgerrcode.QueryCanceled:
			return dropped
		}
	}
	if dropped != nil {
		e.Emit.Emit(event.Notice{Table: g.String(), Text: "index " + a.Index + " is invalid and could not be dropped; " +
			"the next run drops it, or run: " + dropIndexSQL(a)})
	}
	return cause
}

func dropIndexSQL(a step.Concurrently) string {
	return sqltext.Format("DROP INDEX CONCURRENTLY IF EXISTS {}", sqltext.Table{Schema: a.Table.Schema, Name: a.Index})
}

// dropInvalidIndex drops the index that a failed build left, unless a session still builds it or it has become
// valid.
func (e *Executor) dropInvalidIndex(ctx context.Context, a step.Concurrently) error {
	invalid, err := e.session.HasRow(ctx, sqltext.Format("SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"+
		" WHERE NOT i.indisvalid AND i.indrelid = pg_catalog.to_regclass({}) AND c.relname = {}",
		sqltext.Value(sqltext.Format("{}", a.Table)), sqltext.Value(a.Index)))
	if err != nil || !invalid {
		return err
	}
	if pid, err := e.indexBuilder(ctx, a); err != nil || pid != 0 { // the server may not have noticed that the connection is lost
		return errors.Join(errors.New("another session is building or dropping the index"), err)
	}
	return e.dropIndex(ctx, a.Table, dropIndexSQL(a))
}

func (e *Executor) duplicatesError(ctx context.Context, g plan.Group, a step.Concurrently, cause error) error {
	var key []string
	if table := e.Plan.TableNamed(g, a.Table); table != nil { // the plan does not contain a descendant that was added later
		key = table.PrimaryKey()
	}
	var values []string
	err := guard.DuringRun(e.Plan.Server, g.Target, e.Plan.TableNamed(g, a.Table), false).Read(ctx, e.Pool, func(tx pg.Tx) error {
		data, err := inspect.CountExisting(ctx, tx, a.Table, key, a.Column, false)
		values = data.Duplicates
		return err
	})
	if err != nil {
		return err
	}
	return message.NewDuplicates(a.Table.String(), a.Column, values, cause)
}

// indexBuilder returns the process id of another session that builds or drops the action's index, else 0.
func (e *Executor) indexBuilder(ctx context.Context, a step.Concurrently) (pid int, err error) {
	err = e.session.ReadOutsideTx(ctx, func(tx pg.Tx) error {
		found, err := tx.QueryPrepared(ctx, indexBuilderSQL, sqltext.Format("{}", a.Table), a.Index)
		if err == nil {
			pid, err = pgx.CollectExactlyOneRow(found, pgx.RowTo[int])
		}
		return err
	})
	return pid, err
}

// awaitBuilder waits while another session, perhaps one of a killed run, builds an index on the table: the invalid
// index may become valid.
func (e *Executor) awaitBuilder(ctx context.Context, g plan.Group, a step.Concurrently) (waited bool, err error) {
	for ; ; waited = true {
		builder, err := e.indexBuilder(ctx, a)
		if err != nil || builder == 0 {
			return waited, err
		}
		_ = e.breakDeadlock(ctx, uint32(builder), func() {}) // a session whose run was killed cannot break its own deadlock
		if !waited {
			e.Emit.Emit(event.Notice{Table: g.String(), Text: "waiting for another session that is building index " + a.Index})
		}
		if err := e.sleep(ctx, deadlockCheckInterval); err != nil {
			return waited, err
		}
	}
}

type progressRow struct {
	Phase       string
	Done, Total int64
	Waiting     []string
}

// reportBuild reports the progress of a build and the sessions whose snapshots it waits for.
func (e *Executor) reportBuild(ctx context.Context, g plan.Group, index string, pid uint32) {
	poll(ctx, progressInterval, func() error {
		var row progressRow
		err := pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
			found, err := tx.Query(ctx, buildProgressSQL, int64(pid))
			if err != nil {
				return err
			}
			row, err = pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[progressRow])
			return err
		})
		if err == nil {
			e.Emit.Emit(event.IndexProgress{
				Table: g.String(), Index: index, Phase: row.Phase,
				Done: row.Done, Total: row.Total, Waiting: row.Waiting,
			})
		}
		return err
	})
}
