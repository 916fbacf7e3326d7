package sqltext

import (
	"slices"
	"strings"
)

// WithoutValues returns a query of another session on one line, with a ? for each string and number and without comments.
// It ends the result with … at the first token that does not end: pg_stat_activity truncates queries at
// track_activity_query_size, and a truncated constant could be read as something else.
func WithoutValues(query string) string {
	var s redactor
	for len(query) > 0 {
		k, n := lex(query)
		if k == invalid || !s.take(k, query[:n]) {
			s.add("…")
			break
		}
		query = query[n:]
	}
	return strings.TrimSpace(s.out.String())
}

// redactor builds the result of WithoutValues, token by token.
type redactor struct {
	out   strings.Builder
	gap   bool   // the next token follows white space
	first string // the first word of the statement, in upper case
	set   bool   // the statement sets a parameter, whose value needs no quotes
	value bool   // the next tokens are that value
}

// take adds a token. It returns false if the rest of the text must not be shown.
func (s *redactor) take(k kind, text string) bool {
	switch k {
	case space:
		s.gap = true
		return true
	case word:
		return s.word(text)
	case symbol:
		s.sign(text[0])
		return true
	case literal, number:
		s.addValue("?")
		return true
	default:
		s.addValue(text)
		return true
	}
}

func (s *redactor) word(text string) bool {
	upper := strings.ToUpper(text)
	switch {
	case s.value:
		s.addValue("?")
		return true
	case s.first == "":
		s.first, s.set = upper, upper == "SET"
	case (s.first == "ALTER" || s.first == "CREATE") && upper == "SET":
		s.set = true
	case s.set && upper == "TO":
		s.add(text)
		s.value = true
		return true
	}
	s.add(text)
	// The rows of COPY FROM STDIN follow the statement.
	return s.first != "COPY" || upper != "STDIN"
}

func (s *redactor) sign(c byte) {
	switch {
	case c == ';':
		s.first, s.set, s.value = "", false, false
	case s.value:
		return
	}
	s.add(string(c))
	if c == '=' && s.set {
		s.value = true
		s.addValue("?")
	}
}

// addValue adds a text, or one ? for all tokens of a parameter's value.
func (s *redactor) addValue(text string) {
	if s.value {
		if strings.HasSuffix(s.out.String(), "?") {
			return
		}
		text = "?"
	}
	s.add(text)
}

func (s *redactor) add(text string) {
	if s.gap && s.out.Len() > 0 {
		s.out.WriteByte(' ')
	}
	s.gap = false
	s.out.WriteString(text)
}

// CheckQuery returns "" if a text is one SELECT, WITH, VALUES or TABLE, as far as this can be seen without a server, or else
// the reason why it is not, for a message.
func CheckQuery(sql string) (reason string) {
	first, ended := "", false
	for len(sql) > 0 {
		k, n := lex(sql)
		text := sql[:n]
		sql = sql[n:]
		switch {
		case k == space:
			continue
		case k == invalid:
			return "it has a quote, comment or dollar sign that does not end, or a backslash before a quote (write such a text as E'…')"
		case ended:
			return "it is more than one statement"
		case k == symbol && text == ";":
			ended = true
		case k == word && first == "":
			first = strings.ToUpper(text)
		case k == symbol && text == "(" && first == "":
			continue
		case first == "":
			first = "?"
		}
	}
	if !slices.Contains([]string{"SELECT", "WITH", "VALUES", "TABLE"}, first) {
		return "it does not begin with SELECT, WITH, VALUES or TABLE"
	}
	return ""
}
