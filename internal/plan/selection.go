package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/profile"
	"github.com/rekey-pg/rekey/internal/step"
)

// Selection is which tables of a schema run get a column, and the names of what they get.
type Selection struct {
	Filter    discover.Filter
	Naming                      // of every table
	Overrides map[string]Naming // by table; empty fields are as in Naming

	Parents    []string    // other schemas whose tables may be parents of edges
	References []Reference // references without a foreign key to make edges of
}

// Reference is a column that refers to another table without a foreign key, as the user names it.
type Reference struct {
	Child, Column string // the table, in the schema of the run, and its integer column
	Parent        string // the table that it refers to: a name in the schema of the run, or schema.table
}

// Naming is the names that a table gets.
type Naming struct {
	Column string // the column's name
	Index  string // the index's name; {table} and {column} are replaced by the names
}

// The default names.
const (
	DefaultColumn = "uuid"
	DefaultIndex  = "{table}_{column}_idx"
)

// NamingFor returns the names that a table gets.
func (a Selection) NamingFor(table string) Naming {
	own := a.Overrides[table]
	return Naming{Column: firstNonEmpty(own.Column, a.Column, DefaultColumn), Index: firstNonEmpty(own.Index, a.Naming.Index, DefaultIndex)}
}

// columns returns the column of each table that has overrides.
func (a Selection) columns() map[string]string {
	columns := map[string]string{}
	for table := range a.Overrides {
		columns[table] = a.NamingFor(table).Column
	}
	return columns
}

// Target returns the names of the objects that a table gets. An existing name takes precedence over the naming: the index
// that a mark names and, on the way up, any index that already keeps the column unique.
func (a Selection) Target(schema string, table *catalog.Table, direction Direction) step.Target {
	naming := a.NamingFor(table.Name)
	t := step.Target{
		Schema: schema, Table: table.Name, Column: naming.Column, Index: naming.indexName(table.Name),
		Check: Name("rekey", naming.Column, "not_null"), Function: functionOf(schema), KeepsMark: true,
	}
	t.Keys = shardKeys(table, t.Column)
	if table.IsTree() {
		t, _ = t.ForTree(table)
		t.Pattern = naming.Index
		t.Index = step.IndexName(naming.Index, table.Name, strings.Join(t.IndexColumns(), "_"))
	}
	origin, as := t.Read(table)
	if (origin == step.Made || origin == step.Found) && as.Newer == 0 {
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

// servingIndex returns the name of an index that keeps the column unique, or else the target's.
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

// choose decides for every relation of the schema whether it gets a column. A mark chooses a table as if it were named, so
// that down undoes what up made when the table was named.
func (a Selection) choose(schema catalog.Schema) []discover.Choice {
	choices := append([]discover.Choice{}, discover.Choose(schema, a.Filter)...)
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

func (a Selection) known() []profile.Library { return a.Filter.Libraries }

func (a Selection) chosen(schema catalog.Schema) []string { return chosenNames(a.choose(schema)) }

func chosenNames(choices []discover.Choice) []string {
	names := []string{}
	for _, c := range choices {
		if c.Decision == discover.Chosen {
			names = append(names, c.Table)
		}
	}
	return names
}

func (a Selection) reading() Reading {
	return Reading{All: true, Column: a.NamingFor("").Column, Columns: a.columns()}
}

// uuidKey returns the primary key's column if it is the only one and a uuid.
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

func firstNonEmpty(texts ...string) string {
	i := slices.IndexFunc(texts, func(text string) bool { return text != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}
