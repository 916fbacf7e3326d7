//go:build unix

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
)

// shortSwitchFaults is the number of faults in the short form, for switch, its way back and contract together.
const shortSwitchFaults = 3

// TestChaosSwitch completes switch, its way back and contract under faults, with both applications at work. At no time a
// reference is without a valid foreign key.
func TestChaosSwitch(t *testing.T) {
	t.Parallel()
	seed, faults := fromEnvironment(t)
	each(t, 1, func(t *testing.T, major int) {
		s := newSwitchTrial(t, major, seed)
		started := time.Now()
		s.each = shortSwitchFaults / 3
		if faults > 0 {
			s.each, s.every = faults, true
		}
		s.run()
		result := "ok"
		if t.Failed() {
			result = "FAILED"
		}
		f := s.traffic.Figures()
		t.Logf("chaos of switch: seed %d, PostgreSQL %d, %d runs, %v, %d transactions by integers, %d by uuids, %d looks at the foreign keys, %.0f s: %s",
			seed, major, s.runs, s.faults, f.Integers, f.UUIDs, s.checks, time.Since(started).Seconds(), result)
	})
}

// switchTrial is a linkTrial whose graph is linked already.
type switchTrial struct {
	*linkTrial
	each      int // faults in each direction
	linked    []string
	switched  []string
	contracts []string
	checks    int // at the foreign keys
}

func newSwitchTrial(t *testing.T, major int, seed uint64) *switchTrial {
	t.Helper()
	h := startEmpty(t, major, nil)
	g := apps.Shop("Two Keys", 60)
	g.Tables = g.Tables[:3] // they have a cycle, a reference of a table to itself, and two references to one table
	h.execute(seedDatabase, g.SQL())
	h.complete(request{URL: h.cluster.URL(seedDatabase), Pace: "full", Schema: g.Schema, To: rekey.Linked})
	s := &switchTrial{}
	name := h.copy("undisturbed")
	s.linked = h.phase(name, g.Schema)
	h.complete(request{URL: h.cluster.URL(name), Pace: "full", Schema: g.Schema, To: rekey.Switched})
	s.switched = h.phase(name, g.Schema)
	h.complete(request{URL: h.cluster.URL(name), Pace: "full", Schema: g.Schema, To: rekey.Contracted})
	s.contracts = h.phase(name, g.Schema)
	h.drop(name)
	p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", h.cluster.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	tr := &trial{TB: t, server: h, number: 1, started: time.Now(), seed: seed, database: h.copy("switched"), proxy: p, stage: newStage(), deck: &deck{}}
	s.linkTrial = &linkTrial{trial: tr, graph: g, random: rand.New(rand.NewPCG(seed, uint64(major))), faults: map[kind]int{}}
	return s
}

var switchTime = regexp.MustCompile(`(?i)"switched":\s*"[^"]*"`)

// phase returns the fingerprint of a schema without its rows and the time of the switch.
func (h *testServer) phase(database, schema string) []string {
	lines := h.catalogue(database, schema)
	for i, line := range lines {
		lines[i] = switchTime.ReplaceAllString(line, "")
	}
	return lines
}

func (s *switchTrial) run() {
	s.Helper()
	var err error
	s.traffic, err = apps.Start(context.Background(), apps.Options{
		URL: s.server.cluster.URL(s.database), Graph: s.graph, Seed: s.seed, Lossy: true, Pause: 10 * time.Millisecond,
	})
	if err != nil {
		s.Fatal(err)
	}
	s.traffic.Filled()
	defer s.traffic.Stop()
	defer s.watchForeignKeys()()
	for _, way := range []struct {
		name   string
		order  request
		faults int
		want   []string
	}{
		{"switch", request{To: rekey.Switched}, s.each, s.switched},
		{"the way back", request{To: rekey.Linked, Down: true}, s.each, s.linked},
		{"another switch", request{To: rekey.Switched}, 0, s.switched},
	} {
		s.left = way.faults
		if !s.untilDone(way.order) {
			return
		}
		s.same(way.name, way.want)
		s.compare(true)
	}
	s.traffic.RetireIntegers()
	s.left = s.each
	if !s.untilDone(request{To: rekey.Contracted}) {
		return
	}
	s.same("contract", s.contracts)
	s.traffic.Stop()
	s.compareUUIDs()
}

func (s *switchTrial) same(way string, want []string) {
	s.Helper()
	s.reachedAs(way, want, s.server.phase(s.database, s.graph.Schema))
}

// compareUUIDs checks every row by the uuids, after the integers have ended.
func (s *switchTrial) compareUUIDs() {
	s.Helper()
	if f := s.traffic.Figures(); f.Failed > 0 || f.Wrong > 0 {
		s.fault("%s: %q", f, f.Errors)
	}
	s.server.with(s.database, func(ctx context.Context, conn *pgx.Conn) error {
		found, err := s.traffic.CheckUUIDs(ctx, conn)
		for _, one := range found[:min(len(found), 5)] {
			s.fault("%s", one)
		}
		return err
	})
}

// unguardedSQL returns the columns of references that exist and have no valid foreign key.
const unguardedSQL = `SELECT coalesce(string_agg(c.relname || '.' || a.attname, ', '), '')
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
	WHERE c.relkind = 'r' AND c.relnamespace = to_regnamespace($1) AND a.attname = ANY ($2) AND NOT EXISTS (
		SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.convalidated AND a.attnum = ANY (f.conkey)
			AND (SELECT count(*) FROM pg_trigger t WHERE t.tgconstraint = f.oid AND t.tgenabled = 'O') = 4)`

// watchForeignKeys reads the foreign keys until the returned function is called, and reports a reference without a valid one.
func (s *switchTrial) watchForeignKeys() (stop func()) {
	var columns []string
	for _, t := range s.graph.Tables {
		for _, e := range t.Edges {
			columns = append(columns, e.Column, e.UUID())
		}
	}
	schema := `"` + strings.ReplaceAll(s.graph.Schema, `"`, `""`) + `"`
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		var conn *pgx.Conn
		for ctx.Err() == nil {
			if conn == nil || conn.IsClosed() {
				if conn = s.session(ctx); conn == nil {
					return
				}
				defer conn.Close(context.Background())
			}
			var bare string
			err := conn.QueryRow(ctx, unguardedSQL, pgx.QueryExecModeExec, schema, columns).Scan(&bare)
			switch {
			case bare != "":
				s.fault("no valid foreign key on %s", bare)
				return
			case err == nil:
				s.checks++
			case !lost(err) && ctx.Err() == nil:
				s.fault("reading the foreign keys: %v", err)
				return
			}
			pause(ctx, 3*time.Millisecond)
		}
	})
	return func() { cancel(); all.Wait() }
}
