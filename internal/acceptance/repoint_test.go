package acceptance

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/backfill"
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/pace"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/rekeytest"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// The filling reads a row, looks up its parent and writes the uuid. TestNoRepointIsUndone changes the row's parent exactly in
// between: the parents are read through a view whose function sends the row's number to the test and waits until the test has
// changed the row, or until that change waits for the filling.

// repointSQL has n children with n parents of their own, and n more parents. Child i gets the parent n + i.
const repointSQL = `CREATE SCHEMA app;
	CREATE TABLE app.p (id bigint PRIMARY KEY);
	CREATE TABLE app.c (id bigint PRIMARY KEY, p_id bigint REFERENCES app.p, want bigint, filler text)`

// unfilledSQL makes the children as they were before up: without a uuid, and without the foreign key of the uuid.
const unfilledSQL = `ALTER TABLE app.c DROP CONSTRAINT c_p_uuid_fkey;
	INSERT INTO app.p SELECT generate_series(1, 2 * {n});
	SET session_replication_role = replica;
	INSERT INTO app.c (id, p_id, want, filler) SELECT n, n AS p_id, n AS want, repeat('x', 700) FROM generate_series(1, {n}) n;
	RESET session_replication_role;
	ANALYZE;
	CREATE SEQUENCE app.asked; CREATE SEQUENCE app.answered MINVALUE 0 START 0;
	CREATE FUNCTION app.looks_up(n bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE SET client_min_messages = notice AS $$
	DECLARE
		question bigint;
	BEGIN
		IF n <= {n} THEN
			question := nextval('app.asked');
			RAISE NOTICE 'look-up % %', question, n;
			WHILE (SELECT last_value FROM app.answered) < question LOOP
				PERFORM pg_sleep(0.0002);
			END LOOP;
		END IF;
		RETURN true;
	END $$;
	CREATE VIEW app.read AS SELECT id, uuid FROM app.p WHERE app.looks_up(id)`

// mostWaiting is how many changes may wait for the filling's locks at once, each with a session of its own.
const mostWaiting = 30

// repoints changes each child's parent once, while the filling is between reading and writing it.
type repoints struct {
	*testing.T
	rows    int
	twice   bool // the filling looks up the parent before and after it has the row's lock
	pool    *pgxpool.Pool
	control *pgx.Conn

	lookups map[int]int // how often the filling has looked up the parent of a child
	done    int         // changes that ended before the filling went on
	waiting int         // changes that waited for the filling's lock
	active  chan struct{}
	all     sync.WaitGroup
}

// notice receives a notice of app.looks_up. The session of the filling reads nothing else until it returns.
func (r *repoints) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	var question, row int
	if _, err := fmt.Sscanf(n.Message, "look-up %d %d", &question, &row); err != nil {
		return
	}
	r.lookups[row]++
	// If the filling looks twice, it has the row's lock the second time: a third of the rows is changed then.
	if later := r.twice && row%3 == 0; r.lookups[row] == 1 && !later || r.lookups[row] == 2 && later {
		r.repoint(row, row%3 == 2)
	}
	if _, err := r.control.Exec(context.Background(), "SELECT setval('app.answered', $1)", question); err != nil {
		r.Error(err)
	}
}

// repoint changes a row's parent and returns when that has committed, or when it waits for a lock. With open the transaction
// stays open for a while, so that the filling meets a locked row.
func (r *repoints) repoint(row int, open bool) {
	select {
	case r.active <- struct{}{}:
	default:
		return // too many wait
	}
	ctx := context.Background()
	conn, err := r.pool.Acquire(ctx)
	if err != nil {
		r.Error(err)
		return
	}
	pid, changed := conn.Conn().PgConn().PID(), make(chan struct{})
	r.all.Go(func() {
		defer func() { conn.Release(); <-r.active }()
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, "UPDATE app.c SET p_id = $2, want = $2 WHERE id = $1", row, r.rows+row)
			if err == nil && tag.RowsAffected() != 1 {
				err = fmt.Errorf("%d rows", tag.RowsAffected())
			}
			if open {
				close(changed)
				time.Sleep(5 * time.Millisecond)
			}
			return err
		})
		if err != nil {
			r.Errorf("the application's change of row %d: %v", row, err)
		}
		if !open {
			close(changed)
		}
	})
	for {
		select {
		case <-changed:
			r.done++
			return
		default:
		}
		var blocked bool
		if err := r.control.QueryRow(ctx, "SELECT pg_blocking_pids($1) <> '{}'", pid).Scan(&blocked); err != nil || blocked {
			r.waiting++
			return
		}
	}
}

