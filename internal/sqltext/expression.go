package sqltext

import "strings"

// IsExpression reports whether a text cannot be more than one SQL expression: it has no semicolon, comma or comment outside
// quotes, and its parentheses match. It is for the output of pg_get_expr that another role may have edited; whether the
// expression is valid, the server decides. A string constant with a backslash is rejected, because its end depends on
// standard_conforming_strings.
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

// quotedEnd returns the offset after the quoted text that begins at an offset; -1 if it does not end, or if its end depends
// on standard_conforming_strings.
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
