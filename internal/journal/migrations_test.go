package journal

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// shapeQuery returns a line for each column, index, constraint and privilege of the journal.
const shapeQuery = `SELECT array_agg(line ORDER BY line) FROM (
	SELECT format('%s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid))
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
	WHERE c.relnamespace = 'rekey'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL SELECT format('%s %s %s %s', relname, relkind, reloptions, relacl) FROM pg_class WHERE relnamespace = 'rekey'::regnamespace
	UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
	WHERE connamespace = 'rekey'::regnamespace AND contype <> 'n'
) AS all_lines (line)`

func shape(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	return strings.Join(queryValue[[]string](t, pool, shapeQuery), "\n")
}

// newJournalOf creates a database with a journal of an earlier version, as that version of rekey made it, and a record of
// each kind.
func newJournalOf(t *testing.T, c *server.Cluster, version int) *pgxpool.Pool {
	t.Helper()
	pool := openPool(t, servertest.Database(t, c).URL)
	first, err := os.ReadFile("testdata/journal_v1.sql")
	must(t, err)
	later, err := migrationsFrom(firstVersion)
	must(t, err)
	exec(t, pool, string(first))
	for _, sql := range later[:version-firstVersion] {
		exec(t, pool, sql)
	}
	exec(t, pool, fmt.Sprintf("UPDATE rekey.format SET version = %d", version))
	exec(t, pool, `INSERT INTO rekey.runs (scope, host, pid, program, command, target) VALUES ('public', 'h', 1, '0.9', 'up', 40);
		INSERT INTO rekey.leases VALUES ('public', gen_random_uuid(), 'h', 1, '0.9', 'up', clock_timestamp(), clock_timestamp());
		INSERT INTO rekey.cursors VALUES (7, 8, 1, 0, '', 3);
		INSERT INTO rekey.kept VALUES (7, 1, 5, true);
		INSERT INTO rekey.moments VALUES (7, 1, '2026-01-02 03:04:05Z')`)
	return pool
}

func version(t *testing.T, pool *pgxpool.Pool) int {
	t.Helper()
	return queryValue[int](t, pool, "SELECT version FROM rekey.format")
}

// TestMigrationsAreNumbered checks that the files are numbered without gaps, up to Version.
func TestMigrationsAreNumbered(t *testing.T) {
	files, err := migrationFiles.ReadDir("migrations")
	must(t, err)
	for i, file := range files {
		if want := fmt.Sprintf("%03d_", firstVersion+1+i); !strings.HasPrefix(file.Name(), want) {
			t.Errorf("%s does not begin with %s", file.Name(), want)
		}
	}
	for from := firstVersion; from <= Version; from++ {
		if later, err := migrationsFrom(from); err != nil || len(later) != Version-from {
			t.Errorf("%d migrations from version %d, %v", len(later), from, err)
		}
	}
}

// TestTablesAreComplete checks that the list of tables, on which the checks rely, has all files.
func TestTablesAreComplete(t *testing.T) {
	files, err := tableFiles.ReadDir("tables")
	must(t, err)
	for _, table := range tables() {
		if !slices.ContainsFunc(files, func(f fs.DirEntry) bool { return f.Name() == table.name+".sql" }) {
			t.Errorf("no file for %s", table.name)
		}
	}
	if len(files) != len(tables()) {
		t.Errorf("%d files for %d tables", len(files), len(tables()))
	}
}

// TestOlderJournalIsMigrated checks that a journal of each earlier version becomes the one that is created today, with its
// records, and that reading it migrates nothing.
func TestOlderJournalIsMigrated(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		want := shape(t, newJournal(t, c))
		for old := 1; old < Version; old++ {
			pool := newJournalOf(t, c, old)
			before := shape(t, pool)
			if !readable(t, pool) {
				t.Errorf("version %d is not readable", old)
			}
			checkRecords(t, pool)
			must(t, Send(t.Context(), pool, "public", Request{Verb: Pause}))
			exec(t, pool, "DELETE FROM rekey.orders")
			if version(t, pool) != old || shape(t, pool) != before {
				t.Errorf("reading version %d changed it", old)
			}
			must(t, Ensure(t.Context(), pool))
			if v := version(t, pool); v != Version || shape(t, pool) != want {
				t.Errorf("from version %d: version %d\n%s\nwant\n%s", old, v, shape(t, pool), want)
			}
			checkRecords(t, pool)
			exec(t, pool, "DELETE FROM rekey.leases; DELETE FROM rekey.cursors")
			useJournal(t, pool)
		}
	})
}

