package phoenixkit_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/phoenixkit"
	"github.com/rekey-pg/rekey/problem"
)

// defaults returns settings of a role that would disturb a migration.
func defaults(major int) map[string]string {
	all := map[string]string{
		"statement_timeout": "150ms", "lock_timeout": "1ms", "idle_in_transaction_session_timeout": "1ms",
		"default_transaction_isolation": "serializable", "default_transaction_deferrable": "on",
		"search_path": `decoy, pg_catalog, "$user"`, "row_security": "off", "DateStyle": "German",
		"IntervalStyle": "sql_standard", "TimeZone": "Asia/Kathmandu", "standard_conforming_strings": "off",
		"bytea_output": "escape", "extra_float_digits": "-15", "quote_all_identifiers": "on",
		"synchronous_commit": "off", "client_min_messages": "debug1",
		"transform_null_equals": "on", "enable_indexscan": "off", "array_nulls": "off", "backslash_quote": "off",
		"escape_string_warning": "on", "default_table_access_method": "heap",
	}
	if major >= 17 {
		all["transaction_timeout"] = "150ms"
	}
	return all
}

// TestRoleSettings: a run succeeds although its role has all of these settings.
func TestRoleSettings(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		h := build(t, c, small)
		h.mustExec(`CREATE SCHEMA decoy; GRANT USAGE ON SCHEMA decoy TO PUBLIC; CREATE TABLE decoy.pg_class (oid int);
			CREATE FUNCTION decoy.version() RETURNS text LANGUAGE sql AS 'SELECT ''CockroachDB''::text';
			CREATE FUNCTION decoy.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'`)
		for _, operand := range []string{"name", "text", "oid", "int4", "int8"} {
			h.mustExec(`CREATE FUNCTION decoy.same(` + operand + `, ` + operand + `) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''an operator of others was called''; END';
				CREATE OPERATOR decoy.= (LEFTARG = ` + operand + `, RIGHTARG = ` + operand + `, FUNCTION = decoy.same)`)
		}
		for name, value := range defaults(c.Major) {
			h.mustExec(sqltext.Format("ALTER ROLE {} IN DATABASE {} SET ", sqltext.Name(owner), sqltext.Name(h.db.Name)) + name + " = " + quoted(name, value))
		}
		before := h.shape("public")
		end := oldSnapshot(h, 2500*time.Millisecond)
		if _, err := h.up(owner); err != nil {
			t.Fatal(err)
		}
		end()
		equals(40, small)(h)
		if _, err := phoenixkit.Verify(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Error(err)
		}
		if _, err := h.down(owner); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, h.shape("public")); diff != "" {
			t.Errorf("down did not restore the schema\n%s", diff)
		}
	})
}

// oldSnapshot makes every concurrent build wait longer than the role's timeouts.
func oldSnapshot(h *database, length time.Duration) (end func()) {
	h.t.Helper()
	ctx := h.t.Context()
	tx, err := h.admin.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "SELECT 1"); err != nil {
		h.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(length)
		_ = tx.Rollback(context.WithoutCancel(ctx))
	}()
	return func() { <-done }
}

func quoted(name, value string) string {
	if name == "search_path" {
		return value
	}
	return sqltext.Literal(value)
}

// TestReadOnlyDefault: up is refused before any change, and status works.
func TestReadOnlyDefault(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		h := build(t, c, small)
		h.mustExec(sqltext.Format("ALTER DATABASE {} SET default_transaction_read_only = on", sqltext.Name(h.db.Name)))
		result, err := h.up(owner)
		if !errors.Is(err, problem.ErrRefused) || result.Problems[0].Code != "read_only" {
			t.Errorf("%v", err)
		}
		if _, err := phoenixkit.Status(t.Context(), h.pool(owner), phoenixkit.Options{}); err != nil {
			t.Errorf("status: %v", err)
		}
	})
}

func TestSmallPool(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		config, err := pgxpool.ParseConfig(h.db.URL)
		if err != nil {
			t.Fatal(err)
		}
		config.MaxConns = 1
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if _, err := phoenixkit.Up(t.Context(), pool, phoenixkit.Options{Version: 40}); !errors.Is(err, problem.ErrRefused) {
			t.Errorf("MaxConns 1: %v", err)
		}
	})
}

