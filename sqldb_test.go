package rekey_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// TestServesSQLDB migrates through DBs of pgx's stdlib, and proves that every connection is the DB's own.
func TestServesSQLDB(t *testing.T) {
	servertest.OldestAndNewest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		for name, open := range map[string]func(t *testing.T, url string) *sql.DB{
			"sql.Open": func(t *testing.T, url string) *sql.DB {
				t.Helper()
				db, err := sql.Open("pgx", url)
				if err != nil {
					t.Fatal(err)
				}
				return db
			},
			"OpenDBFromPool": func(t *testing.T, url string) *sql.DB {
				t.Helper()
				return stdlib.OpenDBFromPool(servertest.Pool(t, url))
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				url := servertest.Database(t, c).URL
				pool := servertest.Pool(t, url)
				servertest.Execute(t, pool, `CREATE SCHEMA app; CREATE TABLE app.orders (id bigserial PRIMARY KEY, created_at timestamptz DEFAULT now());
					INSERT INTO app.orders (id) SELECT generate_series(1, 5000)`)
				db := open(t, url+"&application_name=theirs")
				defer db.Close()
				db.SetMaxOpenConns(3)
				var most int64
				migrate(t, db, func(event.Event) {
					var sessions int64
					err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'theirs'").Scan(&sessions)
					if most = max(most, sessions); err != nil {
						t.Error(err)
					}
				})
				if most == 0 || most > 3 {
					t.Errorf("%d sessions at once, the DB may have 3", most)
				}
				if used := db.Stats(); used.InUse != 0 || used.OpenConnections > 3 {
					t.Errorf("%d connections are in use, %d open", used.InUse, used.OpenConnections)
				}
				var missing int
				if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM app.orders WHERE uuid IS NULL").Scan(&missing); err != nil || missing > 0 {
					t.Errorf("%d rows without a uuid: %v", missing, err)
				}
				for _, setting := range []string{"session_replication_role", "lock_timeout", "statement_timeout", "synchronous_commit"} {
					var source string
					if err := db.QueryRowContext(t.Context(), "SELECT source FROM pg_settings WHERE name = $1", setting).Scan(&source); err != nil || source == "session" {
						t.Errorf("%s is left changed on a connection of the DB: %s, %v", setting, source, err)
					}
				}
			})
		}
	})
}

func migrate(t *testing.T, db *sql.DB, seen func(event.Event)) {
	t.Helper()
	m, err := rekey.NewFromDB(db, rekey.Schema{Name: "app"}, &rekey.Options{OnEvent: seen})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := m.Plan(t.Context(), rekey.Up)
	if err != nil || plan.NothingToDo || len(plan.Refusals) > 0 {
		t.Fatalf("%v: %+v", err, plan.Refusals)
	}
	result, err := m.Up(t.Context())
	if err != nil || result.Rows != 5000 {
		t.Fatalf("%v: %+v", err, result)
	}
	if report, err := m.Verify(t.Context()); err != nil {
		t.Errorf("%v: %v", err, report.Differences)
	}
	if status, err := m.Status(t.Context()); err != nil || !status.Complete {
		t.Errorf("%v: %+v", err, status)
	}
	if err := m.Pause(t.Context()); !errors.Is(err, problem.ErrFailed) {
		t.Errorf("pause without a run: %v", err)
	}
}

// TestRefusesOtherDrivers: a driver that is not pgx's is refused before anything connects.
func TestRefusesOtherDrivers(t *testing.T) {
	db := sql.OpenDB(otherDriver{})
	defer db.Close()
	_, err := rekey.NewFromDB(db, rekey.Schema{Name: "app"}, nil)
	p, _ := errors.AsType[*problem.Problem](err)
	if !errors.Is(err, problem.ErrUsage) || p.Code != "other_driver" || p.Hint == "" {
		t.Errorf("got %v", err)
	}
	if !slices.Contains(sql.Drivers(), "pgx") {
		t.Error("pgx's stdlib is not registered")
	}
}

type otherDriver struct{}

func (otherDriver) Connect(context.Context) (driver.Conn, error) { return nil, driver.ErrBadConn }

func (d otherDriver) Driver() driver.Driver { return d }

func (otherDriver) Open(string) (driver.Conn, error) { return nil, driver.ErrBadConn }
