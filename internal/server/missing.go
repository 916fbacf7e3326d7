package server

import (
	"fmt"
	"slices"
	"strings"
)

// MissingError is the error of a search that found no PostgreSQL of a major version and could not download one.
type MissingError struct {
	Major int
	Seen  []string // what the search found instead
	Cause error    // why the download failed

	system string // as runtime.GOOS
}

func (e *MissingError) saw(what string) {
	if slices.Contains(e.Seen, what) {
		return
	}
	e.Seen = append(e.Seen, what)
}

// Error returns one line: the missing version, the versions that were found, and why the download failed.
func (e *MissingError) Error() string {
	message := fmt.Sprintf("no PostgreSQL %d found", e.Major)
	if len(e.Seen) > 0 {
		message += " (but " + strings.Join(e.Seen, ", ") + ")"
	}
	if e.Cause != nil {
		message += ", and the download failed: " + e.Cause.Error()
	}
	return message
}

// Unwrap returns the reason why the download failed.
func (e *MissingError) Unwrap() error { return e.Cause }

// Remedies returns the ways to install the version on this system, the simplest first.
func (e *MissingError) Remedies() []string {
	var remedies []string
	switch e.system {
	case "darwin":
		remedies = append(remedies,
			fmt.Sprintf("brew install postgresql@%d", e.Major),
			"or install Postgres.app with this version")
	case "windows":
		remedies = append(remedies, fmt.Sprintf("install PostgreSQL %d with its Windows installer", e.Major))
	default:
		remedies = append(remedies,
			fmt.Sprintf("Debian, Ubuntu: apt-get install postgresql-%d (other versions than the distribution's "+
				"are in the PostgreSQL project's own repository)", e.Major),
			fmt.Sprintf("Alpine: apk add postgresql%d", e.Major),
			fmt.Sprintf("Fedora, RHEL: dnf install postgresql%d-server", e.Major))
	}
	return append(remedies,
		"or install Node.js with npm, with which rekey downloads the server",
		"or set REKEY_PG_BIN to the directory of its programs")
}

// Hint returns the remedies, one per line.
func (e *MissingError) Hint() string { return strings.Join(e.Remedies(), "\n") }
