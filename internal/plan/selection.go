package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/step"
)

// Ask is what a person wants of a schema that no profile describes.
type Selection struct {
	Filter    discover.Filter
	Naming                      // for every table
	Overrides map[string]Naming // for a table of that name; what is empty is as for every table
}

// Words are the names that a table gets.
type Naming struct {
	Column string // of the uuids
	Index  string // a pattern: {table} and {column} stand for the names
}

// The words where a person says none: V40's.
const (
	DefaultColumn = "uuid"
	DefaultIndex  = "{table}_{column}_idx"
)

// For gives the words that hold for a table.
func (a Selection) NamingFor(table string) Naming {
	own := a.Overrides[table]
	return Naming{Column: firstNonEmpty(own.Column, a.Column, DefaultColumn), Index: firstNonEmpty(own.Index, a.Naming.Index, DefaultIndex)}
}

// Columns are the tables of which another column is asked than of most.
func (a Selection) Columns() map[string]string {
	columns := map[string]string{}
	for table := range a.Overrides {
		columns[table] = a.NamingFor(table).Column
	}
	return columns
}

// Target names what a table is to get. A name that the catalogue tells goes before the pattern: the index
// that a mark names, and on the way up any index that does the work already.
func (a Selection) Target(schema string, table *catalog.Table, direction Direction) step.Target {
	words := a.NamingFor(table.Name)
	t := step.Target{
		Schema: schema, Table: table.Name, Column: words.Column, Index: words.indexName(table.Name),
		Check: Name("rekey", words.Column, "not_null"), Function: functionOf(schema), KeepsMark: true,
	}
	if table.IsTree() {
		t, _ = t.ForTree(table)
		t.Pattern = words.Index
		t.Index = step.IndexName(words.Index, table.Name, strings.Join(t.IndexColumns(), "_"))
	}
	origin, as := t.Read(table)
	if origin == step.Made || origin == step.Found {
		t.Index = as.Index
		if table.IsTree() {
			t.Pattern = firstNonEmpty(as.Pattern, t.Pattern)
		}
	}
	if i := table.Index(t.Index); direction == Up && (i == nil || !t.IndexFits(i)) {
		t.Index = servingIndex(t, table)
	}
	return t
}

// serving names an index of another name that keeps the column unique.
func servingIndex(t step.Target, table *catalog.Table) string {
	for _, i := range table.Indexes {
		other := t
		if other.Index = i.Name; other.HasIndex(table) {
			return i.Name
		}
	}
	return t.Index
}

func (w Naming) indexName(table string) string { return step.IndexName(w.Index, table, w.Column) }

// choose says of every relation of the schema whether it gets a uuid. What only a name could bring in is
// also brought in by a mark: what up made while it was named, down takes back.
func (a Selection) choose(schema catalog.Schema) []discover.Choice {
	choices := discover.Choose(schema, a.Filter)
	for i := range choices {
		c := &choices[i]
		table := schema.Relation(c.Table)
		origin, _ := a.Target(schema.Name, table, Up).Read(table)
		switch {
		case c.OnlyIfNamed && origin != step.Absent && origin != step.Untouched:
			c.Decision, c.Reason = discover.Chosen, ""
		case c.Decision == discover.Chosen && !c.Named && origin == step.Absent && uuidKey(table) != "":
			c.Decision, c.Reason, c.OnlyIfNamed = discover.Skipped, "its primary key "+uuidKey(table)+" is a uuid already", true
		}
	}
	return choices
}

// Chosen names the relations that get a uuid, refused ones too.
func (a Selection) Chosen(schema catalog.Schema) []string {
	names := []string{}
	for _, c := range a.choose(schema) {
		if c.Decision == discover.Chosen {
			names = append(names, c.Table)
		}
	}
	return names
}

// keyed gives the column that is the primary key, if it is a uuid.
func uuidKey(table *catalog.Table) string {
	key := table.PrimaryKey()
	if len(key) != 1 {
		return ""
	}
	if c := table.Column(key[0]); c != nil && c.Plain() == "uuid" {
		return c.Name
	}
	return ""
}

func firstNonEmpty(words ...string) string {
	i := slices.IndexFunc(words, func(word string) bool { return word != "" })
	if i < 0 {
		return ""
	}
	return words[i]
}