// checkRecords checks that the records of [newJournalOf] can be read.
func checkRecords(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	must(t, pg.Read(t.Context(), pool, func(tx pg.Tx) error {
		run, err := Last(t.Context(), tx, "public")
		if err != nil || run.Target != 40 || run.Phase != "" {
			t.Errorf("run %+v, %v", run, err)
		}
		lease, err := LoadLease(t.Context(), tx, "public")
		if err != nil || lease == nil || lease.Program != "0.9" {
			t.Errorf("lease %+v, %v", lease, err)
		}
		originals, err := LoadOriginals(t.Context(), tx, 7)
		if err != nil || originals[Column{7, 1}] != (Original{OtherVersions: 5, Adopted: true}) {
			t.Errorf("originals %v, %v", originals, err)
		}
		cutoffs, err := LoadCutoffs(t.Context(), tx, 7)
		if err != nil || cutoffs[Column{7, 1}].At.Year() != 2026 {
			t.Errorf("cutoffs %v, %v", cutoffs, err)
		}
		checkpoints, err := LoadCheckpoints(t.Context(), tx, 7)
		if err != nil || len(checkpoints) != 1 || checkpoints[0].Rows != 3 {
			t.Errorf("checkpoints %v, %v", checkpoints, err)
		}
		return nil
	}))
}

// TestIncompleteJournalIsCompleted checks that a table that was dropped is created again, in any version.
func TestIncompleteJournalIsCompleted(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		want := shape(t, newJournal(t, c))
		for old := 1; old <= Version; old++ {
			pool := newJournalOf(t, c, old)
			exec(t, pool, "DROP TABLE rekey.runs, rekey.standstills")
			if readable(t, pool) {
				t.Error("an incomplete journal is readable")
			}
			must(t, Ensure(t.Context(), pool))
			if v := version(t, pool); v != Version || shape(t, pool) != want {
				t.Errorf("from version %d: version %d\n%s", old, v, shape(t, pool))
			}
		}
	})
}

// TestMigrateConcurrently checks that processes that migrate at the same time leave one journal of the current version.
func TestMigrateConcurrently(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournalOf(t, c, 1)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			process := openPool(t, pool.Config().ConnString())
			must(t, process.Ping(t.Context()))
			all.Go(func() {
				<-begin
				if err := Ensure(t.Context(), process); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		if v := version(t, pool); v != Version {
			t.Errorf("version %d", v)
		}
		checkRecords(t, pool)
	})
}

// TestKilledMigration checks that a migration whose session ends in the middle leaves the earlier version, and that the next
// one completes it.
func TestKilledMigration(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournalOf(t, c, 1)
		before := shape(t, pool)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		killed := openPool(t, pool.Config().ConnString())
		err := pg.Run(ctx, killed, shortTx(), func(tx pg.Tx) error {
			migrateIn(ctx, t, tx)
			exec(t, pool, fmt.Sprintf("SELECT pg_terminate_backend(%d)", tx.Conn().PgConn().PID()))
			return nil
		})
		if err == nil {
			t.Fatal("the killed migration was committed")
		}
		if v := version(t, pool); v != 1 || shape(t, pool) != before {
			t.Errorf("version %d\n%s", v, shape(t, pool))
		}
		must(t, Ensure(t.Context(), pool))
		if v := version(t, pool); v != Version {
			t.Errorf("version %d after the next run", v)
		}
	})
}

