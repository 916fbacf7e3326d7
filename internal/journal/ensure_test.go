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

func readable(t *testing.T, pool *pgxpool.Pool) (is bool) {
	t.Helper()
	must(t, pg.Read(t.Context(), pool, func(tx pg.Tx) (err error) {
		is, err = Readable(t.Context(), tx)
		return err
	}))
	return is
}

func TestEnsureConcurrently(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		db := servertest.Database(t, c)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			pool := openPool(t, db.URL)
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
		pool := openPool(t, db.URL)
		if n := queryValue[int](t, pool, "SELECT count(*) FROM rekey.format WHERE version = $1", Version); n != 1 {
			t.Errorf("%d rows with the current format", n)
		}
		useJournal(t, pool)
	})
}

func TestReadableCreatesNothing(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := openPool(t, servertest.Database(t, c).URL)
		if readable(t, pool) || queryValue[bool](t, pool, "SELECT to_regnamespace('rekey') IS NOT NULL") {
			t.Error("Readable reports or creates a journal")
		}
		must(t, Ensure(t.Context(), pool))
		if !readable(t, pool) {
			t.Error("no journal is readable after Ensure")
		}
		exec(t, pool, "DROP TABLE rekey.kept")
		if readable(t, pool) {
			t.Error("an incomplete journal is readable")
		}
		must(t, Ensure(t.Context(), pool))
		if !readable(t, pool) {
			t.Error("Ensure did not create the missing table")
		}
	})
}

func TestNewerFormatIsRefused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		exec(t, pool, "UPDATE rekey.format SET version = version + 1; DROP TABLE rekey.kept")
		wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "journal_newer")
		if queryValue[bool](t, pool, "SELECT to_regclass('rekey.kept') IS NOT NULL") {
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

func TestOtherTablesAreRefused(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := openPool(t, servertest.Database(t, c).URL)
		for _, made := range []string{
			"CREATE TABLE rekey.runs (id int)",
			"CREATE VIEW rekey.format AS SELECT 1 AS version",
			"CREATE TABLE rekey.format (number int)",
			"CREATE TABLE rekey.format (version int)",
		} {
			exec(t, pool, "CREATE SCHEMA rekey; "+made)
			wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "journal_conflict")
			err := pg.Read(t.Context(), pool, func(tx pg.Tx) error {
				is, err := Readable(t.Context(), tx)
				if err == nil && is {
					t.Errorf("%s counts as a journal", made)
				}
				return err
			})
			if err != nil { // Readable may also return false
				wantProblem(t, err, problem.ErrRefused, "journal_conflict")
			}
			exec(t, pool, "DROP SCHEMA rekey CASCADE")
		}
	})
}

// role creates a role for a test and returns its name, a superuser's pool and the role's connection string.
func role(t *testing.T, c *server.Cluster) (name string, admin *pgxpool.Pool, url string) {
	t.Helper()
	session, err := pgx.Connect(t.Context(), c.URL("postgres"))
	must(t, err)
	name = fmt.Sprintf("Journal %08x", rand.Uint32())
	quoted := pgx.Identifier{name}.Sanitize()
	_, err = session.Exec(t.Context(), "CREATE ROLE "+quoted+" LOGIN PASSWORD 'sesame'")
	must(t, err)
	t.Cleanup(func() { // after the database is dropped; a kept database keeps its role
		_, err := session.Exec(context.Background(), "DROP ROLE "+quoted)
		if err = errors.Join(err, session.Close(context.Background())); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	db := servertest.Database(t, c)
	config, err := pgx.ParseConfig(db.URL)
	must(t, err)
	url = fmt.Sprintf("host=%s port=%d dbname=%s user='%s' password=sesame", config.Host, config.Port, config.Database, name)
	return quoted, openPool(t, db.URL), url
}

func TestSchemaOfAnotherRoleNeedsRights(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		name, admin, url := role(t, c)
		pool := openPool(t, url)

		p := wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_schema")
		if !strings.Contains(p.Hint, "AUTHORIZATION "+name+";") {
			t.Errorf("the hint is not a valid statement: %s", p.Hint)
		}

		exec(t, admin, "CREATE SCHEMA rekey")
		wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_rights")
		exec(t, admin, "GRANT USAGE, CREATE ON SCHEMA rekey TO "+name)
		must(t, Ensure(t.Context(), pool))
		useJournal(t, pool)

		exec(t, admin, "DROP SCHEMA rekey CASCADE")
		must(t, Ensure(t.Context(), admin))
		exec(t, admin, "GRANT USAGE ON SCHEMA rekey TO "+name)
		wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_rights")
		wantProblem(t, Send(t.Context(), pool, "public", Request{Verb: Stop}), problem.ErrRefused, "no_journal_rights")
		if readable(t, pool) {
			t.Error("a journal without SELECT is readable")
		}
		exec(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rekey TO "+name)
		must(t, Ensure(t.Context(), pool))
		useJournal(t, pool)
	})
}

func TestRoleDefaultsAreOverridden(t *testing.T) {
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
		pool := openPool(t, url)
		must(t, Ensure(t.Context(), pool))
		useJournal(t, pool)
		const odd = `SELECT count(*) FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
			WHERE c.relnamespace = 'rekey'::regnamespace
			  AND (c.relpersistence <> 'p' OR c.reltablespace <> 0 OR a.amname = 'other'
			       OR EXISTS (SELECT FROM aclexplode(c.relacl) WHERE grantee = 0))`
		if n := queryValue[int](t, admin, odd); n != 0 {
			t.Errorf("%d relations have other properties or grant rights to PUBLIC", n)
		}
	})
}

// useJournal uses everything that the journal offers.
func useJournal(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	ctx := t.Context()
	lease, err := Acquire(ctx, pool, "public", Here("1.0", "up"))
	must(t, err)
	id, err := Begin(ctx, pool, Run{Schema: "public", Holder: Here("1.0", "up"), Target: 40})
	must(t, err)
	inTx(t, pool, func(ctx context.Context, tx pg.Tx) error {
		return errors.Join(lease.Guard(ctx, tx),
			SaveCheckpoint(ctx, tx, Checkpoint{Relation: 7, Filenode: 8, Column: 1, Rows: 3}),
			SaveOriginal(ctx, tx, Column{7, 1}, Original{OtherVersions: 5}))
	})
	must(t, Send(ctx, pool, "public", Request{Verb: Pause}))
	if request := <-lease.Requests(); request.Verb != Pause {
		t.Errorf("received %v", request)
	}
	inTx(t, pool, func(ctx context.Context, tx pg.Tx) error { return DeleteCheckpoints(ctx, tx, 7) })
	must(t, End(ctx, pool, id, "done", "", 3))
	must(t, lease.Release(ctx))
	if n := queryValue[int](t, pool, "SELECT (SELECT count(*) FROM rekey.leases) + (SELECT count(*) FROM rekey.cursors)"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
