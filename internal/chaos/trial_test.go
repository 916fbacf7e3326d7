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

// applicationName is rekey's, on the server.
const applicationName = "rekey"

// mostFaults is how many faults one trial takes; the rest of the deck goes on in the next.
const mostFaults = 12

// mostTries is how often a run is begun once nothing disturbs it any more.
const mostTries = 4

// hangs is after what time a run, or what else must happen, counts as what never does.
const hangs = 6 * time.Minute

// trial is one database on which rekey is brought to its end, whatever happens.
type trial struct {
	testing.TB
	crashes
	house     *house
	number    int
	began     time.Time
	seed      uint64
	database  string
	proxy     *proxy
	stage     *stage
	deck      *deck
	tally     *tally
	writers   []*writer
	gates     map[string]*sync.RWMutex // TRUNCATE closes one
	lasting   lasting                  // faults that are not over
	struck    atomic.Int64
	writeNull atomic.Bool
	wrote     atomic.Int64
	lost      atomic.Int64 // when a run was last parted from its server, in Unix nanoseconds
	nothing   bool         // the last run had nothing left to do
	ended     func()       // asked before the proof; may be nil
}

func newTrial(t testing.TB, h *house, d *deck, c *tally, seed uint64, number int) *trial {
	t.Helper()
	p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", h.cluster.Port()))
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{TB: t, house: h, number: number, began: time.Now(), seed: seed, database: h.copy(database(number)), proxy: p, stage: newStage(), deck: d, tally: c}
	tr.gates = map[string]*sync.RWMutex{}
	for _, table := range tables() {
		tr.gates[table] = &sync.RWMutex{}
	}
	for n := range writers {
		tr.writers = append(tr.writers, newWriter(tr, int64(n)))
	}
	return tr
}

// fault is a failure of the test, told with the trial.
func (t *trial) fault(format string, args ...any) {
	t.Helper()
	t.Errorf("trial %d: %s", t.number, fmt.Sprintf(format, args...))
}

// told is a line of the trial's story, for whoever looks.
func (t *trial) told(format string, args ...any) {
	t.Helper()
	t.Logf("trial %d, %.1f s: %s", t.number, time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}

// run goes through the trial: faults while rekey is at work, until a run ends well, and then the proof.
func (t *trial) run() {
	t.Helper()
	writing, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, w := range t.writers {
		all.Go(func() { w.write(writing) })
	}
	striking, cease := context.WithCancel(context.Background())
	all.Go(func() { t.strikes(striking) })
	done := t.tries()
	cease()
	stop()
	t.lasting.Wait()
	all.Wait()
	t.proxy.close()
	t.tally.add(func() { t.tally.trials++; t.tally.writes += t.wrote.Load() })
	if done && !t.Failed() {
		if t.ended != nil {
			t.ended()
		}
		t.prove()
	}
	if !t.Failed() {
		t.house.drop(t.database)
	}
}

// strikes lets the faults of the deck happen, one after the other.
func (t *trial) strikes(ctx context.Context) {
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
		t.lasting.now.Add(1)
		struck := t.strike(ctx, f, p)
		t.lasting.now.Add(-1)
		if !struck {
			t.deck.back(f)
			continue
		}
		t.tally.add(func() { t.tally.faults[f.kind]++ })
		t.told("%s, last at %s", f, where)
	}
}

// tries begins runs until one ends well.
func (t *trial) tries() bool {
	for undisturbed := 0; undisturbed < mostTries; {
		p, err := begin(t.order(), t.stage.saw)
		if err != nil {
			t.fault("%v", err)
			return false
		}
		t.tally.add(func() { t.tally.runs++ })
		before, calm := t.struck.Load(), t.lasting.none()
		t.stage.enter(p)
		select {
		case <-p.done:
		case <-p.suspended: // another takes over
			continue
		case <-p.stuck(hangs):
			t.fault("a run got no further for %s; it was last at %s\n%s", hangs, p.where(), t.sessions())
			_ = p.signal(syscall.SIGQUIT) // its goroutines are told
			<-p.done
			t.closed(p)
			return false
		}
		switch r := t.closed(p); {
		case t.Failed():
			return false
		case r == nil: // killed
		case r.OK:
			t.told("a run ended well")
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
		t.back()
	}
	t.fault("%d runs in a row that nothing disturbed did not end well", mostTries)
	return false
}

// back waits until the server has recovered.
func (t *trial) back() {
	if conn := t.session(context.Background()); conn != nil {
		_ = conn.Close(context.Background())
	}
}

// exitRunning is the exit code of a run that another one keeps away.
const exitRunning = 5

// closed looks at how a process ended.
func (t *trial) closed(p *process) *happened {
	if err := p.fault(); err != nil {
		t.fault("%v", err)
	}
	if p.result == nil {
		return nil
	}
	if !p.result.OK && p.result.Exit != exitRunning {
		t.told("a run ended: %s", p.result)
	}
	for _, problem := range p.result.Problems {
		switch {
		case problem.Kind == "refused", problem.Kind == "differs", problem.Kind == "usage":
			t.fault("a run was refused: %s", p.result)
		case problem.Code == "update_swallowed", problem.Code == "new_duplicates", problem.Code == "index_invalid":
			t.fault("a run failed for no reason: %s", p.result)
		case strings.Contains(problem.Detail, "again and again"):
			t.fault("a run went round in circles: %s", p.result)
		}
	}
	return p.result
}

const sessionsSQL = `SELECT coalesce(string_agg(format('%s %s %s %s %s blocked by %s: %s', pid, application_name, state, wait_event,
	age(clock_timestamp(), xact_start), pg_blocking_pids(pid), left(query, 120)), E'\n' ORDER BY pid), '')
	FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`

// sessions tells what the server's sessions are at.
func (t *trial) sessions() (text string) {
	t.house.with(t.database, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sessionsSQL, pgx.QueryExecModeExec).Scan(&text)
	})
	return text
}

// order lets two workers fill in one trial and, in the long form, one that rests a lot in the next.
func (t *trial) order() order {
	paces := []string{"gentle", "normal"}
	if !t.deck.long {
		paces[0] = "normal"
	}
	return order{
		URL:  fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&application_name=%s", t.proxy.listener.Addr(), t.database, applicationName),
		Pace: paces[t.number%2], Batch: 20 * time.Millisecond,
	}
}

// lasting are the faults that go on by themselves.
type lasting struct {
	sync.WaitGroup
	now atomic.Int64
}

func (l *lasting) begin(fault func()) {
	l.now.Add(1)
	l.Go(func() {
		defer l.now.Add(-1)
		fault()
	})
}

func (l *lasting) none() bool { return l.now.Load() == 0 }

// detailed writes an error of the server with what else it said: of a deadlock, who took part.
func detailed(err error) error {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return fmt.Errorf("%w, %s %s", err, refusal.Detail, refusal.Hint)
	}
	return err
}
