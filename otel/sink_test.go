package rekeyotel

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/problem"
)

const second = time.Second

// working are the first events of a run of two tables, which is still working.
func working() []event.Event {
	return []event.Event{
		event.RunStarted{Run: 7, Command: "up", Schema: "app", Tables: 2, Edges: 1, Rows: 300},                  // 0 s
		event.Environment{Program: "v1.2.3", Server: "18.4", Phase: "linked"},                                   // 1 s
		event.TableStarted{Table: "app.orders", Phase: "expanded", Rows: 200},                                   // 2 s
		event.LockRefused{Table: "app.orders", Attempts: 1, Blockers: []string{"pid 7"}, Pause: second},         // 3 s
		event.LockRefused{Table: "app.orders", Attempts: 2, Pause: second},                                      // 4 s
		event.LockRefused{Table: "app.orders", Attempts: 3, Pause: second},                                      // 5 s
		event.Locked{Table: "app.orders", Attempts: 4, Wait: 20 * time.Millisecond, Hold: 5 * time.Millisecond}, // 6 s
		event.StepDone{Step: "app.orders/add-column", Table: "app.orders", Elapsed: 4 * second},                 // 7 s
		event.Progress{Table: "app.orders", Done: 50, Total: 200},                                               // 8 s
		event.Throttled{Reason: "standby a lags 14s", Paused: true},                                             // 9 s
		event.Throttled{Reason: "standby a lags 15s", Paused: true},                                             // 10 s
		event.Load{WAL: 1 << 20, Lag: 15 * second, Waiting: 3, Batch: 40 * time.Millisecond},                    // 11 s
		event.Throttled{}, // 12 s
		event.Impact{Table: "app.orders", Commit: 2 * time.Millisecond, CommitIdle: time.Millisecond, Ratio: 2, Limit: 1.5, Workers: 1}, // 13 s
		event.Progress{Table: "app.orders", Done: 120, Total: 200},                                                                      // 14 s
	}
}

// ending are the last events of the same run.
func ending() []event.Event {
	return []event.Event{
		event.Progress{Table: "app.orders", Done: 30, Total: 80},                                                   // 15 s: a second backfill of the same table
		event.StepDone{Step: "app.orders/fill-column", Table: "app.orders", Elapsed: 8 * second},                   // 16 s
		event.StepDone{Step: "app.orders/build-index", Table: "app.orders", Already: true},                         // 17 s
		event.TableDone{Table: "app.orders", Phase: "expanded", Rows: 200, Elapsed: 16 * second},                   // 18 s
		event.TableStarted{Table: "app.orders.user_id", Edge: true, Phase: "linked"},                               // 19 s
		event.TableDone{Table: "app.users", Phase: "expanded", Rows: 60, Elapsed: 2 * second},                      // 20 s: without its start
		event.StepDone{Step: "app/record-version", Elapsed: second},                                                // 21 s
		event.Measured{Cost: event.Cost{WAL: 5000, Before: 100, After: 150}},                                       // 22 s
		event.Measured{Table: "app.orders", Cost: event.Cost{WAL: 1}},                                              // 23 s
		event.Result{OK: true, Command: "up", Schema: "app", Tables: 2, Rows: 265, Elapsed: 25 * second},           // 24 s
		event.Progress{Table: "app.orders", Done: 1000}, event.StepDone{Step: "late"}, event.Summary{Exit: 1}, nil, // after the end
	}
}

func TestRunIsATree(t *testing.T) {
	r := record(t, Options{})
	r.play(append(working(), ending()...)...)
	want := `rekey up 0s-24s command=up schema=app run=7 tables.planned=2 references.planned=1 keys.planned=0 rows.planned=300 program=v1.2.3 server=18.4 phase=linked wal.bytes=5000 size.before.bytes=100 size.after.bytes=150 rows=265 exit=0
  @9s paused
  @12s resumed
  table app.orders 2s-18s table=app.orders kind=table phase=expanded rows=200
    @3s lock refused lock.attempts=1 lock.blockers=1 lock.pause=1
    @4s lock refused lock.attempts=2 lock.blockers=0 lock.pause=1
    @6s locked lock.attempts=4 lock.wait=0.02 lock.hold=0.005
    add-column 3s-7s step=app.orders/add-column table=app.orders
    fill-column 8s-16s step=app.orders/fill-column table=app.orders
    build-index 17s-17s step=app.orders/build-index table=app.orders already=true
  table app.users 18s-20s table=app.users kind=table phase=expanded rows=60
  reference app.orders.user_id 19s-24s table=app.orders.user_id kind=reference phase=linked rows=0 unfinished=true
  record-version 20s-21s step=app/record-version
`
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(r.tree(), "\n")); diff != "" {
		t.Errorf("the trace differs (-want +got):\n%s", diff)
	}
}

