package servertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rekey-pg/rekey/internal/server"
)

// startTimeout limits the start of a server, including the download of its package.
const startTimeout = 5 * time.Minute

// clusters are the servers of one test process.
type clusters struct {
	mu       sync.Mutex
	started  map[int]*start
	template map[templateKey]*template
	keepers  map[*server.Cluster]*keeper
	kept     []string // databases of failed tests
}

// start is a server that is started once, by the first test that needs it.
type start struct {
	once    sync.Once
	cluster *server.Cluster
	err     error
}

// shared belongs to the test process, as its servers do: tests have no other common owner.
//
//nolint:gochecknoglobals // see above
var shared = clusters{
	started: map[int]*start{}, template: map[templateKey]*template{}, keepers: map[*server.Cluster]*keeper{},
}

// Each runs the test for each of Versions, as a subtest pg13, pg15 … on this process's server of that version. Tests
// share the server, so they work in databases of their own. A test that changes or kills the server starts its own
// with server.Start.
func Each(t *testing.T, test func(t *testing.T, c *server.Cluster)) {
	t.Helper()
	on(t, Versions(t), test)
}

// OldestAndNewest is Each for the oldest and the newest version only, unless REKEY_PG_VERSIONS is set. It is for slow
// tests that gave the same results on all versions.
func OldestAndNewest(t *testing.T, test func(t *testing.T, c *server.Cluster)) {
	t.Helper()
	on(t, Ends(t), test)
}

// Ends returns the versions on which OldestAndNewest runs a test.
func Ends(t testing.TB) []int {
	t.Helper()
	return slices.DeleteFunc(Versions(t), func(major int) bool { return !end(t, major) })
}

// IsNewest reports whether Newest would run a test on the server.
func IsNewest(t testing.TB, c *server.Cluster) bool {
	t.Helper()
	majors := Versions(t)
	return os.Getenv("REKEY_PG_VERSIONS") != "" || c.Major == majors[len(majors)-1]
}

// Newest is Each for the newest version only, unless REKEY_PG_VERSIONS is set. It is for slow tests of what depends on no version.
func Newest(t *testing.T, test func(t *testing.T, c *server.Cluster)) {
	t.Helper()
	majors := Versions(t)
	if os.Getenv("REKEY_PG_VERSIONS") == "" {
		majors = majors[len(majors)-1:]
	}
	on(t, majors, test)
}

// IsOldestOrNewest reports whether OldestAndNewest would run a test on the server.
func IsOldestOrNewest(t testing.TB, c *server.Cluster) bool {
	t.Helper()
	return end(t, c.Major)
}

func end(t testing.TB, major int) bool {
	t.Helper()
	majors := Versions(t)
	return os.Getenv("REKEY_PG_VERSIONS") != "" || major == majors[0] || major == majors[len(majors)-1]
}

func on(t *testing.T, majors []int, test func(t *testing.T, c *server.Cluster)) {
	t.Helper()
	for _, major := range majors {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) {
			test(t, Cluster(t, major))
		})
	}
}

// Cluster returns this process's server of the major version.
func Cluster(t testing.TB, major int) *server.Cluster {
	t.Helper()
	shared.mu.Lock()
	entry := shared.started[major]
	if entry == nil {
		entry = &start{}
		shared.started[major] = entry
	}
	shared.mu.Unlock()
	entry.once.Do(func() { entry.cluster, entry.err = begin(major) })
	if entry.err != nil {
		t.Fatal(explain(entry.err))
	}
	return entry.cluster
}

func begin(major int) (*server.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	installation, err := server.Find(ctx, major)
	if err != nil {
		return nil, err
	}
	return server.Start(ctx, installation, server.Options{Memory: true, Settings: map[string]string{
		"wal_level":                 "logical", // for publications, subscriptions and slots
		"max_prepared_transactions": "8",
		"max_connections":           "200", // tests that run in parallel, more than the machine has processors
		// Autovacuum does not run during tests: its snapshots keep dead rows, and its statistics change plans. Tests
		// of autovacuum start servers of their own.
		"autovacuum_naptime": "1d",
	}})
}

// stop stops the servers that were started.
func (s *clusters) stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all error
	for _, entry := range s.started {
		if entry.cluster != nil {
			all = errors.Join(all, entry.cluster.Stop(ctx))
		}
	}
	return all
}
