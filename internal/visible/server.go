package visible

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxMessage is the number of characters after which a message is truncated.
const maxMessage = 500

// Error returns the text of an error without values of the application's rows. It omits the server's DETAIL and CONTEXT,
// which contain such values, and removes values from the server's message.
func Error(err error) string {
	text := err.Error()
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		text = strings.ReplaceAll(text, refusal.Error(), "ERROR: "+ServerMessage(refusal)+" (SQLSTATE "+refusal.Code+")")
		if refusal.Message != "" && ServerMessage(refusal) != oneLine(refusal.Message) { // an outer error may have its own format
			text = strings.ReplaceAll(text, refusal.Message, ServerMessage(refusal))
		}
		if refusal.Detail != "" {
			text = strings.ReplaceAll(text, refusal.Detail, "…")
		}
	}
	return Truncate(oneLine(text), maxMessage)
}

// ServerMessage returns the server's message without values of rows. The server's own messages contain a value if it could
// not be read or converted. A message that a function raised may contain anything, so that only the function is named.
func ServerMessage(refusal *pgconn.PgError) string {
	switch {
	case raisedByFunction(refusal):
		return "an error that " + raisingFunction(refusal.Where) + " raised; its text is in the server's log"
	case quotesValues(refusal.Code):
		return Truncate(oneLine(withoutQuoted(refusal.Message)), maxMessage)
	default:
		return Truncate(oneLine(refusal.Message), maxMessage)
	}
}

func oneLine(text string) string { return Line(strings.Join(strings.Fields(text), " ")) }

// raisedByFunction reports whether a function, not the server, wrote the message.
func raisedByFunction(refusal *pgconn.PgError) bool {
	if strings.HasPrefix(refusal.Code, "P0") {
		return true
	}
	return slices.Contains([]string{"exec_stmt_raise", "exec_stmt_assert", "PLy_elog_impl", "PLy_output", "do_util_elog", "pltcl_elog", "plperl_die"}, refusal.Routine) ||
		strings.HasPrefix(refusal.File, "plperl") || strings.HasPrefix(refusal.File, "plpy") || strings.HasPrefix(refusal.File, "pltcl") || strings.HasPrefix(refusal.File, "plv8")
}

var functionName = regexp.MustCompile(`function ("(?:[^"]|"")*"|[^ ("]+)(\."(?:[^"]|"")*")?`)

// raisingFunction returns the function in the innermost line of a context.
func raisingFunction(where string) string {
	first, _, _ := strings.Cut(where, "\n")
	if name := functionName.FindString(first); name != "" {
		return Truncate(Line(name), maxQuoted)
	}
	return "a function"
}

// quotesValues reports whether messages with this code quote values: data that cannot be converted, the text near a syntax
// error, messages of external routines.
func quotesValues(code string) bool {
	if code == pgerrcode.SyntaxError || len(code) < 2 {
		return true
	}
	return slices.Contains([]string{"22", "38", "39", "HV", "F0"}, code[:2])
}

// quotes are the quotation marks in the server's translated messages.
const quotes = "\"'“”„«»‹›‘’‚「」『』"

var (
	named = regexp.MustCompile(`(?:type|encoding|constraint|column|relation|table|index|schema|role|function|parameter|domain|enum|sequence)$`)
	bytes = regexp.MustCompile(`0x[0-9a-fA-F]+(?: 0x[0-9a-fA-F]+)*`)
)

// withoutQuoted replaces everything from the first quote that does not belong to a name to the last quote, since a value may
// contain quotes.
func withoutQuoted(message string) string {
	message = bytes.ReplaceAllString(message, "?")
	from := 0
	for {
		at := strings.IndexAny(message[from:], quotes)
		if at < 0 {
			return message
		}
		at += from
		end := strings.IndexByte(message[at+1:], '"')
		if message[at] != '"' || end < 0 || !named.MatchString(strings.TrimRight(message[:at], " ")) {
			last := strings.LastIndexAny(message, quotes)
			size := width(message[last:])
			if last == at {
				return message[:at] + "?"
			}
			return message[:at] + "?" + message[last+size:]
		}
		from = at + 1 + end + 1
	}
}

// width returns the length in bytes of the first character.
func width(text string) int {
	_, size := utf8.DecodeRuneInString(text)
	return size
}