func TestMetricsOfARun(t *testing.T) {
	r := record(t, Options{})
	r.play(working()...)
	counted := []string{
		"rekey.batch.duration: 1 values, sum 0.04 s",
		"rekey.lock.attempts: total 4 {attempt}",
		"rekey.lock.hold: 1 values, sum 0.005 s",
		"rekey.lock.wait: 1 values, sum 0.02 s",
		"rekey.locks.taken: total 1 {lock}",
		"rekey.rows.filled: total 120 {row}",
	}
	want := append(slices.Clone(counted),
		"rekey.batch.target: 0 s",
		"rekey.commit.idle.p95: 0.001 s",
		"rekey.commit.p95: 0.002 s",
		"rekey.duty.ratio: 0 ",
		"rekey.impact.limit.ratio: 1.5 ",
		"rekey.impact.ratio: 2 ",
		"rekey.replication.lag: 15 s",
		"rekey.rows.planned: 300 {row}",
		"rekey.run.active: 1 {run}",
		"rekey.run.paused: 0 {run}",
		"rekey.run.slowed: 0 {run}",
		"rekey.tables rekey.state=active: 1 {table}",
		"rekey.tables rekey.state=finished: 0 {table}",
		"rekey.tables rekey.state=pending: 2 {table}",
		"rekey.waiting.sessions: 3 {session}",
		"rekey.wal: 1.048576e+06 By/s",
		"rekey.workers: 1 {worker}",
	)
	slices.Sort(want)
	if diff := cmp.Diff(want, r.metrics(t)); diff != "" {
		t.Errorf("during the run the metrics differ (-want +got):\n%s", diff)
	}
	r.play(ending()[0])
	if got := r.metrics(t); !slices.Contains(got, "rekey.rows.filled: total 150 {row}") {
		t.Errorf("a second backfill of a table shows %q", got)
	}
	r.play(event.Throttled{Reason: "a file exists", Paused: true})
	if got := r.metrics(t); !slices.Contains(got, "rekey.run.paused: 1 {run}") {
		t.Errorf("a pause shows %q", got)
	}
	r.play(event.Throttled{Reason: "commits take 2 times as long"})
	if got := r.metrics(t); !slices.Contains(got, "rekey.run.paused: 0 {run}") || !slices.Contains(got, "rekey.run.slowed: 1 {run}") {
		t.Errorf("a slowdown shows %q", got)
	}
	r.play(ending()[1:]...)
	// After the end only totals remain.
	want = append(slices.Clone(counted[:5]), "rekey.rows.filled: total 265 {row}", "rekey.run.duration: 1 values, sum 25 s")
	if diff := cmp.Diff(want, r.metrics(t)); diff != "" {
		t.Errorf("after the run the metrics differ (-want +got):\n%s", diff)
	}
}

// What the probe measured during a table is no value of the next one. A table that counts fewer rows in the end takes none back.
func TestImpactEndsWithItsTable(t *testing.T) {
	r := record(t, Options{})
	r.play(append(working(), event.TableDone{Table: "app.orders"})...)
	for _, line := range r.metrics(t) {
		if strings.HasPrefix(line, "rekey.impact") || strings.HasPrefix(line, "rekey.workers") {
			t.Errorf("after the table: %s", line)
		}
	}
	if got := r.metrics(t); !slices.Contains(got, "rekey.rows.filled: total 120 {row}") {
		t.Errorf("%q", got)
	}
}