// TestExecModes: rekey works with every query execution mode of the application's pool.
func TestExecModes(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		for _, mode := range []pgx.QueryExecMode{
			pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
			pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
		} {
			t.Run(mode.String(), func(t *testing.T) {
				t.Parallel()
				h := build(t, c, small)
				config, err := pgxpool.ParseConfig(h.db.URL)
				if err != nil {
					t.Fatal(err)
				}
				config.MaxConns, config.ConnConfig.DefaultQueryExecMode, config.ConnConfig.User = 2, mode, owner
				pool, err := pgxpool.NewWithConfig(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				defer pool.Close()
				if _, err := phoenixkit.Up(t.Context(), pool, phoenixkit.Options{Version: 40}); err != nil {
					t.Fatal(err)
				}
				if _, err := phoenixkit.Verify(t.Context(), pool, phoenixkit.Options{}); err != nil {
					t.Error(err)
				}
				if _, err := phoenixkit.Down(t.Context(), pool, phoenixkit.Options{Version: 39}); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// TestTwoRuns: a second run is refused with ErrRunning, and the first succeeds.
func TestTwoRuns(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		h := build(t, c, small)
		var second error
		var once atomic.Bool
		_, err := h.up(owner, func(o *phoenixkit.Options) {
			o.OnEvent = func(e event.Event) {
				if _, at := e.(event.TableStarted); at && once.CompareAndSwap(false, true) {
					_, second = phoenixkit.Up(t.Context(), h.fresh(owner), phoenixkit.Options{Version: 40})
				}
			}
		})
		if err != nil || !errors.Is(second, problem.ErrRunning) {
			t.Errorf("first run: %v, second run: %v", err, second)
		}
		equals(40, small)(h)
	})
}

// TestLongTransaction: rekey does not queue for a table that an older transaction has locked. After the lock retry
// timeout it returns ErrStopped, and the same call continues later. A role without pg_read_all_stats cannot read a
// transaction's age, so it measures it from the first attempt, and does not queue once that is more than a second ago.
func TestLongTransaction(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for _, role := range []string{superuser, owner} {
			t.Run(role, func(t *testing.T) {
				t.Parallel()
				h := build(t, c, small)
				end := hold(h)
				var counting, blocked atomic.Bool
				counting.Store(role == superuser)
				queued := h.queued(&counting)
				var first time.Time
				result, err := h.up(role, func(o *phoenixkit.Options) {
					o.Locks.Timeout, o.Locks.RetryTimeout = 300*time.Millisecond, 3*time.Second
					if role != superuser {
						o.Locks.RetryTimeout = 12 * time.Second
					}
					o.OnEvent = func(e event.Event) {
						if refused, ok := e.(event.LockRefused); ok && refused.Table == users && len(refused.Blockers) > 0 {
							if !blocked.Swap(true) {
								first = time.Now()
							}
							if time.Since(first) > 1500*time.Millisecond { // between two attempts
								counting.Store(true)
							}
						}
					}
				})
				if !errors.Is(err, problem.ErrStopped) || result.Exit != 7 || !blocked.Load() {
					t.Errorf("%v, exit %d, blockers reported: %v", err, result.Exit, blocked.Load())
				}
				if n := queued(); n > 0 {
					t.Errorf("rekey queued for ACCESS EXCLUSIVE in %d samples", n)
				}
				end()
				if _, err := h.up(role); err != nil {
					t.Error(err)
				}
				equals(40, small)(h)
			})
		}
	})
}

// hold starts a transaction of the application and returns when it is more than a second old.
func hold(h *database) (end func()) {
	h.t.Helper()
	ctx := h.t.Context()
	tx, err := h.admin.Begin(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "UPDATE phoenix_kit_users SET first_name = first_name WHERE id = 1; SELECT pg_sleep(1.1)"); err != nil {
		h.t.Fatal(err)
	}
	return func() {
		if err := tx.Commit(ctx); err != nil {
			h.t.Fatal(err)
		}
	}
}

// queued samples whether a session waits for ACCESS EXCLUSIVE, while the flag is set. The returned function stops
// sampling and returns the number of positive samples.
func (h *database) queued(counting *atomic.Bool) func() int {
	const sql = `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`
	pool, done, seen := h.fresh(superuser), make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-done:
				seen <- n
				return
			case <-time.After(20 * time.Millisecond):
			}
			var waiting bool
			counts := counting.Load() // read before the query
			if err := pool.QueryRow(h.t.Context(), sql).Scan(&waiting); err == nil && waiting && counts {
				n++
			}
		}
	}()
	return func() int {
		close(done)
		return <-seen
	}
}
