package server

import (
	"fmt"
	"regexp"
	"strconv"
)

// The oldest and the newest major version that rekey supports.
const (
	Oldest = 13
	Newest = 18
)

// parseVersion returns the version and its major number from the output of `postgres --version`: "postgres
// (PostgreSQL) 15.18 (Debian …)" or "postgres (PostgreSQL) 19devel".
func parseVersion(output string) (version string, major int, err error) {
	found := regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`).FindStringSubmatch(output)
	if found == nil {
		return "", 0, fmt.Errorf("no PostgreSQL version in %q", output)
	}
	major, err = strconv.Atoi(found[2])
	return found[1], major, err
}
