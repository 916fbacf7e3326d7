package visible

import (
	"net/url"
	"regexp"
	"strings"
)

// maxQuoted is the number of characters after which an argument is truncated in a message.
const maxQuoted = 80

// Withheld replaces an argument that may contain a secret.
const Withheld = "a value that is not repeated here (it may hold a password)"

// Quote returns an argument in quotes for a message, truncated and on one line, or Withheld if it may contain a secret.
func Quote(text string) string {
	if Secret(text) {
		return Withheld
	}
	return `"` + Truncate(Line(text), maxQuoted) + `"`
}

// Path returns the name of a file for a message, on one line, or Withheld if it may contain a secret.
func Path(name string) string {
	if Secret(name) {
		return Withheld
	}
	return Line(name)
}

// Secret reports whether an argument may contain a password: it is a connection string or a part of one, or assigns a value
// to a name such as "password".
func Secret(text string) bool {
	for range 3 { // it may be URL-encoded, more than once
		if secret.MatchString(text) {
			return true
		}
		plain, err := url.QueryUnescape(text)
		if err != nil || plain == text {
			return false
		}
		text = plain
	}
	return false
}

var secret = regexp.MustCompile(`(?is)` +
	`:.*@` + // user:password@host
	`|://` +
	`|^(postgres|postgresql|ecto)(ql)?:` +
	`|(pass(word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|credentials?|authorization)["']?\s*[=:]` +
	`|\b(host|hostaddr|user|dbname|port|sslmode)\s*=.*=` + // key=value pairs
	`|^\s*(bearer|basic)\s`)

// Word returns a word of a command line, quoted for a POSIX shell if necessary.
func Word(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)
