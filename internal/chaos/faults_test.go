//go:build unix

package chaos

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// strike makes a fault happen to a running process and reports whether it did: the process may have ended before.
// Faults that last continue in the background, and the trial waits for them.
func (t *trial) strike(ctx context.Context, f fault, p *process) bool {
	if slices.Contains(unattended(t.server.cluster.Major), f.kind) {
		t.lost.Store(time.Now().UnixNano())
	}
	switch f.kind {
	case killRun:
		p.kill()
		return true
	case suspendRun:
		return t.suspend(ctx, f, p)
	case endBackend, crashBackend:
		return t.backend(ctx, f)
	case killServer:
		t.restart(f)
		return true
	case cutNetwork:
		t.later(ctx, f.duration/4, t.proxy.cut())
	case pullCable:
		t.later(ctx, f.duration/4, t.proxy.vanish())
	case stallNetwork:
		t.later(ctx, f.duration, t.proxy.stall())
	case stormLocks:
		t.storm(ctx, f)
	case longSnapshot:
		t.background.begin(func() { t.snapshot(ctx, 2*f.duration) })
	case vacuumFull:
		t.background.begin(func() { t.rewrite(ctx, f) })
	case truncate:
		t.background.begin(t.truncate)
	case explicitNull:
		t.writeNull.Store(true)
		t.later(ctx, f.duration, func() { t.writeNull.Store(false) })
	}
	return true
}

// later ends a fault after a duration, or when the trial's faults end.
func (t *trial) later(ctx context.Context, duration time.Duration, end func()) {
	t.background.begin(func() {
		pause(ctx, duration)
		end()
	})
}

func pause(ctx context.Context, duration time.Duration) {
	select {
	case <-time.After(duration):
	case <-ctx.Done():
	}
}

// suspend stops a process. Another run takes over after the lease expires, and then the first process is resumed.
func (t *trial) suspend(ctx context.Context, f fault, p *process) bool {
	if p.signal(syscall.SIGSTOP) != nil {
		return false
	}
	close(p.suspended)
	t.background.begin(func() {
		for other := p; other == p; {
			if other = t.stage.working(ctx); other == p {
				pause(ctx, 20*time.Millisecond)
			}
		}
		pause(ctx, f.duration)
		err := p.signal(syscall.SIGCONT) // a process that ended before it was stopped cannot be resumed
		if err != nil && !errors.Is(err, os.ErrProcessDone) || !p.waitEnd(timeout) {
			t.fault("a run that was resumed after another took over did not end")
			p.kill()
			<-p.done
		}
		t.checkEnd(p)
	})
	return true
}

// backend terminates or kills one of rekey's sessions.
func (t *trial) backend(ctx context.Context, f fault) bool {
	conn := t.session(ctx)
	if conn == nil {
		return false
	}
	defer conn.Close(ctx)
	found, err := conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1 ORDER BY pid",
		pgx.QueryExecModeExec, applicationName)
	if err != nil {
		return false
	}
	pids, err := pgx.CollectRows(found, pgx.RowTo[int32])
	if err != nil || len(pids) == 0 {
		return false
	}
	pid := pids[f.random.IntN(len(pids))]
	if f.kind == crashBackend { // the server terminates all others and recovers
		t.crashed()
		return syscall.Kill(int(pid), syscall.SIGKILL) == nil
	}
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend($1)", pgx.QueryExecModeExec, pid)
	return err == nil
}

// restart kills the server and starts it again.
func (t *trial) restart(f fault) {
	t.crashed()
	if err := t.server.cluster.Kill(); err != nil {
		t.fault("could not kill the server: %v", err)
	}
	time.Sleep(f.duration / 4)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := t.server.cluster.Restart(ctx); err != nil {
		t.fault("could not start the server: %v", err)
	}
}

// storm repeatedly takes locks on the tables, in two sessions.
func (t *trial) storm(ctx context.Context, f fault) {
	modes := []string{"ACCESS EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"}
	type blow struct {
		table, mode string
		hold, pause time.Duration
	}
	for range 2 {
		var blows []blow // drawn here, since the two sessions share a random source
		for spent := time.Duration(0); spent < f.duration; {
			b := blow{
				table: tables()[f.random.IntN(3)], mode: modes[f.random.IntN(len(modes))],
				hold: time.Duration(50+f.random.IntN(250)) * time.Millisecond, pause: time.Duration(10+f.random.IntN(100)) * time.Millisecond,
			}
			spent += b.hold + b.pause
			blows = append(blows, b)
		}
		t.background.begin(func() {
			for _, b := range blows {
				t.brief(ctx, sqltext.Format("LOCK TABLE {} IN ", qualified(b.table))+b.mode+" MODE", b.hold)
				pause(ctx, b.pause)
			}
		})
	}
}

