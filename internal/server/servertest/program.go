package servertest

import (
	"fmt"
	"os"
	"testing"
)

// Lacks ends a test for want of a program that neither npm nor a PostgreSQL server brings. go test works
// without it, leaves the test out and says so on the terminal; where CI is set, nothing may be left out,
// and it fails. make test says beforehand which programs are not there.
func Lacks(t testing.TB, remedy string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(remedy)
	}
	fmt.Fprintf(screen(), "%s was NOT RUN: %s\n", t.Name(), remedy)
	t.SkipNow()
}
