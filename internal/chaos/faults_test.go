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

// strike makes a fault happen to a process that is at work. Those that last go on by themselves; the
// trial waits for them. It tells whether it happened: the process may have ended in this instant.
func (t *trial) strike(ctx context.Context, f fault, p *process) bool {
	if slices.Contains(unattended(t.house.cluster.Major), f.kind) {
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
		t.later(ctx, f.span/4, t.proxy.cut())
	case pullCable:
		t.later(ctx, f.span/4, t.proxy.vanish())
	case stallNetwork:
		t.later(ctx, f.span, t.proxy.stall())
	case stormLocks:
		t.storm(ctx, f)
	case longSnapshot:
		t.lasting.begin(func() { t.snapshot(ctx, 2*f.span) })
	case vacuumFull:
		t.lasting.begin(func() { t.rewrite(ctx, f) })
	case truncate:
		t.lasting.begin(t.empty)
	case explicitNull:
		t.writeNull.Store(true)
		t.later(ctx, f.span, func() { t.writeNull.Store(false) })
	}
	return true
}

// later ends a fault after a time, or with the trial's faults.
func (t *trial) later(ctx context.Context, span time.Duration, end func()) {
	t.lasting.begin(func() {
		rest(ctx, span)
		end()
	})
}

func rest(ctx context.Context, span time.Duration) {
	select {
	case <-time.After(span):
	case <-ctx.Done():
	}
}

// suspend stops a process. Another run takes over when the lease has fallen, and in the middle of that
// the first one wakes up.
func (t *trial) suspend(ctx context.Context, f fault, p *process) bool {
	if p.signal(syscall.SIGSTOP) != nil {
		return false
	}
	close(p.suspended)
	t.lasting.begin(func() {
		for other := p; other == p; {
			if other = t.stage.working(ctx); other == p {
				rest(ctx, 20*time.Millisecond)
			}
		}
		rest(ctx, f.span)
		err := p.signal(syscall.SIGCONT) // one that had ended by itself when it was stopped cannot be woken up
		if err != nil && !errors.Is(err, os.ErrProcessDone) || !p.ended(hangs) {
			t.fault("a run that woke up after another had taken over did not end")
			p.kill()
			<-p.done
		}
		t.closed(p)
	})
	return true
}

// backend ends one of rekey's sessions.
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
	if f.kind == crashBackend { // the server ends all others and recovers
		t.crashed()
		return syscall.Kill(int(pid), syscall.SIGKILL) == nil
	}
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend($1)", pgx.QueryExecModeExec, pid)
	return err == nil
}

// restart kills the server and starts it again.
func (t *trial) restart(f fault) {
	t.crashed()
	if err := t.house.cluster.Kill(); err != nil {
		t.fault("killing the server: %v", err)
	}
	time.Sleep(f.span / 4)
	ctx, cancel := context.WithTimeout(context.Background(), hangs)
	defer cancel()
	if err := t.house.cluster.Restart(ctx); err != nil {
		t.fault("starting the server again: %v", err)
	}
}

// storm takes locks on the tables, again and again, two sessions at a time.
func (t *trial) storm(ctx context.Context, f fault) {
	modes := []string{"ACCESS EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE"}
	type blow struct {
		table, mode string
		hold, pause time.Duration
	}
	for range 2 {
		var blows []blow // drawn here: the two sessions share a source
		for spent := time.Duration(0); spent < f.span; {
			b := blow{
				table: tables()[f.random.IntN(3)], mode: modes[f.random.IntN(len(modes))],
				hold: time.Duration(50+f.random.IntN(250)) * time.Millisecond, pause: time.Duration(10+f.random.IntN(100)) * time.Millisecond,
			}
			spent += b.hold + b.pause
			blows = append(blows, b)
		}
		t.lasting.begin(func() {
			for _, b := range blows {
				t.brief(ctx, sqltext.Format("LOCK TABLE {} IN ", named(b.table))+b.mode+" MODE", b.hold)
				rest(ctx, b.pause)
			}
		})
	}
}

// snapshot holds a snapshot open.
func (t *trial) snapshot(ctx context.Context, span time.Duration) {
	t.transaction(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, sqltext.Format("SELECT count(*) FROM {}", named("small")), span)
}

// brief runs a statement in a transaction that is held open for a while.
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
		rest(ctx, hold)
		return nil
	}))
}

// rewrite gives a table other files.
func (t *trial) rewrite(ctx context.Context, f fault) {
	conn := t.session(context.WithoutCancel(ctx))
	if conn == nil {
		return
	}
	defer conn.Close(context.Background())
	_, err := conn.Exec(context.Background(), sqltext.Format("VACUUM FULL {}", named(tables()[f.random.IntN(3)])), pgx.QueryExecModeExec)
	t.allowed(err)
}

// empty takes every row of the small table away, and out of the writers' records.
func (t *trial) empty() {
	gate := t.gates["small"]
	gate.Lock()
	defer gate.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), hangs)
	defer cancel()
	var err error
	for ctx.Err() == nil {
		conn := t.session(ctx)
		if conn == nil {
			continue
		}
		// What became of a first try is of no interest: another one does no harm.
		_, err = conn.Exec(ctx, sqltext.Format("TRUNCATE {}", named("small")), pgx.QueryExecModeExec)
		_ = conn.Close(ctx)
		if err == nil {
			for _, w := range t.writers {
				w.shelves["small"].clear()
			}
			return
		}
		t.allowed(err)
	}
	t.fault("TRUNCATE did not get through: %v", err)
}

// session is a connection of the application that is not a writer's; nil when the server stays away.
func (t *trial) session(ctx context.Context) *pgx.Conn {
	for range 1000 {
		conn, err := pgx.Connect(ctx, t.house.cluster.URL(t.database)+"&application_name=fault")
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

// unattended are the kinds that leave a build alone until the server has noticed: while nobody is there to
// make it give way, it may be half of a deadlock. From 14 on the server notices a closed connection before
// it looks for deadlocks.
func unattended(major int) []kind {
	kinds := []kind{suspendRun, pullCable, stallNetwork}
	if major < 14 {
		kinds = append(kinds, killRun, cutNetwork)
	}
	return kinds
}

// alone is how long a build may be so, and more.
const alone = 20 * time.Second

// allowed takes the errors that a fault's own session may have: its server was killed, or its lock not to
// be had. A deadlock is none of them while rekey is there.
func (t *trial) allowed(err error) {
	if err == nil || lost(err) || code(err) == pgerrcode.LockNotAvailable {
		return
	}
	if code(err) == pgerrcode.DeadlockDetected && time.Since(time.Unix(0, t.lost.Load())) < alone {
		t.told("a deadlock with a build that nobody attends")
		return
	}
	t.fault("a session of the application failed: %v", detailed(err))
}

// crashes are the moments at which the server was killed.
type crashes struct {
	mu    sync.Mutex
	times []time.Time
}

// flushed is how long what is committed without a flush may take to reach the disk, and more: less than a second,
// but a disk may stall for many.
const flushed = 30 * time.Second

func (c *crashes) crashed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times = append(c.times, time.Now())
}

// mayForget tells whether a crash may have taken back what was read at a moment: the filling commits
// without waiting for the disk.
func (c *crashes) mayForget(read time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.times {
		if at.After(read.Add(-time.Second)) && at.Sub(read) < flushed {
			return true
		}
	}
	return false
}
