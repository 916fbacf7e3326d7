package sqltext

import "strings"

// Single reports whether a text that is read as an SQL expression can be no more than one expression: no
// semicolon, comma or comment outside of quotes, and no parenthesis that closes what it has not opened. It
// is for what pg_get_expr wrote and somebody else may have changed since; whether it means anything is
// the server's to say. A backslash is taken for the end of trust where it stands in quotes that may know
// escapes.
func IsExpression(expression string) bool {
	depth := 0
	for i := 0; i < len(expression); {
		switch c := expression[i]; {
		case c == '\'' || c == '"':
			end := quotedEnd(expression, i)
			if end < 0 {
				return false
			}
			i = end
			continue
		case strings.HasPrefix(expression[i:], "--"), strings.HasPrefix(expression[i:], "/*"), c == ';', c == '$', c == 0:
			return false
		case c == ',' && depth == 0:
			return false
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			if depth--; depth < 0 {
				return false
			}
		}
		i++
	}
	return depth == 0 && strings.TrimSpace(expression) != ""
}

// quoted gives the place behind the quotes that begin at the place; -1 if they do not end, or not at a
// place that every setting of standard_conforming_strings agrees on.
func quotedEnd(text string, at int) int {
	quote := text[at]
	for i := at + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '\'':
			return -1
		case text[i] != quote:
		case i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return -1
}
