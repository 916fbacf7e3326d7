package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// IndexTwin is an index that holds the child's uuid column in place of the integer one.
type IndexTwin struct {
	Table sqltext.Table // the table of the index: the child, or a partition of it
	Of    string        // name of the index that it copies
	Name  string
	Above sqltext.Table // the twin to which it is attached; zero if to none
	// OfUnique says that the copied index is unique. The twin need not be: as long as the columns are equal, the copied
	// index keeps it unique. A unique twin can end INSERT … ON CONFLICT on the integer columns with an error.
	OfUnique, Unique bool
	// Moves says that the twin takes the uniqueness over: it is unique, and the copied index becomes a plain one. Returns says
	// that a copied index that has become plain is unique again. Without either it stays as it is.
	Moves, Returns bool
	// Definition is the part of CREATE INDEX from USING on, without tablespace and predicate.
	Definition string
	// UniqueDefinition is Definition of a unique twin with NULLS NOT DISTINCT, which a plain twin does without; "" for others.
	UniqueDefinition string

	Tablespace string
	Predicate  string
	// Partitioned says that the index belongs to a partitioned table and is built by those that are attached to it.
	Partitioned bool
}

// ColumnPair is an integer column and the uuid column of its edge.
type ColumnPair struct{ Integer, UUID string }

// Twins returns the twins of all indexes of a child, and of its partitions, that hold a column. Keys that are columns of
// edges before this one are replaced too, so that the twin of the last edge holds the uuids alone. The twins of other edges
// are not copied. without names the indexes whose twin is not certain, each with the reason.
func Twins(child *catalog.Table, column, uuid string, earlier ...ColumnPair) (twins []IndexTwin, without []string) {
	names := map[uint32]sqltext.Table{}               // of the twins, by oid of the index that they copy
	made, keys := madeTwins(child), map[uint32]bool{} // keys are the indexes of primary keys that up made, with the ones of partitions
	tables := []*catalog.Table{child}
	if child.Kind == catalog.Partitioned {
		tables = child.All()
	}
	for _, table := range tables {
		for i := range table.Indexes {
			index := &table.Indexes[i]
			if !index.Valid || !holds(index, column) || slices.Contains(made, index.Name) || IsTemporaryIndex(index.Name) || isParentIndex(index) {
				continue
			}
			if isKeyIndex(index) || index.Parent != 0 && keys[index.Parent] {
				keys[index.OID] = true
				continue
			}
			twin, reason := twinOf(index, column, uuid, earlier)
			if reason != "" {
				without = append(without, index.Name+": "+reason)
				continue
			}
			twin.Table, twin.Above = table.Named(), names[index.Parent]
			twin.OfUnique = index.Unique || twin.moved(child, table)
			twin.Partitioned = table.Kind == catalog.Partitioned
			names[index.OID] = sqltext.Table{Schema: table.Schema, Name: twin.Name}
			twins = append(twins, twin)
		}
	}
	return twins, without
}

// isParentIndex reports whether an index is one that up made for a composite foreign key. It needs no twin: a second up would build it.
func isParentIndex(i *catalog.Index) bool { return text(i.Comment) == parentIndexMark }

// madeTwins returns the names of the indexes that the marks of a child's edges name.
func madeTwins(child *catalog.Table) []string {
	var names []string
	for i := range child.Columns {
		if mark, ok := ReadEdgeMark(&child.Columns[i]); ok {
			names = append(names, mark.Indexes...)
		}
	}
	return names
}

// holds reports whether an index depends on a column.
func holds(i *catalog.Index, column string) bool {
	return slices.Contains(slices.Concat(i.Columns, i.Included, i.Uses), column)
}

func isName(t sqltext.Token, want string) bool {
	name, ok := t.Name()
	return ok && name == want
}

