//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/fixture/apps"
	"github.com/rekey-pg/rekey/internal/step/steptest"
)

// linkTrial is a graph of tables that rekey links, and returns from, under faults. Two applications work on it: one knows
// only integers, one only uuids.
type linkTrial struct {
	*trial
	graph   apps.Graph
	traffic *apps.Traffic
	random  *rand.Rand
	left    int  // faults that remain
	every   bool // kill every run before one of its next four statements, until it is done
	runs    int
	faults  map[kind]int
}

// shortLinkFaults is the number of faults in the short form, for link and its way back together.
const shortLinkFaults = 10

// TestChaosLink completes link and its way back under faults. rekey, a backend or the server is killed, or the network is
// cut, while a statement runs.
func TestChaosLink(t *testing.T) {
	t.Parallel()
	seed, faults := fromEnvironment(t)
	each(t, 0, func(t *testing.T, major int) {
		l := newLinkTrial(t, major, seed)
		if l.left = shortLinkFaults; faults > 0 {
			l.left, l.every = faults, true
		}
		started := time.Now()
		l.run()
		result := "ok"
		if t.Failed() {
			result = "FAILED"
		}
		f := l.traffic.Figures()
		t.Logf("chaos of link: seed %d, PostgreSQL %d, %d runs, %v, %d transactions by integers, %d by uuids, %.0f s: %s",
			seed, major, l.runs, l.faults, f.Integers, f.UUIDs, time.Since(started).Seconds(), result)
	})
}

func newLinkTrial(t *testing.T, major int, seed uint64) *linkTrial {
	t.Helper()
	h := startEmpty(t, major, nil)
	g := apps.Shop("Two Keys", 150)
	h.execute(seedDatabase, g.SQL())
	h.complete(request{URL: h.cluster.URL(seedDatabase), Pace: "full", Schema: g.Schema, To: rekey.Expanded})
	name := h.copy("undisturbed")
	h.complete(request{URL: h.cluster.URL(name), Pace: "full", Schema: g.Schema, To: rekey.Linked})
	h.undisturbed = h.catalogue(name, g.Schema)
	h.drop(name)
	p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", h.cluster.Port()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	tr := &trial{TB: t, server: h, number: 1, started: time.Now(), seed: seed, database: h.copy("linked"), proxy: p, stage: newStage(), deck: &deck{}}
	return &linkTrial{trial: tr, graph: g, random: rand.New(rand.NewPCG(seed, uint64(major))), faults: map[kind]int{}}
}

// complete runs rekey without faults.
func (h *testServer) complete(o request) {
	h.t.Helper()
	p, err := begin(o, func(eventLine) {})
	if err != nil {
		h.t.Fatal(err)
	}
	<-p.done
	if p.result == nil || !p.result.OK {
		h.t.Fatalf("an undisturbed run to %s: %v %v", o.To, p.result, p.fault())
	}
}

// catalogue returns the fingerprint of a schema without its rows.
func (h *testServer) catalogue(database, schema string) (lines []string) {
	h.t.Helper()
	h.with(database, func(ctx context.Context, conn *pgx.Conn) (err error) {
		lines, err = steptest.Fingerprint(ctx, conn, schema, "uuid")
		return err
	})
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "rows of ") })
}

func (l *linkTrial) run() {
	l.Helper()
	expanded := l.server.catalogue(l.database, l.graph.Schema)
	var err error
	l.traffic, err = apps.Start(context.Background(), apps.Options{
		URL: l.server.cluster.URL(l.database), Graph: l.graph, Seed: l.seed, Lossy: true, Pause: 10 * time.Millisecond,
	})
	if err != nil {
		l.Fatal(err)
	}
	defer l.traffic.Stop()
	back := l.left / 2
	l.left -= back
	if !l.untilDone(request{To: rekey.Linked}) {
		return
	}
	l.traffic.Filled()
	l.reached("up", l.server.undisturbed)
	before := l.traffic.Figures().UUIDs
	l.server.waitFor(func() bool { return l.traffic.Figures().UUIDs > before+50 })
	l.traffic.RetireUUIDs()
	l.compare(true)
	l.left = back
	if !l.untilDone(request{To: rekey.Expanded, Down: true}) {
		return
	}
	l.reached("down", expanded)
	l.traffic.Stop()
	l.compare(false)
}

// waitFor waits until a condition holds.
func (h *testServer) waitFor(holds func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(timeout); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatal("the applications do not work")
		}
	}
}

