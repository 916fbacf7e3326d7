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

// Main runs a package's tests and then stops the servers they used: call it as the last thing in
// TestMain. With REKEY_KEEP=1 it first waits for Ctrl-C when a test has failed. (Without a TestMain
// the servers end with the process too, by their watchdogs.) It exits with the tests' code.
func Main(m *testing.M) {
	widen()
	code := m.Run()
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

// stopTimeout bounds the end of all servers: each is killed long before, and none fails a package whose tests have
// passed.
const stopTimeout = 5 * time.Minute

// widen lets more tests run side by side than there are processors, unless -parallel says how many: they
// wait for servers for about half of their time.
func widen() {
	const perProcessor = 2
	flag.Parse()
	parallel := flag.Lookup("test.parallel")
	if parallel.Value.String() == parallel.DefValue {
		_ = flag.Set(parallel.Name, strconv.Itoa(perProcessor*runtime.GOMAXPROCS(0))) // a number
	}
}

// keeping tells whether the databases of failed tests are to be kept until Ctrl-C.
func keeping() bool { return os.Getenv("REKEY_KEEP") == "1" }

// keep notes the database of a failed test and prints how to look at it.
func (s *clusters) keep(t testing.TB, kept DB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, kept.URL)
	t.Logf("the test's database: psql %q", kept.URL)
	if !keeping() {
		t.Logf("it ends with this process; to look at it: REKEY_KEEP=1 go test -v -timeout 0 -run '%s'", pattern(t.Name()))
	}
}

// pattern is the argument of go test -run that selects a test, or subtest, and no other.
func pattern(test string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(test), "/", "$/^") + "$"
}

// screen is the terminal itself where there is one: go test holds back the output of a package until its
// end, and all of it when the package passes.
func screen() io.WriteCloser {
	if terminal, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		return terminal
	}
	return os.Stderr
}

// wait waits for Ctrl-C when databases are kept.
func (s *clusters) wait() {
	s.mu.Lock()
	kept := s.kept
	s.mu.Unlock()
	if len(kept) == 0 || !keeping() {
		return
	}
	out := screen()
	fmt.Fprintln(out, "\nREKEY_KEEP=1: the databases of the failed tests are there until Ctrl-C:")
	for _, url := range kept {
		fmt.Fprintf(out, "  psql %q\n", url)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
