// Package message contains the texts of all problems that rekey reports. Each constructor returns the problem of one
// condition and is named for it. The texts follow PostgreSQL's error message style guide; testdata/messages.txt lists
// them all.
package message

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rekey-pg/rekey/problem"
)

func failed(code, message, detail, hint string, cause error) *problem.Problem {
	return &problem.Problem{Kind: problem.Failed, Code: code, Message: message, Detail: detail, Hint: hint, Cause: cause}
}

func refused(code, table, message, detail, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Refused, Code: code, Table: table, Message: message, Detail: detail, Hint: hint}
}

func usage(code, message, detail, hint string) *problem.Problem {
	return &problem.Problem{Kind: problem.Usage, Code: code, Message: message, Detail: detail, Hint: hint}
}

// Counted returns a number with its noun, which is one for 1 and many for any other number.
func Counted[N int | int64](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(int64(n)) + " " + many
}

// Number returns a number with commas: 1,234,567.
func Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Duration returns a duration without zero minutes and seconds at its end: 40m, not 40m0s.
func Duration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// sentence returns a text with a capital letter at its beginning and one period at its end. A name at the beginning,
// such as app.orders, is kept.
func sentence(text string) string {
	text = strings.TrimSuffix(text, ".")
	first, _, _ := strings.Cut(text, " ")
	if strings.ContainsFunc(first, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return text + "."
	}
	return capitalize(text) + "."
}

func capitalize(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// list returns the first names of a list and the number of the others.
func list(names []string) string {
	const most = 8
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
