package servertest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rekey-pg/rekey/internal/server"
)

// defaultVersions are the oldest version, the newest one, and 15, the first with the features that differ between
// them.
const defaultVersions = "13,15,18"

// Versions returns the major versions to test on, in ascending order, from REKEY_PG_VERSIONS.
func Versions(t testing.TB) []int {
	t.Helper()
	majors, err := parseVersions(os.Getenv("REKEY_PG_VERSIONS"))
	if err != nil {
		t.Fatalf("REKEY_PG_VERSIONS: %v", err)
	}
	return majors
}

func parseVersions(list string) ([]int, error) {
	switch strings.TrimSpace(list) {
	case "":
		list = defaultVersions
	case "all":
		list = "13,14,15,16,17,18"
	}
	var majors []int
	for part := range strings.SplitSeq(list, ",") {
		major, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || major < server.Oldest || major > server.Newest {
			return nil, fmt.Errorf("%q is neither a major version from %d to %d nor the word all", part, server.Oldest, server.Newest)
		}
		majors = append(majors, major)
	}
	slices.Sort(majors)
	return slices.Compact(majors), nil
}

// explain formats an error of package server for a failing test, with its remedies.
func explain(err error) string {
	var missing *server.MissingError
	if !errors.As(err, &missing) {
		return err.Error()
	}
	remedies := append(missing.Remedies(), "or ask for fewer versions: REKEY_PG_VERSIONS=15 go test ./...")
	return err.Error() + "\n  " + strings.Join(remedies, "\n  ")
}
