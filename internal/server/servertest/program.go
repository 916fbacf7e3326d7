package servertest

import (
	"fmt"
	"os"
	"testing"
)

// SkipWithout skips a test that needs a program which neither npm nor a PostgreSQL server contains, and prints the
// remedy to the terminal. If CI is set, nothing may be skipped and the test fails. make test reports missing programs
// before it starts.
func SkipWithout(t testing.TB, remedy string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(remedy)
	}
	fmt.Fprintf(screen(), "%s was NOT RUN: %s\n", t.Name(), remedy)
	t.SkipNow()
}
