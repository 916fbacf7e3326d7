package run_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/inspect"
	"github.com/rekey-pg/rekey/internal/plan"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/survey"
	"github.com/rekey-pg/rekey/internal/verify"
	"github.com/rekey-pg/rekey/problem"
)

// interloper runs statements in another session right before statement number at that names a table.
type interloper struct {
	table     string
	at, count int
	attack    func()
}

func (a *interloper) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(strings.ReplaceAll(q.SQL, `"`, ""), a.table) {
		if a.count++; a.count == a.at {
			a.attack()
		}
	}
	return ctx
}

func (*interloper) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TestReadsOfRowsRunNoAddedCode adds code of the owner of a table between two statements of plan and verify that name the table. Either
// a lock prevents that, or the reading ends before the code runs.
func TestReadsOfRowsRunNoAddedCode(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		ways := map[string]struct {
			since     int
			sql, undo string
		}{
			"a predicate":   {13, "CREATE INDEX i ON %s (id) WHERE app.ran('x')", "DROP INDEX app.i"},
			"an expression": {13, "CREATE INDEX i ON %s ((app.ran('x')))", "DROP INDEX app.i"},
			"statistics":    {14, "CREATE STATISTICS app.s ON (app.ran('x')), (id + 1) FROM %s", "DROP STATISTICS app.s"},
			"a child": {
				13, `CREATE TABLE app.evil (LIKE %[1]s INCLUDING DEFAULTS); CREATE INDEX ON app.evil (id) WHERE app.ran('x'); ALTER TABLE app.evil INHERIT %[1]s`,
				"DROP TABLE app.evil",
			},
			"a view": {13, "ALTER TABLE %[1]s RENAME TO old; CREATE VIEW %[1]s AS SELECT * FROM app.old WHERE app.ran('x')", "DROP VIEW %[1]s; ALTER TABLE app.old RENAME TO %[2]s"},
		}
		for _, table := range []string{"app.base", "app.child"} {
			for name, way := range ways {
				for _, command := range []string{"plan", "verify"} {
					if c.Major < way.since {
						continue
					}
					t.Run(table+" "+name+" "+command, func(t *testing.T) {
						t.Parallel()
						replace := strings.NewReplacer("%s", table, "%[1]s", table, "%[2]s", strings.TrimPrefix(table, "app."))
						attackReads(t, c, table, command, "SET ROLE code_owner; "+replace.Replace(way.sql), replace.Replace(way.undo))
					})
				}
			}
		}
	})
}

// attackReads repeats a command, each time with the attack before the next statement that names the table: all of them for one kind of
// code, the first ones for the others.
func attackReads(t *testing.T, c *server.Cluster, table, command, attack, undo string) {
	t.Helper()
	s := newSchemaRun(t, c, hostileSchema+`CREATE TABLE app.child (id bigserial PRIMARY KEY, base_id bigint); INSERT INTO app.child (base_id) SELECT n FROM generate_series(1, 5) n;
		ALTER TABLE app.child ADD FOREIGN KEY (base_id) REFERENCES app.base NOT VALID; ALTER TABLE app.child OWNER TO code_owner`, nil)
	if command == "verify" {
		s.reach(plan.Up, plan.Linked)
	} else {
		s.exec("ALTER TABLE app.base ADD uuid uuid; ALTER TABLE app.child ADD uuid uuid")
	}
	request := s.job.Request
	request.Direction, request.Goal = plan.Up, plan.Linked
	detected, last := 0, 3 // statements: the lock, and two queries
	if strings.Contains(attack, "CREATE INDEX i") && strings.Contains(attack, "WHERE") {
		last = 1000 // all of them
	}
	for at := 1; at <= last; at++ {
		conn := s.connect()
		added := false
		way := &interloper{table: table, at: at, attack: func() {
			_, err := conn.Exec(t.Context(), "SET lock_timeout = '20ms'; BEGIN; "+attack+"; COMMIT")
			added = err == nil
		}}
		err := s.readTraced(way, request, command)
		_ = conn.Close(context.WithoutCancel(t.Context()))
		if way.count < at {
			if err != nil {
				t.Errorf("without an attack: %v", err)
			}
			break
		}
		if err != nil && strings.Contains(err.Error(), "it ran") {
			t.Fatalf("before statement %d: the code ran: %v", at, err)
		}
		if added {
			s.exec(undo)
			if errors.Is(err, problem.ErrRefused) || errors.Is(err, problem.ErrStopped) {
				detected++
			}
		}
	}
	if detected == 0 {
		t.Error("no attack was detected")
	}
}

func (s *testRun) connect() *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.ConnectConfig(s.t.Context(), s.pool.Config().ConnConfig)
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// readTraced plans or verifies on a pool of its own.
func (s *testRun) readTraced(tracer pgx.QueryTracer, request survey.Request, command string) error {
	config := s.pool.Config()
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(s.t.Context(), config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer pool.Close()
	inspected, err := inspect.Server(s.t.Context(), pool)
	if err != nil {
		s.t.Fatal(err)
	}
	if command == "verify" {
		_, err = verify.Run(s.t.Context(), pool, inspected, request)
		return err
	}
	_, err = survey.Read(s.t.Context(), pool, inspected, request)
	return err
}
