package inspect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// functionText is the source of a function as names and symbols, without comments. String constants are part of it, since EXECUTE may
// run them.
type functionText []textToken

// textToken is one name or one symbol.
type textToken struct {
	text   string // of a name in double quotes, without the quotes
	isName bool
	quoted bool // such a name is no keyword
	loose  bool // the text does not show whether the name is quoted
	// constant is the number of the string constant that has the token; 0 for none.
	constant int
}

// readFunction reads the source of a function. A source in another language than SQL and PL/pgSQL, or one that PostgreSQL's rules do not
// split, is read as words: it may match too much, but not too little.
func readFunction(source string, sql bool) functionText {
	if sql {
		var r textReader
		if r.read(source, 0) {
			return r.tokens
		}
	}
	return slices.Concat(looseWords(source), looseWords(lineComment.ReplaceAllString(source, " ")))
}

// textReader splits a text and its string constants.
type textReader struct {
	tokens    []textToken
	constants int
}

func (r *textReader) read(source string, constant int) bool {
	tokens, ok := sqltext.Tokens(source)
	if !ok {
		return false
	}
	for _, t := range tokens {
		name, isName := t.Name()
		value, isConstant := t.Constant()
		switch {
		case isName:
			r.tokens = append(r.tokens, textToken{text: name, isName: true, quoted: strings.HasPrefix(t.Text, `"`), constant: constant})
		case isConstant:
			r.constants++
			at, before := r.constants, len(r.tokens)
			if !r.read(value, at) { // a part of a statement, such as one half of a quoted name
				r.tokens = append(r.tokens[:before], looseWords(value)...)
				for i := range r.tokens[before:] {
					r.tokens[before+i].constant = at
				}
			}
		case t.Text != "|": // 'a' || 'b' is one text
			r.tokens = append(r.tokens, textToken{text: t.Text, constant: constant})
		}
	}
	return true
}

var (
	blockComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	lineComment  = regexp.MustCompile(`--[^\n]*`)
	escapedBlank = regexp.MustCompile(`\\[ntrfv]`)
	wordOrSymbol = regexp.MustCompile(`[\pL\pN_$\x{80}-\x{10FFFF}]+|[^\s"'` + "`" + `|+\\]`)
)

// looseWords splits a text into words in lower case and symbols, without quotes.
func looseWords(source string) (tokens []textToken) {
	source = escapedBlank.ReplaceAllString(blockComment.ReplaceAllString(source, " "), " ")
	for _, w := range wordOrSymbol.FindAllString(source, -1) {
		isName := len(w) > 1 || wordByte(w[0])
		tokens = append(tokens, textToken{text: strings.ToLower(w), isName: isName, loose: true})
	}
	return tokens
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// has reports whether the text has a name.
func (f functionText) has(name string) bool {
	for i := range f {
		if f.is(i, name) {
			return true
		}
	}
	return false
}

// is reports whether a name is at a place. PostgreSQL cuts long names.
func (f functionText) is(at int, name string) bool {
	if t := f[at]; !t.loose {
		return t.isName && (t.text == name || len(name) >= sqltext.MaxIdentifier-3 && strings.HasPrefix(t.text, name))
	}
	words := looseWords(name)
	return len(words) > 0 && at+len(words) <= len(f) && slices.EqualFunc(words, f[at:at+len(words)], func(a, b textToken) bool { return strings.EqualFold(a.text, b.text) })
}

// keywords reports whether keywords begin at a place.
func (f functionText) keywords(at int, words ...string) bool {
	if at < 0 || at+len(words) > len(f) {
		return false
	}
	for i, w := range words {
		if t := f[at+i]; t.quoted || !strings.EqualFold(t.text, w) {
			return false
		}
	}
	return true
}

// conflicts reports whether the text has ON CONFLICT ON CONSTRAINT with the name of a primary key, or with a name that is put together
// at run time, for its table or for one that the text does not show.
func (f functionText) conflicts(k KeyName, path searchPath) (names, byValue bool) {
	for i := range f {
		if !f.keywords(i, "on", "conflict", "on", "constraint") || !f.inserts(i, k.Table, path) {
			continue
		}
		at := i + 4
		switch {
		case at < len(f) && f[at].isName && f[at].constant == f[at-1].constant:
			names = names || f.is(at, k.Constraint)
		case f.has(k.Constraint): // format(.. %I .., 'users_pkey')
			names = true
		default:
			byValue = true
		}
	}
	return names, byValue
}

// inserts reports whether the statement before ON CONFLICT may insert into a table: whether INSERT INTO names it, or a table that the
// text does not show.
func (f functionText) inserts(conflict int, table sqltext.Table, path searchPath) bool {
	depth := 0
	for i := conflict - 1; i >= 0; i-- {
		switch t := f[i]; {
		case t.text == ")" && !t.isName:
			depth++
		case t.text == "(" && !t.isName:
			depth--
		case t.text == ";" && !t.isName:
			return true
		case depth <= 0 && f.keywords(i, "insert", "into"):
			return f.mayBe(i+2, table, path)
		}
	}
	return true
}

// mayBe reports whether the name at a place may name a table: with its schema, without a schema if the search path reaches it, or
// a name that is put together at run time.
func (f functionText) mayBe(at int, table sqltext.Table, path searchPath) bool {
	first := at
	if at < len(f) && f[at].loose { // the name may be a variable, unless another schema is before it
		return at+2 >= len(f) || f[at+1].text != "." || !f.is(at+2, table.Name) || f.is(at, table.Schema)
	}
	for at+2 < len(f) && f[at].isName && f[at+1].text == "." {
		at += 2
	}
	if at >= len(f) || !f[at].isName || f[at].constant != f[first].constant || f[first].constant != f[first-1].constant {
		return true
	}
	return f.names(at, table, path)
}

// names reports whether the token at a place is the name of a table, with its schema or, if the search path reaches it, without one.
func (f functionText) names(at int, table sqltext.Table, path searchPath) bool {
	if !f.is(at, table.Name) {
		return false
	}
	if at >= 2 && f[at-1].text == "." && f[at-2].isName {
		return f.is(at-2, table.Schema)
	}
	return path.reaches(table)
}

// groups reports whether the text has GROUP BY and names a table.
func (f functionText) groups(k KeyName, path searchPath) bool {
	grouped := false
	for i := range f {
		grouped = grouped || f.keywords(i, "group", "by")
	}
	return grouped && f.mentions(k.Table, path)
}

// mentions reports whether the text names a table.
func (f functionText) mentions(table sqltext.Table, path searchPath) bool {
	for i := range f {
		if f.names(i, table, path) {
			return true
		}
	}
	return false
}

// readsRow reports whether the text of a trigger function reads or sets a column of its row: NEW.user_id or OLD.user_id. In another
// language any mention of the column counts.
func (f functionText) readsRow(column string) bool {
	for i := range f {
		if f.is(i, column) && (f[i].loose || i >= 2 && f[i-1].text == "." && (f.keywords(i-2, "new") || f.keywords(i-2, "old"))) {
			return true
		}
	}
	return false
}
