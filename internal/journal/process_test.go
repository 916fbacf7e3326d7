//go:build unix

package journal

import (
	"bufio"
	"io"
	"os"
	osexec "os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
	"github.com/rekey-pg/rekey/problem"
)

// process is a second process that holds the lease.
type process struct {
	*osexec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startProcess(t *testing.T, url string) process {
	t.Helper()
	o := process{Cmd: osexec.Command(os.Args[0])}
	o.Env = append(os.Environ(), "REKEY_TEST_HOLD="+url)
	o.Stderr = os.Stderr
	in, err := o.StdinPipe()
	must(t, err)
	out, err := o.StdoutPipe()
	must(t, err)
	o.in, o.out = in, bufio.NewScanner(out)
	must(t, o.Start())
	t.Cleanup(func() {
		_ = o.Process.Kill()
		_ = o.Wait()
	})
	return o
}

func (p process) expect(t *testing.T, want string) {
	t.Helper()
	if !p.out.Scan() || p.out.Text() != want {
		t.Fatalf("the second process wrote %q, want %q", p.out.Text(), want)
	}
}

// acquireAfterExpiry acquires the lease as soon as it expires. Once 12 s have passed since the last heartbeat, by
// the server's clock, no attempt may be refused.
func acquireAfterExpiry(t *testing.T, pool *pgxpool.Pool) *Lease {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		age := queryValue[float64](t, pool, "SELECT extract(epoch FROM clock_timestamp() - heartbeat)::float8 FROM rekey.leases")
		lease, err := Acquire(t.Context(), pool, "public", Here("1.1", "up"))
		if err == nil {
			t.Logf("taken over %.1f s after the holder's end", time.Since(began).Seconds())
			return lease
		}
		if wantProblem(t, err, problem.ErrRunning, "lease_held"); age > leaseTimeout.Seconds() {
			t.Fatalf("refused after %.1f s without a heartbeat: %v", age, err)
		}
	}
	t.Fatal("never taken over")
	return nil
}

// withHolder calls test with a database and a second process that is in the middle of a batch.
func withHolder(t *testing.T, test func(t *testing.T, pool *pgxpool.Pool, o process)) {
	t.Helper()
	servertest.Newest(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := servertest.Database(t, c).URL
		pool := openPool(t, url)
		must(t, Ensure(t.Context(), pool))
		exec(t, pool, "CREATE TABLE public.work (n int)")
		o := startProcess(t, url)
		o.expect(t, "in a batch")
		test(t, pool, o)
		if n := queryValue[int](t, pool, "SELECT count(*) FROM public.work"); n != 0 {
			t.Errorf("%d rows of the interrupted batch are left", n)
		}
	})
}

func TestTakeoverAfterKill(t *testing.T) {
	t.Parallel()
	withHolder(t, func(t *testing.T, pool *pgxpool.Pool, o process) {
		must(t, o.Process.Kill())
		lease := acquireAfterExpiry(t, pool)
		inTx(t, pool, lease.Guard)
		must(t, lease.Release(t.Context()))
	})
}

func TestTakeoverAfterSIGSTOP(t *testing.T) {
	t.Parallel()
	withHolder(t, func(t *testing.T, pool *pgxpool.Pool, o process) {
		must(t, o.Process.Signal(syscall.SIGSTOP))
		lease := acquireAfterExpiry(t, pool)
		must(t, o.Process.Signal(syscall.SIGCONT))
		_, err := io.WriteString(o.in, "continue\n")
		must(t, err)
		o.expect(t, "the batch failed: true")
		o.expect(t, "the guard says lost: true")
		o.expect(t, "lost")
		inTx(t, pool, lease.Guard)
		must(t, lease.Release(t.Context()))
	})
}