func (l *linkTrial) reached(direction string, want []string) {
	l.Helper()
	l.reachedAs(direction, want, l.server.catalogue(l.database, l.graph.Schema))
}

func (l *linkTrial) reachedAs(direction string, want, got []string) {
	l.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		l.fault("the catalogue after %s differs from the one of an undisturbed run (-want +got)\n%s", direction, diff)
	}
}

// compare checks both keys of every row, and every row against the applications' record.
func (l *linkTrial) compare(linked bool) {
	l.Helper()
	if f := l.traffic.Figures(); f.Failed > 0 || f.Wrong > 0 {
		l.fault("%s: %q", f, f.Errors)
	}
	l.traffic.Pause(func() {
		l.server.with(l.database, func(ctx context.Context, conn *pgx.Conn) error {
			found, err := l.traffic.Check(ctx, conn, linked)
			for _, one := range found[:min(len(found), 5)] {
				l.fault("%s", one)
			}
			if err != nil || !linked {
				return err
			}
			proofs, err := apps.Prove(ctx, conn, l.graph)
			if bad, rows := apps.Bad(proofs); len(bad) > 0 {
				l.fault("of %d rows: %+v", rows, bad)
			}
			return err
		})
	})
}

// untilDone starts runs until one succeeds, each with one fault as long as faults remain.
func (l *linkTrial) untilDone(o request) bool {
	o.URL = fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&application_name=%s", l.proxy.listener.Addr(), l.database, applicationName)
	o.Schema, o.Pace, o.Batch = l.graph.Schema, "normal", 20*time.Millisecond
	for undisturbed := 0; undisturbed < mostTries; {
		l.runs++
		disturbed := l.left > 0
		p, err := l.disturb(o)
		if err != nil {
			l.fault("%v", err)
			return false
		}
		l.background.Wait()
		r := l.checkEnd(p)
		if l.Failed() {
			return false
		}
		if r != nil && r.OK {
			return true
		}
		if !disturbed {
			undisturbed++
		}
		l.expireLease()
	}
	l.fault("%d undisturbed runs in a row failed", mostTries)
	return false
}

// expireLease makes the next run start at once, also after a server that is about to crash accepted a connection.
func (l *linkTrial) expireLease() {
	for err := errors.New("not yet"); err != nil; {
		conn := l.session(context.Background())
		if conn == nil {
			l.fault("the server does not recover")
			return
		}
		_, err = conn.Exec(context.Background(), "UPDATE rekey.leases SET heartbeat = heartbeat - interval '1 hour'", pgx.QueryExecModeExec)
		_ = conn.Close(context.Background())
	}
}

// disturb starts a run, makes a fault happen at one of its next statements, and waits for its end. The run executes at
// least one statement first, so that runs make progress.
func (l *linkTrial) disturb(o request) (*process, error) {
	at, f := 2+l.random.IntN(4), fault{kind: l.kind(), duration: 400 * time.Millisecond, random: l.random}
	if l.every { // a change of several statements is undone when one of them is interrupted
		at = 2 + l.runs%4
	}
	if l.left == 0 {
		at = 0
	}
	seen, last := 0, ""
	strikes := make(chan struct{}, 1)
	p, err := begin(o, func(e eventLine) {
		if e.Event == "executing" && e.SQL != last { // another attempt to get the lock is no other statement
			last = e.SQL
			if seen++; seen == at || l.every && at > 0 && seen > at {
				select {
				case strikes <- struct{}{}:
				default:
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for struck := false; !struck || l.every && f.kind != killRun && l.left > 0; struck = true {
		select {
		case <-p.done:
			return p, nil
		case <-strikes:
		}
		if struck { // the run survived
			f.kind = killRun
		}
		l.left--
		l.strike(context.Background(), f, p)
		l.faults[f.kind]++
		l.log("%s at %s", f.kind, p.where())
	}
	if !p.waitEnd(timeout) {
		l.fault("a run made no progress for %s after %s; its last step was %s\n%s", timeout, f.kind, p.where(), l.sessions())
		p.kill()
		<-p.done
	}
	return p, nil
}

// kind draws a fault: every third is one that a run may survive, the others kill rekey.
func (l *linkTrial) kind() kind {
	if l.runs%3 > 0 {
		return killRun
	}
	return []kind{endBackend, crashBackend, killServer, cutNetwork}[l.random.IntN(4)]
}
