package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func present(t *testing.T, pool *pgxpool.Pool) (is bool) {
	t.Helper()
	must(t, pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
		is, err = Readable(t.Context(), tx)
		return err
	}))
	return is
}

func TestEnsureByManyAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		db := servertest.Database(t, c)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			pool := open(t, db.URL)
			must(t, pool.Ping(t.Context()))
			all.Go(func() {
				<-begin
				if err := Ensure(t.Context(), pool); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		pool := open(t, db.URL)
		if n := ask[int](t, pool, "SELECT count(*) FROM rekey.format WHERE version = $1", Format); n != 1 {
			t.Errorf("%d rows of format", n)
		}
		life(t, pool)
	})
}

func TestPresentMakesNothing(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := open(t, servertest.Database(t, c).URL)
		if present(t, pool) || ask[bool](t, pool, "SELECT to_regnamespace('rekey') IS NOT NULL") {
			t.Error("a journal out of nothing")
		}
		must(t, Ensure(t.Context(), pool))
		if !present(t, pool) {
			t.Error("no journal after Ensure")
		}
		exec(t, pool, "DROP TABLE rekey.kept")
		if present(t, pool) {
			t.Error("half a journal counts as one")
		}
		must(t, Ensure(t.Context(), pool))
		if !present(t, pool) {
			t.Error("the missing table was not made")
		}
	})
}

func TestNewerFormatIsRefused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := fresh(t, c)
		exec(t, pool, "UPDATE rekey.format SET version = version + 1; DROP TABLE rekey.kept")
		wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "journal_newer")
		if ask[bool](t, pool, "SELECT to_regclass('rekey.kept') IS NOT NULL") {
			t.Error("a refused journal was changed")
		}
		exec(t, pool, "CREATE TABLE rekey.kept ()")
		err := pg.Read(t.Context(), pool, func(tx pg.Tx) error {
			_, err := Readable(t.Context(), tx)
			return err
		})
		wantProblem(t, err, problem.ErrRefused, "journal_newer")
		wantProblem(t, Send(t.Context(), pool, "public", Request{Verb: Stop}), problem.ErrRefused, "journal_newer")
	})
}

func TestForeignTablesAreRefused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := open(t, servertest.Database(t, c).URL)
		for _, made := range []string{
			"CREATE TABLE rekey.runs (id int)",
			"CREATE VIEW rekey.format AS SELECT 1 AS version",
		} {
			exec(t, pool, "CREATE SCHEMA rekey; "+made)
			wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "journal_foreign")
			err := pg.Read(t.Context(), pool, func(tx pg.Tx) error {
				is, err := Readable(t.Context(), tx)
				if err == nil && is {
					t.Errorf("%s counts as a journal", made)
				}
				return err
			})
			if err != nil { // it is not read
				wantProblem(t, err, problem.ErrRefused, "journal_foreign")
			}
			exec(t, pool, "DROP SCHEMA rekey CASCADE")
		}
	})
}

// role makes a role for a test and the URL by which it comes into the test's database.
func role(t *testing.T, c *server.Cluster) (name string, admin *pgxpool.Pool, url string) {
	t.Helper()
	session, err := pgx.Connect(t.Context(), c.URL("postgres"))
	must(t, err)
	name = fmt.Sprintf("Diary %08x", rand.Uint32())
	quoted := pgx.Identifier{name}.Sanitize()
	_, err = session.Exec(t.Context(), "CREATE ROLE "+quoted+" LOGIN PASSWORD 'sesame'")
	must(t, err)
	t.Cleanup(func() { // after the database is gone; a kept one keeps its role
		_, err := session.Exec(context.Background(), "DROP ROLE "+quoted)
		if err = errors.Join(err, session.Close(context.Background())); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	db := servertest.Database(t, c)
	config, err := pgx.ParseConfig(db.URL)
	must(t, err)
	url = fmt.Sprintf("host=%s port=%d dbname=%s user='%s' password=sesame", config.Host, config.Port, config.Database, name)
	return quoted, open(t, db.URL), url
}

func TestSchemaOfAnotherRole(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		name, admin, url := role(t, c)
		pool := open(t, url)

		p := wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_schema")
		if !strings.Contains(p.Hint, "AUTHORIZATION "+name+";") {
			t.Errorf("the hint cannot be run: %s", p.Hint)
		}

		exec(t, admin, "CREATE SCHEMA rekey")
		wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_rights")
		exec(t, admin, "GRANT USAGE, CREATE ON SCHEMA rekey TO "+name)
		must(t, Ensure(t.Context(), pool))
		life(t, pool)

		exec(t, admin, "DROP SCHEMA rekey CASCADE")
		must(t, Ensure(t.Context(), admin))
		exec(t, admin, "GRANT USAGE ON SCHEMA rekey TO "+name)
		wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_rights")
		wantProblem(t, Send(t.Context(), pool, "public", Request{Verb: Stop}), problem.ErrRefused, "no_journal_rights")
		if present(t, pool) {
			t.Error("a journal that may not be read counts as there")
		}
		exec(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rekey TO "+name)
		must(t, Ensure(t.Context(), pool))
		life(t, pool)
	})
}

func TestRolesDefaultsDoNotMatter(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		name, admin, url := role(t, c)
		exec(t, admin, `CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler`)
		for _, setting := range []string{
			"default_table_access_method = other", "default_transaction_read_only = on",
			"default_transaction_isolation = serializable", "search_path = nowhere",
			"DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kolkata'",
		} {
			exec(t, admin, "ALTER ROLE "+name+" SET "+setting)
		}
		exec(t, admin, "CREATE SCHEMA rekey AUTHORIZATION "+name)
		exec(t, admin, "ALTER DEFAULT PRIVILEGES FOR ROLE "+name+" GRANT ALL ON TABLES TO PUBLIC")
		pool := open(t, url)
		must(t, Ensure(t.Context(), pool))
		life(t, pool)
		const odd = `SELECT count(*) FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
			WHERE c.relnamespace = 'rekey'::regnamespace
			  AND (c.relpersistence <> 'p' OR c.reltablespace <> 0 OR a.amname = 'other'
			       OR EXISTS (SELECT FROM aclexplode(c.relacl) WHERE grantee = 0))`
		if n := ask[int](t, admin, odd); n != 0 {
			t.Errorf("%d relations of another kind, or open to everybody", n)
		}
	})
}

// life goes once through everything the journal does.
func life(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
	must(t, err)
	id, err := Begin(ctx, pool, Run{Schema: "public", Holder: Here("1.0", "up"), Target: 40})
	must(t, err)
	run(t, pool, func(ctx context.Context, tx pg.Tx) error {
		return errors.Join(lease.Guard(ctx, tx),
			SaveCheckpoint(ctx, tx, Checkpoint{Relation: 7, Filenode: 8, Column: 1, Rows: 3}),
			SaveOriginal(ctx, tx, Column{7, 1}, Original{OtherVersions: 5}))
	})
	must(t, Send(ctx, pool, "public", Request{Verb: Pause}))
	if order := <-lease.Requests(); order.Verb != Pause {
		t.Errorf("heard %v", order)
	}
	run(t, pool, func(ctx context.Context, tx pg.Tx) error { return DeleteCheckpoints(ctx, tx, 7) })
	must(t, End(ctx, pool, id, "done", "", 3))
	must(t, lease.Release(ctx))
	if n := ask[int](t, pool, "SELECT (SELECT count(*) FROM rekey.leases) + (SELECT count(*) FROM rekey.cursors)"); n != 0 {
		t.Errorf("%d rows left", n)
	}
}
