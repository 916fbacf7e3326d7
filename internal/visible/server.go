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

// mostMessage is how much of a message is repeated.
const maxMessage = 500

// Error is the text of an error without values of the application's rows. The server's DETAIL and CONTEXT hold
// such values and are never printed; of its message the values are taken out.
func Error(err error) string {
	text := err.Error()
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		text = strings.ReplaceAll(text, refusal.Error(), "ERROR: "+ServerMessage(refusal)+" (SQLSTATE "+refusal.Code+")")
		if refusal.Message != "" && ServerMessage(refusal) != oneLine(refusal.Message) { // an outer error may have written it otherwise
			text = strings.ReplaceAll(text, refusal.Message, ServerMessage(refusal))
		}
		if refusal.Detail != "" {
			text = strings.ReplaceAll(text, refusal.Detail, "…")
		}
	}
	return Truncate(oneLine(text), maxMessage)
}

// Said is the server's message without values of rows. Its own messages hold values where it could not read
// or convert one; a message that a function of somebody's raises may hold anything, and only the function is named.
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

// raised reports whether the message was written by a function, not by the server.
func raisedByFunction(refusal *pgconn.PgError) bool {
	if strings.HasPrefix(refusal.Code, "P0") {
		return true
	}
	return slices.Contains([]string{"exec_stmt_raise", "exec_stmt_assert", "PLy_elog_impl", "PLy_output", "do_util_elog", "pltcl_elog", "plperl_die"}, refusal.Routine) ||
		strings.HasPrefix(refusal.File, "plperl") || strings.HasPrefix(refusal.File, "plpy") || strings.HasPrefix(refusal.File, "pltcl") || strings.HasPrefix(refusal.File, "plv8")
}

var functionName = regexp.MustCompile(`function ("(?:[^"]|"")*"|[^ ("]+)(\."(?:[^"]|"")*")?`)

// raiser names the function of the innermost line of a context.
func raisingFunction(where string) string {
	first, _, _ := strings.Cut(where, "\n")
	if name := functionName.FindString(first); name != "" {
		return Truncate(Line(name), maxWord)
	}
	return "a function"
}

// quotesValues reports whether messages of this code quote values: data that cannot be converted, the place of a
// syntax error in a statement that somebody composed, messages of external routines.
func quotesValues(code string) bool {
	if code == pgerrcode.SyntaxError || len(code) < 2 {
		return true
	}
	return slices.Contains([]string{"22", "38", "39", "HV", "F0"}, code[:2])
}

// quotes are the quotation marks of the languages that the server speaks.
const quotes = "\"'“”„«»‹›‘’‚「」『』"

var (
	named = regexp.MustCompile(`(?:type|encoding|constraint|column|relation|table|index|schema|role|function|parameter|domain|enum|sequence)$`)
	bytes = regexp.MustCompile(`0x[0-9a-fA-F]+(?: 0x[0-9a-fA-F]+)*`)
)

// withoutQuoted takes everything away between the first quote that does not belong to a name and the last one: a
// value may hold quotes, too.
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

// width is the length in bytes of the first character.
func width(text string) int {
	_, size := utf8.DecodeRuneInString(text)
	return size
}
