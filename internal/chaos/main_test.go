//go:build unix

package chaos

import (
	"flag"
	"os"
	"testing"

	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// TestMain runs the tests or, where one of them started this program again, rekey as a host would.
func TestMain(m *testing.M) {
	if order := os.Getenv(orderVariable); order != "" {
		os.Exit(obey(order))
	}
	// The versions' trials mostly wait, for a lease to fall: they go side by side on a small machine too.
	flag.Parse()
	_ = flag.Set("test.parallel", "4")
	servertest.Main(m)
}
