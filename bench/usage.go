package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Usage is what the servers of a cluster did in a while.
type Usage struct {
	Wall         time.Duration  `json:"wall_ns"`
	Coordinator  *time.Duration `json:"coordinator_cpu_ns"` // of all processes of the server; nil if it is not on this machine
	Workers      *time.Duration `json:"workers_cpu_ns"`     // of all workers together
	Transactions int64          `json:"coordinator_transactions"`
	Updated      int64          `json:"coordinator_updated_rows"` // rekey's journal
	WAL          int64          `json:"coordinator_wal_bytes"`
}

func (u Usage) share(cpu time.Duration) string {
	return fmt.Sprintf("%.1f %%", 100*cpu.Seconds()/u.Wall.Seconds())
}

func (u Usage) perSecond() float64 {
	if u.Wall == 0 {
		return 0
	}
	return float64(u.Transactions) / u.Wall.Seconds()
}

// meters says where to read what the servers of a cluster do.
type meters struct {
	Database    string   `json:"database"` // whose transactions are counted
	Coordinator string   `json:"coordinator"`
	Workers     []string `json:"workers"`
}

// meter reads what the servers have done until now. Its sessions are in another database than the one whose transactions it counts.
type meter struct {
	of       *meters
	sessions []*pgx.Conn // the coordinator's first
	servers  []int       // process ids, 0 for a server that is not on this machine
}

func (m *meters) open(ctx context.Context) (*meter, error) {
	opened := &meter{of: m}
	for _, address := range append([]string{m.Coordinator}, m.Workers...) {
		session, err := pgx.Connect(ctx, address)
		if err != nil {
			opened.close(ctx)
			return nil, err
		}
		opened.sessions = append(opened.sessions, session)
		pid, err := postmaster(ctx, session)
		if err != nil {
			opened.close(ctx)
			return nil, err
		}
		opened.servers = append(opened.servers, pid)
	}
	return opened, nil
}

func (m *meter) close(ctx context.Context) {
	for _, session := range m.sessions {
		_ = session.Close(context.WithoutCancel(ctx))
	}
}

// reading is the state of all counters at a time.
type reading struct {
	at                         time.Time
	cpu                        []time.Duration
	transactions, updated, wal int64
}

// flushed is how long a session may keep its counts to itself.
const flushed = 1200 * time.Millisecond

// before reads the counters after a pause, in which sessions that have ended add their counts.
func (m *meter) before(ctx context.Context) (r reading, err error) {
	if err := rest(ctx, flushed); err != nil {
		return r, err
	}
	if err := m.count(ctx, &r); err != nil {
		return r, err
	}
	return r, m.time(ctx, &r)
}

// after reads the times at once, and the counters once they are complete.
func (m *meter) after(ctx context.Context) (r reading, err error) {
	if err := m.time(ctx, &r); err != nil {
		return r, err
	}
	if err := rest(ctx, flushed); err != nil {
		return r, err
	}
	return r, m.count(ctx, &r)
}

func (m *meter) time(ctx context.Context, r *reading) error {
	r.at = time.Now()
	for _, pid := range m.servers {
		r.cpu = append(r.cpu, serverCPU(pid))
	}
	return m.sessions[0].QueryRow(ctx, positionSQL).Scan(&r.wal)
}

func (m *meter) count(ctx context.Context, r *reading) error {
	return m.sessions[0].QueryRow(ctx, "SELECT xact_commit + xact_rollback, tup_updated FROM pg_stat_database WHERE datname = $1", m.of.Database).Scan(&r.transactions, &r.updated)
}

// since returns the difference of two readings.
func (m *meter) since(before, after reading) Usage {
	u := Usage{Wall: after.at.Sub(before.at), Transactions: after.transactions - before.transactions, Updated: after.updated - before.updated, WAL: after.wal - before.wal}
	workers, known := time.Duration(0), true
	for i, pid := range m.servers {
		used := after.cpu[i] - before.cpu[i]
		switch {
		case i == 0 && pid > 0:
			u.Coordinator = &used
		case i > 0:
			workers, known = workers+used, known && pid > 0
		}
	}
	if known {
		u.Workers = &workers
	}
	return u
}

// postmaster returns the process id of the session's server, 0 if it is not on this machine. The title of the session's process has the
// port of the session, so that a process of this machine that has the same number by chance is none.
func postmaster(ctx context.Context, session *pgx.Conn) (int, error) {
	var pid, port int
	if err := session.QueryRow(ctx, "SELECT pg_backend_pid(), coalesce(inet_client_port(), -1)").Scan(&pid, &port); err != nil {
		return 0, err
	}
	title, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	here := strings.Contains(string(title), fmt.Sprintf("(%d)", port)) || port < 0 && strings.Contains(string(title), "[local]")
	if err != nil || !strings.HasPrefix(string(title), "postgres: ") || !here {
		return 0, nil //nolint:nilerr // no such process here
	}
	return statOf(strconv.Itoa(pid)).parent, nil
}

// serverCPU returns the CPU time of a server: the time of the postmaster, of its children, and of the children that have ended.
func serverCPU(postmaster int) (used time.Duration) {
	if postmaster == 0 {
		return 0
	}
	own := statOf(strconv.Itoa(postmaster))
	used = own.used + own.ended
	processes, _ := os.ReadDir("/proc") // as much as can be read
	for _, p := range processes {
		if s := statOf(p.Name()); s.parent == postmaster {
			used += s.used + s.ended
		}
	}
	return used
}

// processStat is a part of /proc/pid/stat.
type processStat struct {
	parent      int
	used, ended time.Duration // of the process, and of its children that have ended
}

// statOf reads the state of a process; it is zero if there is none.
func statOf(pid string) (s processStat) {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat")) //nolint:gosec // a file of /proc
	if err != nil {
		return s
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name of the program may have blanks
	fields := strings.Fields(after)
	const parent, user, last = 1, 11, 14 // state is field 0 here; then utime, stime, cutime and cstime
	if len(fields) <= last {
		return s
	}
	s.parent, _ = strconv.Atoi(fields[parent])
	const tick = 10 * time.Millisecond // USER_HZ is 100 on Linux
	for i, text := range fields[user : last+1] {
		ticks, _ := strconv.ParseInt(text, 10, 64)
		if i < 2 { //nolint:mnd // utime and stime
			s.used += time.Duration(ticks) * tick
		} else {
			s.ended += time.Duration(ticks) * tick
		}
	}
	if schedule, err := os.ReadFile(filepath.Join("/proc", pid, "schedstat")); err == nil { //nolint:gosec // a file of /proc, in nanoseconds
		word, _, _ := strings.Cut(string(schedule), " ")
		if exact, err := strconv.ParseInt(word, 10, 64); err == nil {
			s.used = time.Duration(exact)
		}
	}
	return s
}