// snapshot holds a snapshot open.
func (t *trial) snapshot(ctx context.Context, duration time.Duration) {
	t.transaction(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, sqltext.Format("SELECT count(*) FROM {}", qualified("small")), duration)
}

// brief runs a statement in a transaction and keeps it open for a duration.
func (t *trial) brief(ctx context.Context, sql string, hold time.Duration) {
	t.transaction(ctx, pgx.TxOptions{}, sql, hold)
}

func (t *trial) transaction(ctx context.Context, options pgx.TxOptions, sql string, hold time.Duration) {
	if ctx.Err() != nil {
		return
	}
	clean := context.WithoutCancel(ctx)
	conn := t.session(clean)
	if conn == nil {
		return
	}
	defer conn.Close(clean)
	t.allowed(pgx.BeginTxFunc(clean, conn, options, func(tx pgx.Tx) error {
		if _, err := tx.Exec(clean, "SET LOCAL lock_timeout = '5s'", pgx.QueryExecModeExec); err != nil {
			return err
		}
		if _, err := tx.Exec(clean, sql, pgx.QueryExecModeExec); err != nil {
			return err
		}
		pause(ctx, hold)
		return nil
	}))
}

// rewrite runs VACUUM FULL on a table.
func (t *trial) rewrite(ctx context.Context, f fault) {
	conn := t.session(context.WithoutCancel(ctx))
	if conn == nil {
		return
	}
	defer conn.Close(context.Background())
	_, err := conn.Exec(context.Background(), sqltext.Format("VACUUM FULL {}", qualified(tables()[f.random.IntN(3)])), pgx.QueryExecModeExec)
	t.allowed(err)
}

// truncate truncates the small table and clears it in the writers' records.
func (t *trial) truncate() {
	gate := t.gates["small"]
	gate.Lock()
	defer gate.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var err error
	for ctx.Err() == nil {
		conn := t.session(ctx)
		if conn == nil {
			continue
		}
		// The result of the first attempt does not matter: a second one does no harm.
		_, err = conn.Exec(ctx, sqltext.Format("TRUNCATE {}", qualified("small")), pgx.QueryExecModeExec)
		_ = conn.Close(ctx)
		if err == nil {
			for _, w := range t.writers {
				w.records["small"].clear()
			}
			return
		}
		t.allowed(err)
	}
	t.fault("TRUNCATE failed: %v", err)
}

// session opens a connection of the application. It returns nil if the server stays unavailable.
func (t *trial) session(ctx context.Context) *pgx.Conn {
	for range 1000 {
		conn, err := pgx.Connect(ctx, t.server.cluster.URL(t.database)+"&application_name=fault")
		if err == nil {
			return conn
		}
		if ctx.Err() != nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// unattended returns the kinds after which a build runs without its client until the server notices. During that time
// rekey cannot cancel the build, so it may be part of a deadlock. From PostgreSQL 14 on the server notices a closed
// connection before it checks for deadlocks.
func unattended(major int) []kind {
	kinds := []kind{suspendRun, pullCable, stallNetwork}
	if major < 14 {
		kinds = append(kinds, killRun, cutNetwork)
	}
	return kinds
}

// unattendedTime is the longest time for which a build may run unattended, with a margin.
const unattendedTime = 20 * time.Second

// allowed fails the test for an error that a fault's own session must not have. A killed server and a lock timeout are
// allowed, and a deadlock only while a build is unattended.
func (t *trial) allowed(err error) {
	if err == nil || lost(err) || code(err) == pgerrcode.LockNotAvailable {
		return
	}
	if code(err) == pgerrcode.DeadlockDetected && time.Since(time.Unix(0, t.lost.Load())) < unattendedTime {
		t.log("a deadlock with an unattended build")
		return
	}
	t.fault("a session of the application failed: %v", detailed(err))
}

// crashes are the times at which the server was killed.
type crashes struct {
	mu    sync.Mutex
	times []time.Time
}

// flushTime is the longest time until a commit without a flush reaches the disk, with a margin: usually less than a
// second, but a disk may stall.
const flushTime = 30 * time.Second

func (c *crashes) crashed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times = append(c.times, time.Now())
}

// mayForget reports whether a crash may have undone what was read at a time, since the filling commits without waiting
// for the disk.
func (c *crashes) mayForget(read time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.times {
		if at.After(read.Add(-time.Second)) && at.Sub(read) < flushTime {
			return true
		}
	}
	return false
}