func TestFailedRunsHaveCodes(t *testing.T) {
	failed := event.Result{Command: "up", Schema: "app", Rows: 90, Elapsed: 3 * second, Exit: 1, Problems: problem.List{
		{Kind: problem.Stopped, Code: "lock_timeout", Table: "app.orders", SQLState: "55P03", Message: "secret"},
		{Kind: problem.Failed, Code: "other", Message: "secret"},
		{Kind: problem.Failed, Code: "lock_timeout", Message: "secret"},
		nil,
	}}
	for name, c := range map[string]struct {
		events []event.Event
		want   string
		lines  []string
	}{
		"refused before its start": {
			[]event.Event{failed},
			`rekey up -3s-0s Error:lock_timeout command=up schema=app rows=90 exit=1 error.type=lock_timeout problem.kind=stopped problem.codes=["lock_timeout","other"] db.response.status_code=55P03
`,
			[]string{"rekey.rows.filled: total 90 {row}", "rekey.run.duration error.type=lock_timeout: 1 values, sum 3 s"},
		},
		"in a table": {
			[]event.Event{event.RunStarted{Run: 1, Command: "up", Schema: "app"}, event.TableStarted{Table: "app.t", Key: true}, event.Progress{Table: "app.t", Done: 80}, failed},
			`rekey up 0s-3s Error:lock_timeout command=up schema=app run=1 tables.planned=0 references.planned=0 keys.planned=0 rows.planned=0 rows=90 exit=1 error.type=lock_timeout problem.kind=stopped problem.codes=["lock_timeout","other"] db.response.status_code=55P03
  key app.t 1s-3s Error:lock_timeout table=app.t kind=key phase= rows=80 unfinished=true
`,
			[]string{"rekey.rows.filled: total 90 {row}", "rekey.run.duration error.type=lock_timeout: 1 values, sum 3 s"},
		},
		"without a problem": {
			[]event.Event{event.Result{Schema: "app", Elapsed: -second}},
			`rekey 0s-0s Error:failed command= schema=app rows=0 exit=0 error.type=failed problem.kind=failed problem.codes=[]
`,
			[]string{"rekey.run.duration error.type=failed: 1 values, sum 0 s"},
		},
		"nothing to do": {
			[]event.Event{event.Result{OK: true, NothingToDo: true, Command: "down", Schema: "app"}},
			`rekey down 0s-0s command=down schema=app rows=0 exit=0 nothing_to_do=true
`,
			[]string{"rekey.run.duration: 1 values, sum 0 s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, Options{})
			r.play(c.events...)
			if diff := cmp.Diff(c.want, r.tree()); diff != "" {
				t.Errorf("the trace differs (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.lines, r.metrics(t)); diff != "" {
				t.Errorf("the metrics differ (-want +got):\n%s", diff)
			}
		})
	}
}

// Runs that follow each other share a sink, also after one that has reported no end.
func TestRunsFollowEachOther(t *testing.T) {
	r := record(t, Options{})
	for number := range 3 {
		r.play(event.RunStarted{Run: int64(number + 1), Command: "up", Schema: "app"}, event.TableStarted{Table: "app.t"})
		if number != 1 {
			r.play(event.Result{OK: true, Command: "up", Schema: "app"})
		}
	}
	var roots, others int
	for _, one := range r.traced.Ended() {
		if one.Parent().IsValid() {
			others++
		} else {
			roots++
		}
	}
	if roots != 3 || others != 3 || len(r.traced.Started()) != 6 {
		t.Errorf("%d runs and %d tables have ended:\n%s", roots, others, r.tree())
	}
	for _, line := range r.metrics(t) {
		if strings.HasPrefix(line, "rekey.run.active") {
			t.Errorf("after the last run: %s", line)
		}
	}
}

func TestNextReceivesEveryEvent(t *testing.T) {
	var received []string
	r := record(t, Options{Next: func(e event.Event) { received = append(received, fmt.Sprintf("%T", e)) }})
	events := append(working(), ending()...)
	r.play(events...)
	var want []string
	for _, e := range events {
		want = append(want, fmt.Sprintf("%T", e))
	}
	if diff := cmp.Diff(want, received); diff != "" {
		t.Error(diff)
	}
}
