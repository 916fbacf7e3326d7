package sqltext

import (
	"slices"
	"strings"
)

// WithoutValues returns a query of another session on one line without what it was called with: a ? replaces each
// string and number. Comments are left out. At the first thing that does not end it is cut: pg_stat_activity cuts
// queries at track_activity_query_size, and what is cut in its middle may be read as something else.
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

// stripped is a query that was read in part.
type redactor struct {
	out   strings.Builder
	gap   bool   // white space is due
	first string // the first word of the statement, in upper case
	set   bool   // the statement sets a parameter, whose value needs no quotes
	value bool   // what comes is that value
}

// take takes a token; false says that nothing behind it may be shown.
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
	// The data of a COPY follows its statement.
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

// masked adds a text, or a ? for the whole value of a parameter.
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

// Question reports whether a text is one query and nothing else: a single SELECT, WITH, VALUES or TABLE, as far as
// that shows without a server. The reason is for people, "" where it is one.
func CheckQuery(sql string) (why string) {
	first, ended := "", false
	for len(sql) > 0 {
		k, n := lex(sql)
		text := sql[:n]
		sql = sql[n:]
		switch {
		case k == space:
			continue
		case k == invalid:
			return "a quote, comment or dollar sign in it does not end, or a backslash stands before a quote (write such a text as E'…')"
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