// twinOf returns the twin of one index, or the reason why it is not certain.
func twinOf(i *catalog.Index, column, uuid string, earlier []ColumnPair) (twin IndexTwin, reason string) {
	if !slices.Contains([]string{"btree", "hash", "brin"}, i.Method) {
		return twin, "its method is " + i.Method
	}
	d, ok := parseIndex(i)
	if !ok {
		return twin, "its definition has an unknown form"
	}
	for n, c := range i.Columns {
		switch {
		case c == column && !isPlain(d.keys[n], column):
			return twin, "the column has an operator class or a collation of its own"
		case c == column:
			d.keys[n] = append([]sqltext.Token{quoted(uuid)}, d.keys[n][1:]...)
		case c == "":
			if d.keys[n], ok = replaceNullTests(d.keys[n], column, uuid); !ok {
				return twin, "an expression of it computes with the column"
			}
		}
	}
	predicate, ok := sqltext.Tokens(i.Predicate)
	if ok {
		predicate, ok = replaceNullTests(predicate, column, uuid)
	}
	if !ok {
		return twin, "its predicate computes with the column"
	}
	included := replaced(i.Included, column, uuid)
	name := i.Name
	for _, pair := range earlier {
		d.replace(i, pair)
		if changed, ok := replaceNullTests(predicate, pair.Integer, pair.UUID); ok {
			predicate = changed
		}
		included = replaced(included, pair.Integer, pair.UUID)
		name, _ = renamed(name, pair.Integer, pair.UUID)
	}
	twin = IndexTwin{
		Of: i.Name, Name: twinName(name, column, uuid), OfUnique: i.Unique, Tablespace: i.Tablespace,
		Predicate: sqltext.Join(predicate), Definition: d.write(included),
	}
	if d.nullsEqual {
		d.unique = true
		twin.UniqueDefinition = d.write(included)
	}
	return twin, ""
}

// definition is pg_get_indexdef from USING on, without INCLUDE and the predicate.
type definition struct {
	method  string
	keys    [][]sqltext.Token
	options []sqltext.Token // WITH (…)

	nullsEqual, unique bool // NULLS NOT DISTINCT, which write keeps if unique
}

// parseIndex reads the definition of an index, and checks that it has as many keys as the catalogue says.
func parseIndex(i *catalog.Index) (d definition, ok bool) {
	tokens, at := fromUsing(i.Definition)
	if at < 0 || len(tokens) < at+4 || !tokens[at+2].Is("(") {
		return d, false
	}
	d.method = tokens[at+1].Text
	keys, rest := inParentheses(tokens[at+2:])
	d.keys = splitAtCommas(keys)
	if len(rest) > 1 && rest[0].Text == "INCLUDE" {
		_, rest = inParentheses(rest[1:])
	}
	if len(rest) > 2 && rest[0].Text == "NULLS" { // NULLS NOT DISTINCT means nothing on an index that is not unique
		d.nullsEqual, rest = true, rest[3:]
	}
	if len(rest) > 1 && rest[0].Text == "WITH" {
		options, after := inParentheses(rest[1:])
		d.options, rest = options, after
	}
	known := len(rest) == 0 || rest[0].Text == "WHERE" && i.Predicate != ""
	return d, known && len(keys) > 0 && len(d.keys) == len(i.Columns)
}

// fromUsing returns the tokens of a definition, and the position of USING; -1 if there is none.
func fromUsing(definition string) ([]sqltext.Token, int) {
	tokens, _ := sqltext.Tokens(definition)
	return tokens, slices.IndexFunc(tokens, func(t sqltext.Token) bool { return t.Text == "USING" })
}

// replace replaces a column in keys that are the column alone, or that only test it for NULL.
func (d definition) replace(i *catalog.Index, pair ColumnPair) {
	for n, c := range i.Columns {
		switch {
		case c == pair.Integer && isPlain(d.keys[n], c):
			d.keys[n] = append([]sqltext.Token{quoted(pair.UUID)}, d.keys[n][1:]...)
		case c == "":
			if changed, ok := replaceNullTests(d.keys[n], pair.Integer, pair.UUID); ok {
				d.keys[n] = changed
			}
		}
	}
}

// write returns the definition for CREATE INDEX.
func (d definition) write(included []string) string {
	keys := make([]string, len(d.keys))
	for i, key := range d.keys {
		keys[i] = sqltext.Join(key)
	}
	text := "USING " + d.method + " (" + strings.Join(keys, ", ") + ")"
	if len(included) > 0 {
		text += " INCLUDE (" + idents(included) + ")"
	}
	if d.nullsEqual && d.unique {
		text += " NULLS NOT DISTINCT"
	}
	if len(d.options) > 0 {
		text += " WITH (" + sqltext.Join(d.options) + ")"
	}
	return text
}

// inParentheses returns the tokens between the parenthesis that is the first token and its counterpart, and those after it.
func inParentheses(tokens []sqltext.Token) (inner, rest []sqltext.Token) {
	depth := 0
	for i, t := range tokens {
		switch t.Text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return tokens[1:i], tokens[i+1:]
			}
		}
	}
	return nil, nil
}