// newRepoints returns the repoints of a new database, and the pool of the filling.
func newRepoints(t *testing.T, c *server.Cluster, rows int) (*repoints, *pgxpool.Pool) {
	t.Helper()
	db := servertest.Database(t, c)
	r := &repoints{T: t, rows: rows, lookups: map[int]int{}, active: make(chan struct{}, mostWaiting)}
	r.pool = servertest.Pool(t, db.URL+fmt.Sprintf("&pool_max_conns=%d", mostWaiting+2))
	servertest.Execute(t, r.pool, repointSQL)
	if _, err := rekeytest.Up(t.Context(), r.pool, rekeytest.Setup{Scope: rekey.Schema{Name: "app"}, Options: rekey.Options{To: rekey.Linked}}); err != nil {
		t.Fatal(err)
	}
	servertest.Execute(t, r.pool, strings.ReplaceAll(unfilledSQL, "{n}", fmt.Sprint(rows)))
	var err error
	if r.control, err = pgx.Connect(t.Context(), db.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.control.Close(context.Background()) })
	config, err := pgxpool.ParseConfig(db.URL + "&search_path=pg_catalog&pool_max_conns=2")
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.OnNotice = r.notice
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return r, pool
}

// inOneStatement is rekey's filling.
func inOneStatement(t *testing.T, pool *pgxpool.Pool, complete bool) {
	t.Helper()
	info, err := inspect.Server(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	var table catalog.Table
	err = pg.Read(t.Context(), pool, func(tx pg.Tx) error {
		schema, err := inspect.Schema(t.Context(), tx, inspect.Request{Schema: "app", Relations: []string{"c"}, Column: "uuid"})
		if err == nil {
			table = *schema.Relation("c")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = backfill.Run(t.Context(), backfill.Job{
		Pool: pool, Server: info, Table: table, Column: "p_uuid", Workers: 1, Pace: pace.New(pace.Full, 20*time.Millisecond), Emit: func(event.Event) {},
		Writer: backfill.Join(backfill.Parent{
			Table: sqltext.Table{Schema: "app", Name: "read"}, UUID: "uuid", Keys: []backfill.KeyPair{{Child: "p_id", Parent: "id"}}, Complete: complete,
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// inTwoSteps reads the uuids of a hundred rows, commits, and writes them.
func inTwoSteps(t *testing.T, pool *pgxpool.Pool, rows int) {
	t.Helper()
	for from := 1; from <= rows; from += 100 {
		servertest.Execute(t, pool, fmt.Sprintf(`DO $$ BEGIN
			CREATE TEMP TABLE step AS SELECT c.id, (SELECT p.uuid FROM app.read p WHERE p.id = c.p_id) AS uuid FROM app.c WHERE c.p_uuid IS NULL AND c.id BETWEEN %d AND %d;
			COMMIT;
			UPDATE app.c SET p_uuid = step.uuid FROM step WHERE step.id = c.id;
			DROP TABLE step;
		END $$`, from, from+99))
	}
}

// A change of a row's parent between the moment at which the filling reads the row and the moment at which it writes is never
// undone. The control fills in two steps and undoes them.
func TestNoRepointIsUndone(t *testing.T) {
	rows := 600
	if long() {
		rows = 11_000
	}
	for _, one := range []struct {
		name    string
		rows    int
		least   int // changes between reading and writing
		twice   bool
		control bool
		fill    func(t *testing.T, pool *pgxpool.Pool)
	}{
		{"one statement", rows, rows * 10 / 11 * 2 / 3, true, false, func(t *testing.T, pool *pgxpool.Pool) { t.Helper(); inOneStatement(t, pool, false) }},
		{"one statement, complete parent", rows, mostWaiting, false, false, func(t *testing.T, pool *pgxpool.Pool) { t.Helper(); inOneStatement(t, pool, true) }},
		{"two steps", 600, 600, false, true, func(t *testing.T, pool *pgxpool.Pool) { t.Helper(); inTwoSteps(t, pool, 600) }},
	} {
		t.Run(strings.ReplaceAll(one.name, " ", "_"), func(t *testing.T) {
			on(t, func(t *testing.T, c *server.Cluster) {
				r, pool := newRepoints(t, c, one.rows)
				r.twice = one.twice
				one.fill(t, pool)
				r.all.Wait()
				var undone, different int
				err := r.control.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE c.p_id <> c.want), count(*) FILTER (WHERE c.p_uuid IS DISTINCT FROM p.uuid)
					FROM app.c JOIN app.p ON p.id = c.p_id`).Scan(&undone, &different)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("acceptance 2: PostgreSQL %d, %s: %d changes between reading and writing (%d committed or held, %d waiting for the lock), %d undone",
					c.Major, one.name, r.done+r.waiting, r.done, r.waiting, undone)
				switch {
				case one.control && undone == 0:
					t.Error("a filling in two steps undid nothing: the test proves nothing")
				case !one.control && undone+different > 0:
					t.Errorf("%d changes were undone, and %d rows have a uuid of another parent", undone, different)
				case r.done+r.waiting < one.least:
					t.Errorf("only %d changes came between reading and writing", r.done+r.waiting)
				}
			})
		})
	}
}
