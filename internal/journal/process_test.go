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

// other is a holder in a process of its own.
type other struct {
	*osexec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startOther(t *testing.T, url string) other {
	t.Helper()
	o := other{Cmd: osexec.Command(os.Args[0])}
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

func (o other) expect(t *testing.T, want string) {
	t.Helper()
	if !o.out.Scan() || o.out.Text() != want {
		t.Fatalf("the other process said %q instead of %q", o.out.Text(), want)
	}
}

// wait tries until the lease falls. That it does so within 15 s of its holder's end follows from this:
// once 12 s have passed since the last heartbeat, by the server's clock, no try is refused.
func wait(t *testing.T, pool *pgxpool.Pool) *Lease {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(50 * time.Millisecond) {
		age := ask[float64](t, pool, "SELECT extract(epoch FROM clock_timestamp() - heartbeat)::float8 FROM rekey.leases")
		lease, err := Acquire(t.Context(), pool, "public", Here("1.1", "up"))
		if err == nil {
			t.Logf("taken over %.1f s after the holder's end", time.Since(began).Seconds())
			return lease
		}
		if wantProblem(t, err, problem.ErrRunning, "lease_held"); age > fall.Seconds() {
			t.Fatalf("refused after %.1f s without a heartbeat: %v", age, err)
		}
	}
	t.Fatal("never taken over")
	return nil
}

// each has a database with a table and a process that is in the middle of a batch.
func each(t *testing.T, test func(t *testing.T, pool *pgxpool.Pool, o other)) {
	t.Helper()
	servertest.Each(t, func(t *testing.T, c *server.Cluster) {
		t.Parallel()
		url := servertest.Database(t, c).URL
		pool := open(t, url)
		must(t, Ensure(t.Context(), pool))
		exec(t, pool, "CREATE TABLE public.work (n int)")
		o := startOther(t, url)
		o.expect(t, "in a batch")
		test(t, pool, o)
		if n := ask[int](t, pool, "SELECT count(*) FROM public.work"); n != 0 {
			t.Errorf("%d rows of the batch that was cut", n)
		}
	})
}

func TestTakeoverFromKilled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, pool *pgxpool.Pool, o other) {
		must(t, o.Process.Kill())
		lease := wait(t, pool)
		run(t, pool, lease.Guard)
		must(t, lease.Release(t.Context()))
	})
}

func TestTakeoverFromStopped(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, pool *pgxpool.Pool, o other) {
		must(t, o.Process.Signal(syscall.SIGSTOP))
		lease := wait(t, pool)
		must(t, o.Process.Signal(syscall.SIGCONT))
		_, err := io.WriteString(o.in, "go on\n")
		must(t, err)
		o.expect(t, "the batch failed: true")
		o.expect(t, "the guard says lost: true")
		o.expect(t, "lost")
		run(t, pool, lease.Guard)
		must(t, lease.Release(t.Context()))
	})
}