// migrateIn migrates the journal without committing.
func migrateIn(ctx context.Context, t *testing.T, tx pg.Tx) {
	t.Helper()
	s, err := inspect(ctx, tx, nil)
	must(t, err)
	must(t, lockVersion(ctx, tx))
	must(t, s.migrate(ctx, tx))
}

// TestMigrationWaits checks that a process that waits for another one's migration does not migrate again, and refuses a
// journal that became newer while it waited.
func TestMigrationWaits(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		for _, newer := range []bool{false, true} {
			pool := newJournalOf(t, c, 1)
			waiting := openPool(t, pool.Config().ConnString())
			result := make(chan error, 1)
			inTx(t, pool, func(ctx context.Context, tx pg.Tx) error {
				must(t, lockVersion(ctx, tx))
				go func() { result <- Ensure(ctx, waiting) }()
				waitForLock(t, pool)
				if newer {
					_, err := tx.Exec(ctx, "UPDATE rekey.format SET version = 1000")
					return err
				}
				migrateIn(ctx, t, tx)
				return nil
			})
			err := <-result
			if newer {
				wantProblem(t, err, problem.ErrRefused, "journal_newer")
				if queryValue[bool](t, pool, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'rekey.runs'::regclass AND attname = 'phase')") {
					t.Error("a newer journal was changed")
				}
				continue
			}
			must(t, err)
		}
	})
}

// waitForLock waits until a session of the database waits for a lock.
func waitForLock(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	const waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
	for !queryValue[bool](t, pool, waits) {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestMigrationNeedsTheOwner checks that a role that may write the journal, but not alter it, is refused before anything
// changes.
func TestMigrationNeedsTheOwner(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		name, admin, url := role(t, c)
		must(t, Ensure(t.Context(), admin))
		exec(t, admin, "ALTER TABLE rekey.runs DROP phase; UPDATE rekey.format SET version = 1")
		exec(t, admin, "GRANT USAGE, CREATE ON SCHEMA rekey TO "+name+"; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rekey TO "+name)
		pool := openPool(t, url)
		p := wantProblem(t, Ensure(t.Context(), pool), problem.ErrRefused, "no_journal_rights")
		if !strings.Contains(p.Hint, "TO "+name+";") {
			t.Errorf("the hint is not a valid statement: %s", p.Hint)
		}
		if v := version(t, admin); v != 1 || !readable(t, pool) {
			t.Errorf("version %d, or not readable", v)
		}
		described := describe(t, pool, catalog.Role{Name: strings.Trim(name, `"`)})
		if described.OtherOwner == "" || described.Version != 1 || described.Known != Version {
			t.Errorf("described as %+v", described)
		}
		must(t, Ensure(t.Context(), admin))
		must(t, Ensure(t.Context(), pool))
	})
}

func describe(t *testing.T, pool *pgxpool.Pool, role catalog.Role) catalog.JournalSchema {
	t.Helper()
	schema := catalog.JournalSchema{Exists: true, Usage: true}
	must(t, pg.Read(t.Context(), pool, func(tx pg.Tx) error { return Describe(t.Context(), tx, role, &schema) }))
	return schema
}

// TestDescribeReadsOwnTablesOnly checks that the version is not read from a schema with objects that are not rekey's.
func TestDescribeReadsOwnTablesOnly(t *testing.T) {
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		pool := newJournal(t, c)
		role := catalog.Role{Name: "postgres", Superuser: true}
		if d := describe(t, pool, role); d.Version != Version || d.OtherOwner != "" || len(d.Unexpected) > 0 {
			t.Errorf("described as %+v", d)
		}
		exec(t, pool, "UPDATE rekey.format SET version = 1000")
		if d := describe(t, pool, role); d.Version != 1000 {
			t.Errorf("described as %+v", d)
		}
		exec(t, pool, "DROP TABLE rekey.format; CREATE VIEW rekey.format AS SELECT 1000 / 0 AS version")
		if d := describe(t, pool, role); d.Version != 0 || len(d.Unexpected) == 0 {
			t.Errorf("described as %+v", d)
		}
	})
}
