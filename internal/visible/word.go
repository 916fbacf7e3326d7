package visible

import (
	"fmt"
	"net/url"
	"regexp"
)

// mostWord is how much of a word is repeated in a message.
const maxWord = 80

// Withheld replaces a word that may hold a secret.
const Withheld = "a value that is not repeated here (it may hold a password)"

// Word quotes a word of the user's for a message: short, on one line, and not at all if it may hold a secret.
func Quote(word string) string {
	if Secret(word) {
		return Withheld
	}
	return `"` + Truncate(Line(word), maxWord) + `"`
}

// Path is Word without the quotes, for the name of a file.
func Path(name string) string {
	if Secret(name) {
		return Withheld
	}
	return Line(name)
}

// Secret reports whether a word looks as if it held a password: a connection string, a part of one, or a setting of
// such a name.
func Secret(word string) bool {
	for range 3 { // it may have been escaped, more than once
		if secret.MatchString(word) {
			return true
		}
		plain, err := url.QueryUnescape(word)
		if err != nil || plain == word {
			return false
		}
		word = plain
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

// Count says how long a word is that is not repeated.
func ByteCount(word string) string { return fmt.Sprintf("%d bytes", len(word)) }
