// Package visible makes external text safe to print: names in the database, arguments of the command line, messages of the
// server. No output of rekey contains a terminal control, an invisible character, or a possible secret.
package visible

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns the text with an escape for every character that a terminal does not show as itself: controls, bidirectional
// controls, characters without width, line separators, invalid UTF-8. It keeps newlines and tabs.
func Text(text string) string { return escape(text, "\n\t") }

// Line is like Text, but writes newlines and tabs as \n and \t, so that the result is one line.
func Line(text string) string { return escape(text, "") }

// Safe reports whether Line returns the text as it is.
func Safe(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, hidden)
}

func escape(text, stay string) string {
	if Safe(text) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case !hidden(r) || strings.ContainsRune(stay, r):
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&out, `\x%02x`, r)
		case r > 0xFFFF:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
		i += size
	}
	return out.String()
}

// hidden reports whether a terminal executes a character, or shows nothing or another character for it.
func hidden(r rune) bool {
	const blank = "\u115F\u1160\u2800\u3164\uFFA0\u034F" // letters and symbols that are shown as blanks
	return !unicode.IsPrint(r) || strings.ContainsRune(blank, r) || unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// JSON returns a JSON text with \u escapes for the hidden characters in its strings, which the encoder leaves as they are.
// The meaning of the text does not change.
func JSON(text []byte) []byte {
	if Safe(strings.ReplaceAll(string(text), "\n", "")) {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, r := range string(text) {
		switch {
		case r == '\n' || !hidden(r):
			out = utf8.AppendRune(out, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// Truncate returns the text, or its first characters and an ellipsis, most characters in all.
func Truncate(text string, most int) string {
	if len(text) <= most {
		return text
	}
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(slices.Concat(runes[:most-1], []rune("…")))
}
