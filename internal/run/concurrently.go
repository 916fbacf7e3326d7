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
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

//go:embed queries/building.sql
var buildingSQL string

//go:embed queries/waits.sql
var waitsSQL string

const (
	buildTries = 5
	pollEvery  = time.Second
)

// concurrently builds or drops an index on a connection of its own.
func (e *Executor) concurrently(ctx context.Context, g plan.Group, a step.Concurrently, l *look) error {
	if l.part(a.Target).Index(a.Target.Index) != nil { // a build shows its index from its beginning
		if waited, err := e.awaitBuilder(ctx, g, a); waited || err != nil {
			return err // what is there now decides what is to be done
		}
	}
	if !a.Build {
		return e.drop(ctx, a.Target, a.SQL)
	}
	var last error
	begun := time.Now()
	for tries := 0; tries < buildTries; {
		var yielded bool
		if yielded, last = e.build(ctx, g, a); last == nil {
			return nil
		}
		if err := e.broken(ctx, g, a, last); err != nil {
			return err
		}
		if !yielded || time.Since(begun) > e.Limits.LockRetryTimeout {
			tries++
		}
		if err := e.pause(ctx, yieldPause); err != nil {
			return err
		}
	}
	return message.IndexKeepsFailing(a.Target.String(), a.Target.Index, buildTries, last)
}

func (e *Executor) build(ctx context.Context, g plan.Group, a step.Concurrently) (yielded bool, err error) {
	watch, end := beside(ctx)
	defer end()
	return e.direct(ctx, a.SQL, func(pid uint32) {
		watch(func(ctx context.Context) { e.watchBuild(ctx, g, a.Target.Index, pid) })
	})
}

// broken drops the invalid index that a failed build leaves, whatever ended the build: it takes space, slows every write
// down and is of no use. Its error says why there is no use in another try.
func (e *Executor) broken(ctx context.Context, g plan.Group, a step.Concurrently, cause error) error {
	if ctx.Err() != nil {
		return cause
	}
	dropped := e.dropInvalid(ctx, a.Target)
	if refusal, ok := errors.AsType[*pgconn.PgError](cause); ok {
		switch refusal.Code {
		case pgerrcode.UniqueViolation:
			if dropped != nil {
				return dropped
			}
			return e.duplicates(ctx, g, a.Target, cause)
		case pgerrcode.DeadlockDetected, pgerrcode.LockNotAvailable, pgerrcode.QueryCanceled:
			return dropped
		}
	}
	if dropped != nil {
		e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: "index " + a.Target.Index + " is invalid, takes space and could not be dropped; " +
			"the next run drops it, or: " + dropping(a.Target)})
	}
	return cause
}

func dropping(t step.Target) string {
	return sqltext.Format("DROP INDEX CONCURRENTLY IF EXISTS {}", sqltext.Table{Schema: t.Schema, Name: t.Index})
}

// dropInvalid drops what a failed build has left, unless a session still builds it or another one has made it valid.
func (e *Executor) dropInvalid(ctx context.Context, t step.Target) error {
	invalid, err := e.lane.HasRow(ctx, sqltext.Format("SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"+
		" WHERE NOT i.indisvalid AND i.indrelid = pg_catalog.to_regclass({}) AND c.relname = {}",
		sqltext.Value(t.Relation()), sqltext.Value(t.Index)))
	if err != nil || !invalid {
		return err
	}
	if pid, err := e.builder(ctx, t); err != nil || pid != 0 { // the server has not heard that the connection is lost
		return errors.Join(errors.New("another session is at work on the index"), err)
	}
	return e.drop(ctx, t, dropping(t))
}

func (e *Executor) duplicates(ctx context.Context, g plan.Group, t step.Target, cause error) error {
	var key []string
	if table := e.Plan.Table(g, t); table != nil { // one that has come below since is in no plan
		key = table.PrimaryKey()
	}
	var values []string
	err := pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
		data, err := inspect.CountExisting(ctx, tx, t.Rows(), key, t.Column, false)
		values = data.Duplicates
		return err
	})
	if err != nil {
		return err
	}
	return message.NewDuplicates(t.String(), t.Column, values, cause)
}

// builder is the process that builds or drops the target's index, if another does; else 0.
func (e *Executor) builder(ctx context.Context, t step.Target) (pid int, err error) {
	err = e.lane.ReadOutsideTx(ctx, func(tx pg.Tx) error {
		found, err := tx.QueryPrepared(ctx, buildingSQL, t.Relation(), t.Index)
		if err == nil {
			pid, err = pgx.CollectExactlyOneRow(found, pgx.RowTo[int])
		}
		return err
	})
	return pid, err
}

// awaitBuilder waits while another session, left over from a killed run perhaps, still builds an index
// on the table: what looks invalid may become whole.
func (e *Executor) awaitBuilder(ctx context.Context, g plan.Group, a step.Concurrently) (waited bool, err error) {
	for ; ; waited = true {
		builder, err := e.builder(ctx, a.Target)
		if err != nil || builder == 0 {
			return waited, err
		}
		_ = e.part(ctx, uint32(builder), func() {}) // nobody else makes it give way
		if !waited {
			e.Emit.Emit(event.Notice{Table: g.Target.String(), Text: "another session is building index " + a.Target.Index + " still; it is waited for"})
		}
		if err := e.pause(ctx, cycleEvery); err != nil {
			return waited, err
		}
	}
}

type progressRow struct {
	Phase       string
	Done, Total int64
	Waiting     []string
}

// watchBuild tells how far a build is and whose snapshots it waits for.
func (e *Executor) watchBuild(ctx context.Context, g plan.Group, index string, pid uint32) {
	every(ctx, pollEvery, func() error {
		var row progressRow
		err := pg.Read(ctx, e.Pool, func(tx pg.Tx) error {
			found, err := tx.Query(ctx, waitsSQL, int64(pid))
			if err != nil {
				return err
			}
			row, err = pgx.CollectExactlyOneRow(found, pgx.RowToStructByName[progressRow])
			return err
		})
		if err == nil {
			e.Emit.Emit(event.IndexProgress{
				Table: g.Target.String(), Index: index, Phase: row.Phase,
				Done: row.Done, Total: row.Total, Waiting: row.Waiting,
			})
		}
		return err
	})
}
