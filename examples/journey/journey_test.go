package journey_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/examples/journey"
	"github.com/rekey-pg/rekey/examples/journey/gormint"
	"github.com/rekey-pg/rekey/examples/journey/gormuuid"
	"github.com/rekey-pg/rekey/examples/journey/pgxuuid"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/internal/step/steptest"
	"github.com/rekey-pg/rekey/problem"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// The names of the applications in figures.
const (
	first  = "GORM by integers"
	second = "pgx by uuids"
	third  = "GORM by uuids"
)

// The GORM application by integers and the pgx application by uuids work on one database while rekey goes from integers to linked,
// switched, back, and switched again. Then the next release of the GORM application takes the place of the first one, as a team
// would do it, and the integers end. No operation fails, both keys of every row are equal, and no row is lost.
func TestJourney(t *testing.T) {
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		r := newRun(t, c)
		r.deploy(first, r.integers, 4)
		r.rekey("up", rekey.Linked)
		r.restart()
		r.deploy(second, r.pgx, 2)
		r.work(first, second)
		linked := r.catalogue()
		r.rekey("up", rekey.Switched)
		r.restart()
		r.work(first, second)
		r.rekey("down", rekey.Linked)
		if diff := cmp.Diff(linked, r.catalogue()); diff != "" {
			t.Errorf("the way back leaves a different catalogue (-before +after)\n%s", diff)
		}
		r.work(first, second)
		r.rekey("up", rekey.Switched)
		r.work(first, second)
		r.deploy(third, r.uuids, 2)
		r.work(first, second, third)
		r.retire(first)
		r.proveBothKeys()
		r.rekey("up", rekey.Contracted)
		r.work(second, third)
		r.nextRelease()
		r.retire(second)
		r.retire(third)
		r.count()
	})
}

// run is one journey.
type run struct {
	*testing.T
	url    string
	pool   *pgxpool.Pool
	ledger *journey.Ledger
	seed   uint64
	stop   map[string]func()
	kinds  map[string]bool // operations that must have run
}

const schema = "shop"

func newRun(t *testing.T, c *server.Cluster) *run {
	t.Helper()
	db := servertest.Database(t, c)
	r := &run{T: t, url: db.URL + "&search_path=" + schema, pool: servertest.Pool(t, db.URL), stop: map[string]func(){}, kinds: map[string]bool{}}
	servertest.Execute(t, r.pool, "CREATE SCHEMA "+schema)
	begin := r.gorm(gormint.Open, false)
	r.check(gormint.Migrate(begin))
	rows, err := gormint.Seed(begin)
	r.check(err)
	r.ledger = journey.NewLedger(rows)
	t.Cleanup(func() {
		for _, stop := range r.stop {
			stop()
		}
	})
	return r
}

