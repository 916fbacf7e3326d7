//go:build unix

package chaos

import (
	"flag"
	"os"
	"testing"

	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestMain runs the tests. In a process that a test started, it runs rekey as a host would.
func TestMain(m *testing.M) {
	if order := os.Getenv(requestVariable); order != "" {
		os.Exit(runRequest(order))
	}
	// The trials of the versions mostly wait for a lease to expire, so they run in parallel on a small machine too.
	flag.Parse()
	_ = flag.Set("test.parallel", "4")
	servertest.Main(m)
}