func splitAtCommas(tokens []sqltext.Token) (lists [][]sqltext.Token) {
	depth, start := 0, 0
	for i, t := range tokens {
		switch t.Text {
		case "(", "[":
			depth++
		case ")", "]":
			depth--
		case ",":
			if depth == 0 {
				lists, start = append(lists, tokens[start:i]), i+1
			}
		}
	}
	return append(lists, tokens[start:])
}

// isPlain reports whether a key of an index is the column alone, in any order: a type decides on operator classes.
func isPlain(key []sqltext.Token, column string) bool {
	return len(key) > 0 && isName(key[0], column) && !slices.ContainsFunc(key[1:], func(t sqltext.Token) bool {
		return !slices.Contains([]string{"ASC", "DESC", "NULLS", "FIRST", "LAST"}, t.Text)
	})
}

func quoted(name string) sqltext.Token { return sqltext.Token{Text: sqltext.Ident(name), Spaced: true} }

// replaceNullTests replaces a column in an expression where it is only tested for NULL, which means the same for both
// columns. It returns false if the column may be used in another way.
func replaceNullTests(tokens []sqltext.Token, column, uuid string) ([]sqltext.Token, bool) {
	tokens = slices.Clone(tokens)
	for i, t := range tokens {
		if !isName(t, column) {
			continue
		}
		if !isNullTest(tokens[i+1:]) || i > 0 && tokens[i-1].Text == "." {
			return nil, false
		}
		tokens[i] = sqltext.Token{Text: sqltext.Ident(uuid), Spaced: t.Spaced}
	}
	return tokens, true
}

func isNullTest(tokens []sqltext.Token) bool {
	if len(tokens) < 2 || tokens[0].Text != "IS" {
		return false
	}
	return tokens[1].Text == "NULL" || len(tokens) > 2 && tokens[1].Text == "NOT" && tokens[2].Text == "NULL"
}

// twinName returns the name of the twin: with the uuid column's name in place of the integer's, or after the whole name.
func twinName(name, column, uuid string) string {
	if name, ok := renamed(name, column, uuid); ok {
		return IndexName(name, "", "")
	}
	return IndexName(name+"_"+uuid, "", "")
}

// renamed replaces a column's name that is a part of an index's name. It returns false if it is none.
func renamed(name, column, uuid string) (string, bool) {
	for _, around := range []string{"_{}_", "_{}", "{}_", "{}"} {
		old := strings.ReplaceAll(around, "{}", column)
		fits := map[string]func(string, string) bool{"_{}_": strings.Contains, "_{}": strings.HasSuffix, "{}_": strings.HasPrefix, "{}": equalNames}[around]
		if fits(name, old) {
			return strings.Replace(name, old, strings.ReplaceAll(around, "{}", uuid), 1), true
		}
	}
	return name, false
}

func equalNames(a, b string) bool { return a == b }

// statement returns CREATE INDEX, after which comes CONCURRENTLY, the name and ON.
func (t IndexTwin) statement(how string, on sqltext.Table) string {
	unique := ""
	if t.Unique {
		unique = "UNIQUE "
	}
	sql := "CREATE " + unique + "INDEX " + how + sqltext.Format("{} ON {} ", sqltext.Name(t.Name), on) + t.shape(t.Unique)
	if t.Tablespace != "" {
		sql += sqltext.Format(" TABLESPACE {}", sqltext.Name(t.Tablespace))
	}
	if t.Predicate != "" {
		sql += " WHERE " + t.Predicate
	}
	return sql
}

// shape returns the definition of a unique or a plain twin.
func (t IndexTwin) shape(unique bool) string {
	if unique && t.UniqueDefinition != "" {
		return t.UniqueDefinition
	}
	return t.Definition
}

// fits reports whether an index is the twin, valid or not.
func (t IndexTwin) fits(i *catalog.Index) bool { return i.Unique == t.Unique && t.hasShape(i) }

// Like reports whether an index has the twin's definition, unique or not, valid or not.
func (t IndexTwin) Like(i *catalog.Index) bool { return t.hasShape(i) }

// hasShape reports whether an index has the twin's definition, unique or not.
func (t IndexTwin) hasShape(i *catalog.Index) bool {
	want := t.shape(i.Unique)
	if t.Predicate != "" {
		want += " WHERE " + t.Predicate
	}
	tokens, at := fromUsing(i.Definition)
	return at >= 0 && sqltext.SameTokens(sqltext.Join(tokens[at:]), want)
}
