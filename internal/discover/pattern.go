// Package discover chooses, in a schema that nobody described, the tables that get a uuid, and says of
// every other why it is left alone. It is pure.
package discover

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern matches names: * is any run of characters, ? any one, and \ takes the meaning from the
// character behind it. Everything else stands for itself, capitals too.
type Pattern struct {
	Text  string
	match *regexp.Regexp
}

// ParsePattern reads a pattern. A lone \ at the end is an error.
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
		return Pattern{}, fmt.Errorf("pattern %q ends with a lone backslash", text)
	}
	match, err := regexp.Compile(expression.String() + `\z`)
	return Pattern{Text: text, match: match}, err
}

// ParsePatterns reads patterns that are separated by commas; a comma behind a \ belongs to the name.
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

// Split gives the texts between the commas, without the spaces around them and without empty ones.
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

// Exact gives the name that is the only one to match, if the pattern has no wildcard.
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
