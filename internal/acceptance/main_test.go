package acceptance

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/rekey-pg/rekey/internal/cli"
	"github.com/rekey-pg/rekey/internal/server"
	"github.com/rekey-pg/rekey/internal/server/servertest"
)

// commandVariable makes the test binary the command rekey, in a process of its own.
const commandVariable = "REKEY_ACCEPTANCE_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		os.Exit(cli.Run(context.Background(), cli.System()))
	}
	servertest.Main(m)
}

// long reports whether REKEY_ACCEPTANCE asks for the long form of the tests.
func long() bool { return os.Getenv("REKEY_ACCEPTANCE") != "" }

// on runs a test on every version in the long form, and on the newest one otherwise.
func on(t *testing.T, test func(t *testing.T, c *server.Cluster)) {
	t.Helper()
	majors := servertest.Versions(t)
	if !long() {
		majors = majors[len(majors)-1:]
	}
	for _, major := range majors {
		t.Run(fmt.Sprintf("pg%d", major), func(t *testing.T) { test(t, servertest.Cluster(t, major)) })
	}
}
