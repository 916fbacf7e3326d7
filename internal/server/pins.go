package server

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed pins.tsv
var pins string

// pin is a package whose content is known.
type pin struct {
	spec      string // npm's name@version
	name      string // name of the directory in the cache
	integrity string // "sha512-" and the base64 hash, as in a lock file
}

// pinned finds the package of a major version for a platform in the text of pins.tsv.
func pinned(table string, major int, platform string) (pin, bool) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") || len(fields) != 4 || fields[0] != strconv.Itoa(major) || fields[2] != platform {
			continue
		}
		return pin{
			spec:      "@embedded-postgres/" + platform + "@" + fields[1],
			name:      "postgresql-" + fields[1] + "-" + platform,
			integrity: fields[3],
		}, true
	}
	return pin{}, false
}

// platform returns npm's name for a system and a processor.
func platform(goos, goarch string) string {
	if goarch == "amd64" {
		goarch = "x64"
	}
	return goos + "-" + goarch
}
