package step

import (
	"encoding/json"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Origin says who made a column.
type Origin int

// The origins of a column.
const (
	Absent    Origin = iota // the table has no such column
	Made                    // up made the column, or it is exactly like a column that a library's own migration makes
	Found                   // the column existed before, and up completes or has completed it
	Untouched               // the column exists, and rekey has not changed it
)

// Mark is what the comment of a column says about its state before up. Down restores a found column from it. The mark of
// a made column has only Random, Table, Index and Pattern.
type Mark struct {
	Default    string `json:"default,omitempty"`  // SQL text of the default, "" if there was none
	Nullable   bool   `json:"nullable,omitempty"` // NULL was allowed
	Indexed    bool   `json:"indexed,omitempty"`  // the target's index existed
	Other      int64  `json:"other,omitempty"`    // number of existing values that are not UUIDv7
	Random     bool   `json:"random,omitempty"`   // up filled the column with version 4 values
	Table      string `json:"of,omitempty"`       // schema.table of a kept mark; CREATE TABLE LIKE copies comments to other tables
	Index      string `json:"index,omitempty"`    // name of the target's index
	Pattern    string `json:"pattern,omitempty"`  // Target.Pattern
	Unreadable bool   `json:"-"`                  // the comment was edited, and the other fields are not set
	Newer      int    `json:"-"`                  // format of a mark that this version of rekey cannot read; the other fields are not set
	// Below has the tables of a tree, as schema.table, whose column differed from the root's.
	Below map[string]Mark `json:"below,omitempty"`
}

// ofTable returns the mark of one table of a tree.
func (m Mark) ofTable(table sqltext.Table) Mark {
	own, ok := m.Below[table.String()]
	if !ok {
		own, own.Below = m, nil
	}
	return own
}

// safeDefaults reports whether each default in the mark is one SQL expression and nothing more.
func (m Mark) safeDefaults() bool {
	for _, below := range m.Below {
		if !below.safeDefaults() {
			return false
		}
	}
	return m.Default == "" || sqltext.IsExpression(m.Default)
}

// A mark is the end of the column's comment, after the application's own text. Text may be added around it later. The mark
// of a made column exists from its first step to its last. The mark of a found column stays until down, since the
// catalogue alone must show that down may not drop the column. In a schema run the mark of a made column stays too: a
// column of the application's may look exactly like it.
const (
	madeMark  = "[rekey: made, not finished]"
	keptMark  = "[rekey: made {"
	foundMark = "[rekey: found {"
)

// Read returns the origin of the target's column and its mark. A column with a mark of a newer format counts as found: down
// must not drop it.
func (t Target) Read(table *catalog.Table) (Origin, Mark) {
	c := table.Column(t.Column)
	if c == nil {
		return Absent, Mark{}
	}
	comment := text(c.Comment)
	if newer := newerMark(comment); newer > 0 {
		return Found, Mark{Newer: newer}
	}
	if t.KeepsMark {
		return t.readKept(comment)
	}
	if made(comment) {
		return Made, Mark{Random: random(comment)}
	}
	if _, mark, ok := cutMark(comment, foundMark); ok {
		return Found, mark
	}
	if t.completeByLibrary(table) {
		return Made, Mark{}
	}
	return Untouched, Mark{}
}

// readKept reads a mark that stays. It ignores a mark that names another table: CREATE TABLE LIKE copies comments.
func (t Target) readKept(comment string) (Origin, Mark) {
	if _, mark, ok := cutMark(comment, keptMark); ok && mark.Table == t.markedTable() {
		return Made, mark
	}
	if _, mark, ok := cutMark(comment, foundMark); ok && mark.Table == t.markedTable() {
		if t.Root.Name != "" {
			return Found, mark.ofTable(t.Name())
		}
		return Found, mark
	}
	return Untouched, Mark{}
}

// Mark returns the text in the comment of a column that up makes, for searches in SQL. The comment has it until the column
// is complete or, with KeepsMark, until it is dropped.
func (t Target) Mark() string { return t.madeComment(nil) }

// FoundMarks returns the texts that the comment of a found column contains, all of them.
func (t Target) FoundMarks() []string {
	if !t.KeepsMark {
		return []string{foundMark}
	}
	table := strings.Trim(formatMark("{", Mark{Table: t.String()}), "{}]")
	return []string{foundMark, table}
}

// markedTable returns the table that the mark of the target's column names.
func (t Target) markedTable() string {
	if t.Root.Name != "" {
		return t.Root.String()
	}
	return t.String()
}

// CopiedFrom returns the table that the mark of a column names if that is another table than the target's: the table was
// renamed, or created with LIKE. It returns "" where there is no such mark.
func (t Target) CopiedFrom(c *catalog.Column) string {
	for _, mark := range []string{keptMark, foundMark} {
		if _, m, ok := cutMark(text(c.Comment), mark); ok && m.Table != t.String() {
			return m.Table
		}
	}
	return ""
}

// markedUnfinished reports whether the column has the mark of a made column that is not finished.
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

func (t Target) commentFound(before *string, mark Mark) string {
	return t.comment(t.foundComment(before, mark))
}

func (t Target) foundComment(before *string, mark Mark) string {
	if t.KeepsMark {
		mark.Table, mark.Index, mark.Pattern = t.String(), t.Index, t.Pattern
	}
	return appendMark(text(before), formatMark(foundMark, mark))
}

func formatMark(prefix string, mark Mark) string {
	document, err := json.Marshal(mark)
	if err != nil {
		panic(err) // strings, booleans and a number
	}
	return strings.TrimSuffix(prefix, "{") + string(document) + "]"
}

// commentPlain returns the statement that restores the comment as it was before the mark.
func (t Target) commentPlain(c *catalog.Column) string {
	if c == nil {
		return t.comment("")
	}
	return t.comment(plainComment(c))
}

// commentFinished is like commentPlain, but a made column of random values keeps a mark.
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

// plainComment returns a column's comment without its mark.
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

// cutMark reads the mark that begins with prefix and returns the comment without it. Any role that owns the table can write
// the comment, and the default becomes part of a statement: a default that is not one expression makes the mark unreadable.
func cutMark(comment, prefix string) (plain string, mark Mark, ok bool) {
	at := strings.LastIndex(comment, prefix)
	if at < 0 {
		return "", Mark{}, false
	}
	document := comment[at+len(prefix)-len("{"):]
	decoder := json.NewDecoder(strings.NewReader(document))
	if decoder.Decode(&mark) != nil || !mark.safeDefaults() {
		return comment, Mark{Unreadable: true}, true
	}
	after, closed := strings.CutPrefix(document[decoder.InputOffset():], "]")
	if !closed {
		return comment, Mark{Unreadable: true}, true
	}
	return strings.TrimSuffix(comment[:at], "\n") + after, mark, true
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
