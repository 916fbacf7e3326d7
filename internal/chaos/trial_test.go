//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// applicationName is the application_name of rekey's sessions.
const applicationName = "rekey"

// mostFaults is the number of faults in one trial. The rest of the deck is used in the next.
const mostFaults = 12

// mostTries is the number of undisturbed runs after which the trial fails.
const mostTries = 4

// timeout is the time after which a run, or anything else that must happen, counts as hanging.
const timeout = 6 * time.Minute

// trial is one database on which runs of rekey must complete in spite of faults.
type trial struct {
	testing.TB
	crashes
	server     *testServer
	number     int
	started    time.Time
	seed       uint64
	database   string
	proxy      *proxy
	stage      *stage
	deck       *deck
	counts     *counts
	writers    []*writer
	gates      map[string]*sync.RWMutex // TRUNCATE locks one
	background background               // faults in progress
	struck     atomic.Int64
	writeNull  atomic.Bool
	wrote      atomic.Int64
	lost       atomic.Int64 // last time at which a run lost its server, in Unix nanoseconds
	nothing    bool         // the last run had nothing to do
	ended      func()       // called before the checks; may be nil
}

func newTrial(t testing.TB, h *testServer, d *deck, c *counts, seed uint64, number int) *trial {
	t.Helper()
	p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", h.cluster.Port()))
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{TB: t, server: h, number: number, started: time.Now(), seed: seed, database: h.copy(database(number)), proxy: p, stage: newStage(), deck: d, counts: c}
	tr.gates = map[string]*sync.RWMutex{}
	for _, table := range tables() {
		tr.gates[table] = &sync.RWMutex{}
	}
	for n := range writers {
		tr.writers = append(tr.writers, newWriter(tr, int64(n)))
	}
	return tr
}

// fault reports a failure with the trial's number.
func (t *trial) fault(format string, args ...any) {
	t.Helper()
	t.Errorf("trial %d: %s", t.number, fmt.Sprintf(format, args...))
}

// log logs an event of the trial.
func (t *trial) log(format string, args ...any) {
	t.Helper()
	t.Logf("trial %d, %.1f s: %s", t.number, time.Since(t.started).Seconds(), fmt.Sprintf(format, args...))
}

// run runs the trial: faults while rekey is at work, until a run succeeds, and then the checks.
func (t *trial) run() {
	t.Helper()
	writing, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, w := range t.writers {
		all.Go(func() { w.write(writing) })
	}
	striking, cease := context.WithCancel(context.Background())
	all.Go(func() { t.faults(striking) })
	done := t.runUntilDone()
	cease()
	stop()
	t.background.Wait()
	all.Wait()
	t.proxy.close()
	t.counts.add(func() { t.counts.trials++; t.counts.writes += t.wrote.Load() })
	if done && !t.Failed() {
		if t.ended != nil {
			t.ended()
		}
		t.check()
	}
	if !t.Failed() {
		t.server.drop(t.database)
	}
}

// faults makes the faults of the deck happen, one after the other.
func (t *trial) faults(ctx context.Context) {
	for range mostFaults {
		f, ok := t.deck.draw()
		if !ok {
			return
		}
		p := t.stage.await(ctx, f)
		if p == nil {
			t.deck.back(f)
			return
		}
		where := p.where()
		t.struck.Add(1)
		t.background.now.Add(1)
		struck := t.strike(ctx, f, p)
		t.background.now.Add(-1)
		if !struck {
			t.deck.back(f)
			continue
		}
		t.counts.add(func() { t.counts.faults[f.kind]++ })
		t.log("%s, last at %s", f, where)
	}
}

// runUntilDone starts runs until one succeeds.
func (t *trial) runUntilDone() bool {
	for undisturbed := 0; undisturbed < mostTries; {
		p, err := begin(t.request(), t.stage.saw)
		if err != nil {
			t.fault("%v", err)
			return false
		}
		t.counts.add(func() { t.counts.runs++ })
		before, calm := t.struck.Load(), t.background.none()
		t.stage.enter(p)
		select {
		case <-p.done:
		case <-p.suspended: // another process takes over
			continue
		case <-p.stuck(timeout):
			t.fault("a run made no progress for %s; its last step was %s\n%s", timeout, p.where(), t.sessions())
			_ = p.signal(syscall.SIGQUIT) // it prints its goroutines
			<-p.done
			t.checkEnd(p)
			return false
		}
		switch r := t.checkEnd(p); {
		case t.Failed():
			return false
		case r == nil: // killed
		case r.OK:
			t.log("a run succeeded")
			t.nothing = r.Nothing
			return true
		case r.Exit == exitRunning:
			time.Sleep(time.Second)
			continue
		}
		if undisturbed++; !calm || t.struck.Load() > before {
			undisturbed = 0
		}
		time.Sleep(500 * time.Millisecond)
		t.waitRecovered()
	}
	t.fault("%d undisturbed runs in a row failed", mostTries)
	return false
}

// waitRecovered waits until the server has recovered.
func (t *trial) waitRecovered() {
	if conn := t.session(context.Background()); conn != nil {
		_ = conn.Close(context.Background())
	}
}

// exitRunning is the exit code of a run that another run prevents.
const exitRunning = 5

// checkEnd checks how a process ended and returns its result.
func (t *trial) checkEnd(p *process) *eventLine {
	if err := p.fault(); err != nil {
		t.fault("%v", err)
	}
	if p.result == nil {
		return nil
	}
	if !p.result.OK && p.result.Exit != exitRunning {
		t.log("a run failed: %s", p.result)
	}
	for _, problem := range p.result.Problems {
		switch {
		case problem.Kind == "refused", problem.Kind == "differs", problem.Kind == "usage":
			t.fault("a run was refused: %s", p.result)
		case problem.Code == "update_suppressed", problem.Code == "new_duplicates", problem.Code == "index_invalid":
			t.fault("a run failed for no reason: %s", p.result)
		case strings.Contains(problem.Detail, "again and again"):
			t.fault("a run repeated itself: %s", p.result)
		}
	}
	return p.result
}

const sessionsSQL = `SELECT coalesce(string_agg(format('%s %s %s %s %s blocked by %s: %s', pid, application_name, state, wait_event,
	age(clock_timestamp(), xact_start), pg_blocking_pids(pid), left(query, 120)), E'\n' ORDER BY pid), '')
	FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

// sessions describes the activity of the server's sessions.
func (t *trial) sessions() (text string) {
	t.server.with(t.database, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sessionsSQL, pgx.QueryExecModeExec).Scan(&text)
	})
	return text
}

// request alternates between full pace and, in the long form, a gentle pace.
func (t *trial) request() request {
	paces := []string{"gentle", "normal"}
	if !t.deck.long {
		paces[0] = "normal"
	}
	return request{
		URL:  fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&application_name=%s", t.proxy.listener.Addr(), t.database, applicationName),
		Pace: paces[t.number%2], Batch: 20 * time.Millisecond,
	}
}

// background runs the faults in progress.
type background struct {
	sync.WaitGroup
	now atomic.Int64
}

func (l *background) begin(fault func()) {
	l.now.Add(1)
	l.Go(func() {
		defer l.now.Add(-1)
		fault()
	})
}

func (l *background) none() bool { return l.now.Load() == 0 }

// detailed adds the detail and the hint to an error of the server, such as the participants of a deadlock.
func detailed(err error) error {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%w, %s %s", err, refusal.Detail, refusal.Hint)
	}
	return err
}
