package sqltext

import "strings"

// kind is the kind of a token of SQL.
type kind int

const (
	word      kind = iota // a keyword or a name without quotes
	name                  // a name in double quotes
	literal               // a string constant of any form
	number                // a numeric constant
	parameter             // a parameter: $1
	symbol                // one character of an operator or of punctuation
	space                 // white space or a comment
	invalid               // a token that does not end, or whose end depends on settings: the rest of the text cannot be read
)

// lex returns the kind and the length of the first token of the text, as PostgreSQL's scanner splits it. The text may come
// from a session with standard_conforming_strings = off, in which a backslash before a quote has another meaning: such a
// token is invalid, except in E'…', which has the same meaning in every session.
func lex(text string) (kind, int) {
	c := text[0]
	switch {
	case isBlank(c):
		return space, 1
	case strings.HasPrefix(text, "--"):
		if end := strings.IndexAny(text, "\n\r"); end >= 0 {
			return space, end + 1
		}
		return space, len(text)
	case strings.HasPrefix(text, "/*"):
		return comment(text)
	case c == '\'':
		return quotedText(text, 0, false)
	case c == '"':
		return quotedName(text)
	case c == '$':
		return dollar(text)
	case isDigit(c), c == '.' && len(text) > 1 && isDigit(text[1]):
		return number, prefixLength(text, func(c byte) bool { return isDigit(c) || isLetter(c) || c == '.' })
	case isLetter(c):
		n := prefixLength(text, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '$' })
		if n == 1 && len(text) > 1 && text[1] == '\'' && strings.IndexByte("eEbBxXnN", c) >= 0 {
			return quotedText(text, 1, c == 'e' || c == 'E')
		}
		return word, n
	case c < ' ' || c == '\\' || c == 0x7f:
		return invalid, len(text)
	default:
		return symbol, 1
	}
}

// comment reads /* … */, which nests.
func comment(text string) (kind, int) {
	depth := 0
	for i := 0; i+1 < len(text); {
		switch text[i : i+2] {
		case "/*":
			depth, i = depth+1, i+2
		case "*/":
			depth, i = depth-1, i+2
			if depth == 0 {
				return space, i
			}
		default:
			i++
		}
	}
	return invalid, len(text)
}

// quotedText reads a string constant whose first quote is at an offset.
func quotedText(text string, at int, escapes bool) (kind, int) {
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && escapes:
			i++
		case text[i] == '\\' && oddBackslashes(text, i):
			return invalid, len(text)
		case text[i] != '\'':
		case i+1 < len(text) && text[i+1] == '\'':
			i++
		default:
			return literal, i + 1
		}
	}
	return invalid, len(text)
}

// oddBackslashes reports whether an odd number of backslashes ends at an offset, before a quote or the end of the text: with
// standard_conforming_strings = off the last one escapes the quote.
func oddBackslashes(text string, at int) bool {
	if at+1 < len(text) && text[at+1] != '\'' {
		return false
	}
	n := 0
	for i := at; i >= 0 && text[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// quotedName reads a name in double quotes.
func quotedName(text string) (kind, int) {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] != '"':
		case i+1 < len(text) && text[i+1] == '"':
			i++
		default:
			return name, i + 1
		}
	}
	return invalid, len(text)
}

// dollar reads $1, or $tag$ … $tag$.
func dollar(text string) (kind, int) {
	n := 1 + prefixLength(text[1:], func(c byte) bool { return isLetter(c) || isDigit(c) })
	switch {
	case n > 1 && isDigit(text[1]):
		return parameter, 1 + prefixLength(text[1:], isDigit)
	case n < len(text) && text[n] == '$':
		tag := text[:n+1]
		if end := strings.Index(text[len(tag):], tag); end >= 0 {
			return literal, len(tag) + end + len(tag)
		}
		return invalid, len(text)
	case n == len(text): // a truncated tag
		return invalid, len(text)
	default:
		return symbol, 1
	}
}

// prefixLength returns the number of leading bytes that are in a class.
func prefixLength(text string, in func(byte) bool) int {
	n := 0
	for n < len(text) && in(text[n]) {
		n++
	}
	return n
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
