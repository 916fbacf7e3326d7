// Package discover chooses the tables of a schema run that get a column, and returns for every other table why it is
// skipped. It is pure.
package discover

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern matches names: * matches any characters, ? one character, and \ removes the special meaning of the next
// character. Matching is case-sensitive.
type Pattern struct {
	Text  string
	match *regexp.Regexp
}

// ParsePattern parses a pattern. A single \ at the end is an error.
func ParsePattern(text string) (Pattern, error) {
	var expression strings.Builder
	expression.WriteString(`\A`)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			expression.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*':
			expression.WriteString(`(?s:.*)`)
		case r == '?':
			expression.WriteString(`(?s:.)`)
		default:
			expression.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	if escaped {
		return Pattern{}, fmt.Errorf("pattern %q ends with a single backslash", text)
	}
	match, err := regexp.Compile(expression.String() + `\z`)
	return Pattern{Text: text, match: match}, err
}

// ParsePatterns parses patterns that are separated by commas; \, is a comma in a name.
func ParsePatterns(text string) ([]Pattern, error) {
	var patterns []Pattern
	for _, part := range Split(text) {
		p, err := ParsePattern(part)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// Split returns the texts between the commas, without surrounding spaces and empty texts.
func Split(text string) []string {
	var texts []string
	for _, part := range split(text) {
		if part = strings.TrimSpace(part); part != "" {
			texts = append(texts, part)
		}
	}
	return texts
}

func split(text string) []string {
	var parts []string
	begin, escaped := 0, false
	for i, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == ',':
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// Matches reports whether the whole name matches.
func (p Pattern) Matches(name string) bool { return p.match.MatchString(name) }

// Exact returns the only name that matches, if the pattern has no wildcard.
func (p Pattern) Exact() (string, bool) {
	var name strings.Builder
	escaped := false
	for _, r := range p.Text {
		switch {
		case escaped:
			name.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '*' || r == '?':
			return "", false
		default:
			name.WriteRune(r)
		}
	}
	return name.String(), true
}
