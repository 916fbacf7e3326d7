package backfill

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

func TestRetriesHeldRows(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, events(50000))
		release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id % 1000 = 3 FOR UPDATE")
		w := b.job()
		w.Emit = func(e event.Event) {
			if p, ok := e.(event.Progress); ok && p.Held > 0 {
				release()
			}
		}
		result := b.fill(w)
		b.requireFilled()
		if result.Held < 10 || result.Rows != 50000 {
			t.Errorf("got %+v", result)
		}
	})
}

func TestEndsWhenRowsStayHeld(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, sql := range map[string]string{"large": events(50000), "tiny": `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100); ALTER TABLE t ADD uuid uuid`} {
			t.Run(name, func(t *testing.T) {
				b := newEnv(t, c, sql)
				release := servertest.Hold(b, b.pool, "SELECT FROM t WHERE id = 3 FOR UPDATE")
				defer release()
				w := b.job()
				w.RetryTimeout = 2 * time.Second // long enough to fill the others on a busy machine
				_, err := Run(t.Context(), w)
				var held *HeldError
				if !errors.As(err, &held) || held.Rows != 1 || held.Table != "public.t" {
					t.Errorf("it ended with %v", err)
				}
				if n := b.number("SELECT count(*) FROM t WHERE uuid IS NULL"); n != 1 {
					t.Errorf("%d rows have no value", n)
				}
			})
		}
	})
}

func TestEndsWhenUpdatesHaveNoEffect(t *testing.T) {
	const function = `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';`
	const rows = `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 60000) g;`
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, sql := range map[string]string{
			"the trigger no":      rows + function + `CREATE TRIGGER no BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse();`,
			"the trigger seldom":  rows + function + `CREATE TRIGGER seldom BEFORE UPDATE ON t FOR EACH ROW WHEN (old.id = 44444) EXECUTE FUNCTION refuse();`,
			"the rule nothing":    rows + `CREATE RULE nothing AS ON UPDATE TO t DO INSTEAD NOTHING;`,
			"the trigger no tiny": `CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);` + function + `CREATE TRIGGER "no tiny" BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION refuse();`,
		} {
			t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				b := newEnv(t, c, sql+"ALTER TABLE t ADD uuid uuid")
				_, err := Run(t.Context(), b.job())
				var none *NoProgressError
				if !errors.As(err, &none) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "public.t") {
					t.Errorf("it ended with %v", err)
				}
				if name == "the trigger no" {
					w := b.job()
					w.Replica = true
					b.fill(w)
					b.requireFilled()
				}
			})
		}
	})
}

func TestEndsWhenNULLIsWritten(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		b := newEnv(t, c, `CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT g, repeat('x', 50) FROM generate_series(1, 1000) g; ALTER TABLE t ADD uuid uuid;
			CREATE FUNCTION "null"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.uuid := null; RETURN new; END';
			CREATE TRIGGER n BEFORE UPDATE ON t FOR EACH ROW WHEN (new.id = 5) EXECUTE FUNCTION "null"()`)
		_, err := Run(t.Context(), b.job())
		var none *NoProgressError
		if !errors.As(err, &none) || none.Rows != 1 || !strings.Contains(err.Error(), "the trigger n") {
			t.Errorf("it ended with %v", err)
		}
		b.exec("DROP TRIGGER n ON t")

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				_, _ = b.pool.Exec(ctx, "UPDATE t SET uuid = NULL WHERE id % 10 = 1", pgx.QueryExecModeExec)
				time.Sleep(time.Millisecond)
			}
		}()
		var nulls *NullsError
		if _, err = Run(t.Context(), b.job()); err != nil && !errors.As(err, &nulls) {
			t.Errorf("it ended with %v", err)
		}
		cancel()
		<-done
	})
}
