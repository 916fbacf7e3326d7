package main

import (
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekey-pg/rekey/internal/server"
)

// The runs on a cluster on small tables.
func TestCitus(t *testing.T) {
	if os.Getenv(citusVariable) == "" {
		t.Skip(citusVariable + " is not set: no Citus cluster")
	}
	o := defaults()
	o.rows, o.runs = 5000, []string{citusRowsName, citusWorkersName}
	found, err := citus(t.Context(), o, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	const runs = 4
	if len(found.Runs) != runs {
		t.Fatalf("%d runs", len(found.Runs))
	}
	for _, r := range found.Runs {
		if r.Fill.Wall <= 0 || r.Fill.Transactions == 0 || r.Memory < 1<<20 || r.Hold <= 0 {
			t.Errorf("%+v", r)
		}
	}
	found.write(t.Output())
}

// Without a cluster the runs are left out, which one line says.
func TestCitusWithoutCluster(t *testing.T) {
	t.Setenv(citusVariable, "")
	var lines []string
	found, err := citus(t.Context(), defaults(), func(line string) { lines = append(lines, line) })
	if found != nil || err != nil || len(lines) != 1 {
		t.Errorf("%v %v %q", found, err, lines)
	}
	o := defaults()
	o.runs = []string{"d"}
	if _, err := citus(t.Context(), o, func(line string) { t.Errorf("not asked for: %s", line) }); err != nil {
		t.Error(err)
	}
}

// The CPU time of a server contains that of its sessions, during them and afterwards.
func TestServerCPU(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc")
	}
	found, err := server.FindAny(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := defaults()
	o.careless = true
	l, err := open(t.Context(), o, found.Major, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	pid, err := postmaster(t.Context(), l.admin)
	if err != nil || pid == 0 {
		t.Fatalf("%d %v", pid, err)
	}
	before := serverCPU(pid)
	working, err := pgx.Connect(t.Context(), l.cluster.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if err := execute(t.Context(), working, "SET statement_timeout = 0", "SELECT sum(sqrt(n)) FROM generate_series(1, 1000000) AS n"); err != nil {
		t.Fatal(err)
	}
	during := serverCPU(pid) - before
	if err := working.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); serverCPU(pid)-before < during-50*time.Millisecond; {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("%s during a session, %s after it", during, serverCPU(pid)-before)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if during < 20*time.Millisecond {
		t.Errorf("a long statement took %s", during)
	}
	if serverCPU(0) != 0 {
		t.Error("a server elsewhere has CPU time")
	}
}

// The connections of a process are counted by the other end.
func TestSockets(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/tcp"); err != nil {
		t.Skip("no /proc")
	}
	listening, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close()
	s := &sockets{}
	ended := s.watch(os.Getpid())
	for range 3 {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listening.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for begun := time.Now(); len(connectionsOf(os.Getpid())) == 0 && time.Since(begun) < 5*time.Second; {
		time.Sleep(socketInterval)
	}
	time.Sleep(3 * socketInterval)
	ended()
	if got := s.most[listening.Addr().String()]; got != 3 || s.all < got {
		t.Errorf("%d of %d connections to %s: %v", got, s.all, listening.Addr(), s.most)
	}
	if got := addressOf("0100007F:1E14"); got != "127.0.0.1:7700" {
		t.Error(got)
	}
}
