package ident

import (
	"fmt"
	"strconv"
)

// textLength is the length of a UUID's canonical text, five groups of hexadecimal digits.
const textLength = 36

// shownLength is the maximum number of bytes of a refused text that an error repeats: enough to recognize it, and too
// few for a request to fill a log.
const shownLength = 48

// SyntaxError is the error of a text that is no identifier. A server should answer it with 400 Bad Request.
type SyntaxError struct {
	Text   string // the given text
	Reason string // the reason for the refusal
}

func (e *SyntaxError) Error() string {
	shown, more := e.Text, ""
	if len(shown) > shownLength {
		shown, more = shown[:shownLength], " (cut)"
	}
	return fmt.Sprintf("ident: %q%s is not an identifier: %s", shown, more, e.Reason)
}

// Parse reads an identifier: a decimal integer that fits an int64, or the 36 characters of a UUID's canonical text.
//
// It is strict, so that each identifier has one text, except for the case of a UUID's letters (RFC 9562, section 4,
// accepts both): it refuses blanks, a plus sign, leading zeros, "-0", braces, "urn:uuid:" and digits of other scripts.
// It accepts negative integers, which bigint allows, and UUIDs of any version, including the nil UUID.
//
// The error is a *SyntaxError.
func Parse(s string) (ID, error) {
	if len(s) == textLength {
		u, err := ParseUUID(s)
		if err != nil {
			return ID{}, err
		}
		return FromUUID(u), nil
	}
	n, err := parseInteger(s)
	if err != nil {
		return ID{}, err
	}
	return FromInt64(n), nil
}

func parseInteger(s string) (int64, error) {
	if reason := integerFault(s); reason != "" {
		return 0, &SyntaxError{Text: s, Reason: reason}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &SyntaxError{Text: s, Reason: "the integer does not fit 64 bits"}
	}
	return n, nil
}

// integerFault returns the reason why s is not the text of an integer, or "".
func integerFault(s string) string {
	digits := s
	if s != "" && s[0] == '-' {
		digits = s[1:]
	}
	if s == "" {
		return "the text is empty"
	}
	if digits == "" {
		return "neither a decimal integer nor a UUID of 36 characters"
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return "neither a decimal integer nor a UUID of 36 characters"
		}
	}
	if digits[0] == '0' && s != "0" {
		return "an integer is written without leading zeros, and zero without a sign"
	}
	return ""
}

// ParseUUID reads the 36 characters of a UUID's canonical text, with letters of either case.
//
// The error is a *SyntaxError.
func ParseUUID(s string) (UUID, error) {
	if len(s) != textLength {
		return UUID{}, &SyntaxError{Text: s, Reason: "a UUID has 36 characters"}
	}
	var u UUID
	at := 0
	for i := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			if s[at] != '-' {
				return UUID{}, &SyntaxError{Text: s, Reason: "a UUID has hyphens after 8, 12, 16 and 20 digits"}
			}
			at++
		}
		high, low := nibble(s[at]), nibble(s[at+1])
		if high > 15 || low > 15 {
			return UUID{}, &SyntaxError{Text: s, Reason: "a UUID has hexadecimal digits and hyphens only"}
		}
		u[i] = high<<4 | low
		at += 2
	}
	return u, nil
}

// nibble returns the value of a hexadecimal digit, or more than 15 if c is none.
func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
