package step

import (
	"encoding/json"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Origin says whose a column is.
type Origin int

// The origins of a column.
const (
	Absent  Origin = iota // there is none
	Made                  // up made it, or it has V40's exact shape
	Found                 // it was there, and up has finished it or is about to
	Untouched               // it is there, and rekey has never touched it
)

// AsFound is what an adopted column was like before up; down gives it back. Of a made column nothing but
// Random, and what a lasting mark names, is told.
type Mark struct {
	Default  string `json:"default,omitempty"`
	Nullable bool   `json:"nullable,omitempty"`
	Indexed  bool   `json:"indexed,omitempty"` // the target's index was there
	Other    int64  `json:"other,omitempty"`   // values of another version, kept
	Random   bool   `json:"random,omitempty"`  // up gave it random values
	Table       string `json:"of,omitempty"`      // a lasting mark's table: one that was copied with a table is no mark
	Index    string `json:"index,omitempty"`   // the name of the target's index, which need not follow a rule
	Pattern  string `json:"pattern,omitempty"` // of the names of the indexes below a partitioned table or a parent
	Unreadable  bool   `json:"-"`                 // somebody changed the mark: nothing of the above is known
	// Below are the tables of a tree, schema.table, whose column was not like that of the table at the top.
	Below map[string]Mark `json:"below,omitempty"`
}

// of is what the column of one table of a tree was like.
func (a Mark) ofTable(table string) Mark {
	own, ok := a.Below[table]
	if !ok {
		own, own.Below = a, nil
	}
	return own
}

// single reports whether what it says of defaults is expressions and nothing else.
func (a Mark) safeDefaults() bool {
	for _, below := range a.Below {
		if !below.safeDefaults() {
			return false
		}
	}
	return a.Default == "" || sqltext.IsExpression(a.Default)
}

// The marks stand at the end of the column's comment, behind whatever the comment said before; what
// somebody writes around them later does them no harm. The made mark is there only between the first and
// the last step of a table; the found mark stays until down, since the catalogue alone must tell that the
// column is not ours to drop. Without a profile the mark of a made column stays too: anybody's column may
// be as whole as ours.
const (
	madeMark    = "[rekey: made, not finished]"
	keptMark = "[rekey: made {"
	foundMark   = "[rekey: found {"
)

// Read gives the origin of the target's column and, for a found one, what it was like.
func (t Target) Read(table *catalog.Table) (Origin, Mark) {
	c := table.Column(t.Column)
	if c == nil {
		return Absent, Mark{}
	}
	comment := text(c.Comment)
	if t.KeepsMark {
		return t.readKept(comment)
	}
	if made(comment) {
		return Made, Mark{Random: random(comment)}
	}
	if _, as, ok := cutMark(comment, foundMark); ok {
		return Found, as
	}
	if t.completeLikeV40(table) {
		return Made, Mark{}
	}
	return Untouched, Mark{}
}

// readLasting believes the marks alone, and only those that name this table: CREATE TABLE LIKE copies
// comments, and up has made nothing in a copy.
func (t Target) readKept(comment string) (Origin, Mark) {
	if _, as, ok := cutMark(comment, keptMark); ok && as.Table == t.markedTable() {
		return Made, as
	}
	if _, as, ok := cutMark(comment, foundMark); ok && as.Table == t.markedTable() {
		if t.Root != "" {
			return Found, as.ofTable(t.String())
		}
		return Found, as
	}
	return Untouched, Mark{}
}

// Mark is what the comment of a column that up makes holds, for those who look for it in SQL: until it is
// whole or, where the mark is lasting, until it is dropped.
func (t Target) Mark() string { return t.madeComment(nil) }

// MarksOfFound are what the comment of a column that up found holds, all of them.
func (t Target) FoundMarks() []string {
	if !t.KeepsMark {
		return []string{foundMark}
	}
	of := strings.Trim(formatMark("{", Mark{Table: t.String()}), "{}]")
	return []string{foundMark, of}
}

// marks is the table that the mark of the target's column names.
func (t Target) markedTable() string {
	if t.Root != "" {
		return t.Root
	}
	return t.String()
}

// Copied gives the table of a lasting mark that stands on another one: the table was renamed, or made
// with LIKE. It is empty where there is no such mark.
func (t Target) CopiedFrom(c *catalog.Column) string {
	for _, mark := range []string{keptMark, foundMark} {
		if _, as, ok := cutMark(text(c.Comment), mark); ok && as.Table != t.String() {
			return as.Table
		}
	}
	return ""
}

// marked reports whether the column bears the mark of a made column that is not finished.
func (t Target) markedUnfinished(table *catalog.Table) bool {
	c := table.Column(t.Column)
	return c != nil && !t.KeepsMark && unfinished(text(c.Comment))
}

func (t Target) commentMade(before *string) string { return t.comment(t.madeComment(before)) }

func (t Target) madeComment(before *string) string {
	if t.KeepsMark {
		return appendMark(text(before), formatMark(keptMark, Mark{Table: t.String(), Index: t.Index, Pattern: t.Pattern, Random: t.Random()}))
	}
	return appendMark(withoutMark(text(before)), t.unfinished())
}

func (t Target) commentFound(before *string, as Mark) string {
	return t.comment(t.foundComment(before, as))
}

func (t Target) foundComment(before *string, as Mark) string {
	if t.KeepsMark {
		as.Table, as.Index, as.Pattern = t.String(), t.Index, t.Pattern
	}
	return appendMark(text(before), formatMark(foundMark, as))
}

func formatMark(mark string, as Mark) string {
	words, err := json.Marshal(as)
	if err != nil {
		panic(err) // strings, booleans and a number
	}
	return strings.TrimSuffix(mark, "{") + string(words) + "]"
}

// commentPlain gives the comment back as it was before the mark.
func (t Target) commentPlain(c *catalog.Column) string {
	if c == nil {
		return t.comment("")
	}
	return t.comment(plainComment(c))
}

// commentFinished is commentPlain, but for the mark that a made column of random values keeps.
func (t Target) commentFinished(c *catalog.Column) string { return t.comment(t.finishedComment(c)) }

func (t Target) finishedComment(c *catalog.Column) string {
	switch {
	case c == nil:
		return ""
	case t.finished() == "" || !strings.Contains(text(c.Comment), t.unfinished()):
		return plainComment(c)
	default:
		return appendMark(withoutMark(text(c.Comment)), t.finished())
	}
}

// plainComment is a column's comment without its mark.
func plainComment(c *catalog.Column) string {
	if plain, _, ok := cutMark(text(c.Comment), foundMark); ok {
		return plain
	}
	return withoutMark(text(c.Comment))
}

func (t Target) comment(comment string) string {
	if comment == "" {
		return sqltext.Format("COMMENT ON COLUMN {}.{} IS NULL", t.Name(), sqltext.Name(t.Column))
	}
	return sqltext.Format("COMMENT ON COLUMN {}.{} IS {}", t.Name(), sqltext.Name(t.Column), sqltext.Value(comment))
}

// cut reads a mark with a note, and gives the comment without it. A comment may be anybody's: what it
// says of the default goes into a statement, and is taken for nothing but an expression.
func cutMark(comment, mark string) (plain string, as Mark, ok bool) {
	at := strings.LastIndex(comment, mark)
	if at < 0 {
		return "", Mark{}, false
	}
	words := comment[at+len(mark)-len("{"):]
	decoder := json.NewDecoder(strings.NewReader(words))
	if decoder.Decode(&as) != nil || !as.safeDefaults() {
		return comment, Mark{Unreadable: true}, true
	}
	after, whole := strings.CutPrefix(words[decoder.InputOffset():], "]")
	if !whole {
		return comment, Mark{Unreadable: true}, true
	}
	return strings.TrimSuffix(comment[:at], "\n") + after, as, true
}

func appendMark(before, mark string) string {
	if before == "" {
		return mark
	}
	return before + "\n" + mark
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
