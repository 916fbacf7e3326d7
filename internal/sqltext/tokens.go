package sqltext

import "strings"

// Token is a token of SQL, without the white space and the comments before it.
type Token struct {
	Text   string
	Spaced bool // white space or a comment is before it
	name   string
	isName bool
}

// Name returns the name that the token is, if it may be one: a word in lower case, or a quoted name without its
// quotes.
func (t Token) Name() (name string, ok bool) { return t.name, t.isName }

// Constant returns the text of the string constant that the token is. It returns false for any other token, and for a bit string.
func (t Token) Constant() (text string, ok bool) {
	switch {
	case t.isName || t.Text == "":
		return "", false
	case t.Text[0] == '$' && len(t.Text) > 1 && !isDigit(t.Text[1]):
		tag := strings.IndexByte(t.Text[1:], '$') + 2
		return t.Text[tag : len(t.Text)-tag], true
	case t.Text[0] == '\'':
		return strings.ReplaceAll(t.Text[1:len(t.Text)-1], "''", "'"), true
	case len(t.Text) > 2 && t.Text[1] == '\'' && strings.IndexByte("eE", t.Text[0]) >= 0:
		return unescape(t.Text[2 : len(t.Text)-1]), true
	}
	return "", false
}

// unescape returns the content of E'…'. It leaves numeric escapes as they are.
func unescape(text string) string {
	return strings.NewReplacer("''", "'", `\\`, `\`, `\'`, "'", `\n`, "\n", `\r`, "\r", `\t`, "\t", `\b`, "\b", `\f`, "\f").Replace(text)
}

// lower returns a name without quotes as PostgreSQL folds it: it changes ASCII letters only.
func lower(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// Is reports whether the token is a keyword or a symbol.
func (t Token) Is(text string) bool { return strings.EqualFold(t.Text, text) }

// Tokens splits SQL into tokens. ok is false if a token does not end, or if its end depends on settings.
func Tokens(sql string) (tokens []Token, ok bool) {
	spaced := false
	for len(sql) > 0 {
		k, n := lex(sql)
		text := sql[:n]
		sql = sql[n:]
		switch k {
		case invalid:
			return nil, false
		case space:
			spaced = true
			continue
		case word:
			tokens = append(tokens, Token{Text: text, Spaced: spaced, name: lower(text), isName: true})
		case name:
			tokens = append(tokens, Token{Text: text, Spaced: spaced, name: strings.ReplaceAll(text[1:len(text)-1], `""`, `"`), isName: true})
		default:
			tokens = append(tokens, Token{Text: text, Spaced: spaced})
		}
		spaced = false
	}
	return tokens, true
}

// Join writes tokens as SQL again.
func Join(tokens []Token) string {
	var sql strings.Builder
	for i, t := range tokens {
		if t.Spaced && i > 0 {
			sql.WriteByte(' ')
		}
		sql.WriteString(t.Text)
	}
	return sql.String()
}

// SameTokens reports whether two texts have the same tokens, whether names are quoted or not. A keyword is compared like a
// name in lower case.
func SameTokens(a, b string) bool {
	left, ok := Tokens(a)
	right, also := Tokens(b)
	if !ok || !also || len(left) != len(right) {
		return false
	}
	for i, t := range left {
		if t.isName != right[i].isName || t.isName && t.name != right[i].name || !t.isName && t.Text != right[i].Text {
			return false
		}
	}
	return true
}