func (r *run) check(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// gorm opens a GORM application, whose sessions are closed at the end.
func (r *run) gorm(open func(string, bool) (*gorm.DB, error), prepared bool) *gorm.DB {
	r.Helper()
	db, err := open(r.url, prepared)
	r.check(err)
	db.Logger = logger.Default.LogMode(logger.Silent) // the ledger has the errors
	pool, err := db.DB()
	r.check(err)
	pool.SetMaxOpenConns(2)
	r.Cleanup(func() { _ = pool.Close() })
	return db
}

// deploy starts sessions of an application.
func (r *run) deploy(app string, start func(session int) []journey.Operation, sessions int) {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	var all sync.WaitGroup
	for n := range sessions {
		operations, random := start(n), r.random()
		for _, o := range operations {
			r.kinds[app+": "+o.Name] = true
		}
		all.Go(func() { journey.Session(ctx, r.ledger, app, random, operations) })
	}
	r.stop[app] = sync.OnceFunc(func() {
		cancel()
		all.Wait()
	})
}

func (r *run) retire(app string) { r.stop[app]() }

func (r *run) random() *rand.Rand {
	r.seed++
	return rand.New(rand.NewPCG(14, r.seed))
}

// integers are sessions of the first release: every second one with GORM's prepared statements.
func (r *run) integers(n int) []journey.Operation {
	return gormint.NewSession(r.gorm(gormint.Open, n%2 == 1), r.ledger, fmt.Sprintf("i%d", n), r.random()).Operations()
}

func (r *run) uuids(n int) []journey.Operation {
	s, err := gormuuid.NewSession(r.gorm(gormuuid.Open, n%2 == 1), r.ledger, fmt.Sprintf("g%d", n), r.random())
	r.check(err)
	return s.Operations()
}

func (r *run) pgx(n int) []journey.Operation {
	pool := servertest.Pool(r.T, r.url+"&pool_max_conns=1")
	s, err := pgxuuid.NewSession(r.Context(), pool, r.ledger, fmt.Sprintf("p%d", n), r.random())
	r.check(err)
	return s.Operations()
}

// work waits until each application has made further operations.
func (r *run) work(apps ...string) {
	r.Helper()
	const more = 40
	for _, app := range apps {
		for begun, start := time.Now(), r.ledger.Done(app); r.ledger.Done(app) < start+more; time.Sleep(10 * time.Millisecond) {
			if time.Since(begun) > time.Minute {
				r.Fatalf("%s: not enough operations: %s", app, r.ledger)
			}
		}
	}
	if failed, errs := r.ledger.Failed(); failed > 0 {
		r.Fatalf("%d operations failed:\n%s", failed, strings.Join(errs, "\n"))
	}
}

// rekey takes the schema to a phase.
func (r *run) rekey(direction string, to rekey.Phase) {
	r.Helper()
	var locks, refused int
	var wait, hold time.Duration
	options := rekey.Options{To: to, OnEvent: func(e event.Event) {
		switch e := e.(type) {
		case event.Locked:
			locks, wait, hold = locks+1, max(wait, e.Wait), max(hold, e.Hold)
		case event.LockRefused:
			refused++
		}
	}}
	if to == rekey.Switched || to == rekey.Contracted {
		options.Accept = []rekey.HazardName{rekey.HazardGroupBy, rekey.HazardOnConflictConstraint, rekey.HazardOnConflictRace}
	}
	if to == rekey.Contracted {
		// A team waits for the soak, and compares the index scans of two plans. The uuids' foreign keys do the work of those that go.
		options.Confirm, options.Soak = schema, rekey.NoSoak
		options.Accept = append(options.Accept, rekey.HazardIntegerReads)
	}
	m, err := rekey.New(r.pool, rekey.Schema{Name: schema}, &options)
	r.check(err)
	begun := time.Now()
	call := m.Up
	if direction == "down" {
		call = m.Down
	}
	if _, err := call(r.Context()); err != nil {
		r.Fatalf("%s to %s: %s", direction, to, details(err))
	}
	took := time.Since(begun)
	if report, err := m.Verify(r.Context()); err != nil {
		r.Errorf("verify: %v: %v", err, report.Differences)
	}
	r.Logf("%s to %s: %.1f s; %d locks, waited at most %d ms, held at most %d ms, %d attempts refused", direction, to, took.Seconds(), locks, wait.Milliseconds(), hold.Milliseconds(), refused)
}

func details(err error) string {
	text := err.Error()
	if list, ok := errors.AsType[problem.List](err); ok {
		for _, p := range list {
			text += fmt.Sprintf("\n%s: %s: %s; %s", p.Code, p.Message, p.Detail, p.Hint)
		}
	}
	return text
}

func (r *run) catalogue() []string {
	r.Helper()
	lines, err := steptest.Fingerprint(r.Context(), r.pool, schema, "")
	r.check(err)
	var definitions []string
	for _, line := range lines {
		if !strings.HasPrefix(line, "rows of ") {
			definitions = append(definitions, line)
		}
	}
	return definitions
}

// restart is a start of the first release while the others work: AutoMigrate finds nothing to change.
func (r *run) restart() {
	r.Helper()
	r.migratesNothing(gormint.Open, gormint.Migrate)
}

// nextRelease is the same for the release with uuids.
func (r *run) nextRelease() {
	r.Helper()
	r.migratesNothing(gormuuid.Open, gormuuid.Migrate)
}

func (r *run) migratesNothing(open func(string, bool) (*gorm.DB, error), migrate func(*gorm.DB) error) {
	r.Helper()
	db := r.gorm(open, false)
	watch := &changes{Interface: logger.New(log.New(io.Discard, "", 0), logger.Config{})}
	db.Logger = watch
	r.check(migrate(db))
	for _, sql := range watch.seen {
		r.Errorf("AutoMigrate: %s", sql)
	}
}

// changes collects the statements that change the catalogue.
type changes struct {
	logger.Interface
	seen []string
}

// LogMode implements logger.Interface.
func (c *changes) LogMode(logger.LogLevel) logger.Interface { return c }

// Trace implements logger.Interface.
func (c *changes) Trace(_ context.Context, _ time.Time, statement func() (string, int64), _ error) {
	sql, _ := statement()
	if word, _, _ := strings.Cut(sql, " "); word != "SELECT" {
		c.seen = append(c.seen, sql)
	}
}
