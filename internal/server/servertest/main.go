package servertest

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Main runs a package's tests, stops the servers that they used and exits with the tests' code: TestMain calls it
// last. With REKEY_KEEP=1 it waits for Ctrl-C if a test failed. Without a TestMain the servers end with the process
// too, by their watchdogs. After the tests it calls the functions of after, which end what else they share.
func Main(m *testing.M, after ...func()) {
	widen()
	code := m.Run()
	for _, end := range after {
		end()
	}
	shared.wait()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := shared.stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "servertest:", err)
		code = max(code, 1)
	}
	cancel()
	os.Exit(code) //nolint:gocritic // cancel has been called
}

// stopTimeout limits the end of all servers. Each is killed long before that, and none fails a package whose tests
// passed.
const stopTimeout = 5 * time.Minute

// widen runs more tests in parallel than there are processors, unless -parallel is set: tests wait for servers about
// half of their time.
func widen() {
	const perProcessor = 2
	flag.Parse()
	parallel := flag.Lookup("test.parallel")
	if parallel.Value.String() == parallel.DefValue {
		_ = flag.Set(parallel.Name, strconv.Itoa(perProcessor*runtime.GOMAXPROCS(0))) // a number
	}
}

// keeping reports whether the databases of failed tests are kept until Ctrl-C.
func keeping() bool { return os.Getenv("REKEY_KEEP") == "1" }

// keep records the database of a failed test and prints how to connect to it.
func (s *clusters) keep(t testing.TB, kept DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, kept.URL)
	t.Logf("the test's database: psql %q", kept.URL)
	if !keeping() {
		t.Logf("it is dropped with this process; to keep it: REKEY_KEEP=1 go test -v -timeout 0 -run '%s'", pattern(t.Name()))
	}
}

// pattern returns the argument of go test -run that selects this test or subtest and no other.
func pattern(test string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(test), "/", "$/^") + "$"
}

// screen returns the terminal, if there is one: go test prints the output of a package only at its end, and only if
// the package fails.
func screen() io.WriteCloser {
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		return terminal
	}
	return os.Stderr
}

// wait waits for Ctrl-C if databases are kept.
func (s *clusters) wait() {
	s.mu.Lock()
	kept := s.kept
	s.mu.Unlock()
	if len(kept) == 0 || !keeping() {
		return
	}
	out := screen()
	fmt.Fprintln(out, "\nREKEY_KEEP=1: the databases of the failed tests are kept until Ctrl-C:")
	for _, url := range kept {
		fmt.Fprintf(out, "  psql %q\n", url)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
