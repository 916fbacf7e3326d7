package sqltext

import "strings"

// MapQuoted returns SQL in which a function has replaced every quoted name and string, also inside dollar-quoted bodies.
// The result is for a reader, not for a server.
func MapQuoted(sql string, change func(string) string) string {
	var out strings.Builder
	for len(sql) > 0 {
		k, n := lex(sql)
		text := sql[:n]
		sql = sql[n:]
		switch {
		case k == literal && text[0] == '$':
			tag := text[:strings.IndexByte(text[1:], '$')+2]
			out.WriteString(tag + MapQuoted(text[len(tag):len(text)-len(tag)], change) + tag)
		case k == name, k == literal, k == invalid:
			out.WriteString(change(text))
		default:
			out.WriteString(text)
		}
	}
	return out.String()
}
