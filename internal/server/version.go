package server

import (
	"fmt"
	"regexp"
	"strconv"
)

// The major versions rekey works with.
const (
	Oldest = 13
	Newest = 18
)

// parseVersion reads what `postgres --version` prints, as "postgres (PostgreSQL) 15.18 (Debian …)" or
// "postgres (PostgreSQL) 19devel", into the version and its major number.
func parseVersion(output string) (version string, major int, err error) {
	found := regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`).FindStringSubmatch(output)
	if found == nil {
		return "", 0, fmt.Errorf("no PostgreSQL version in %q", output)
	}
	major, err = strconv.Atoi(found[2])
	return found[1], major, err
}
