package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
)

// UnsupportedKind is how a column refers to other tables in a way that no uuid column next to it can mirror.
type UnsupportedKind string

// The kinds of unsupported references.
const (
	Polymorphic UnsupportedKind = "polymorphic" // another column says to which table an id belongs
	IDArray     UnsupportedKind = "array"       // an array of ids
	IDDocument  UnsupportedKind = "json"        // ids in a JSON document
)

// Unsupported is a column that refers to other tables and never becomes an edge.
type Unsupported struct {
	Child, Column string
	Kind          UnsupportedKind
	Parent        string   // "" if it is not known, or if there are several
	Evidence      []string // why it may be a reference, in words
	Partner       string   // of a polymorphic reference: the column that names the table

	parent *catalog.Table
}

// IDSample has the facts that a sample of the rows of an unsupported reference shows.
type IDSample struct {
	Types   []string // the distinct values of the partner column
	Overlap Overlap  // of the ids in arrays
	Keys    []string // of JSON documents: the keys with numbers, or arrays of numbers, as values
}

// ParentKey returns the parent and its integer key; nil and "" if the column refers to no single table.
func (u Unsupported) ParentKey() (parent *catalog.Table, key string) {
	if u.parent == nil {
		return nil, ""
	}
	return u.parent, IntegerKey(u.parent)
}

// UnsupportedCandidates returns the columns whose samples show whether they are unsupported references.
func (s Input) UnsupportedCandidates() []Unsupported {
	s.IDSamples = nil
	return s.unsupported(s.Goals(), true)
}

// unsupported returns the unsupported references of the goals' tables. It drops those that names suggest and a sample does not
// support. Every JSON column may have keys with ids, so that without a sample only its name counts, unless all is true.
func (s Input) unsupported(goals Goals, all bool) (list []Unsupported) {
	parents := nouns(goals)
	for _, goal := range goals.Tables {
		for _, c := range goal.Table.Columns {
			if u, ok := unsupportedByName(goal.Table, c, parents); ok {
				sample, read := s.IDSamples[Reference{Child: u.Child, Column: u.Column}]
				if u, ok = u.with(sample, read, parents); ok || all {
					list = append(list, u)
				}
			}
		}
	}
	return list
}

// unsupportedByName returns the unsupported reference that the names and types of a column suggest.
func unsupportedByName(table *catalog.Table, c catalog.Column, parents nounTables) (u Unsupported, ok bool) {
	u = Unsupported{Child: table.Name, Column: c.Name}
	var named []string
	if stem, isPlural := strings.CutSuffix(c.Name, idsSuffix); isPlural {
		if u.parent, _ = parents.of(stem + idSuffix); u.parent != nil {
			named = []string{fmt.Sprintf("name: %s may be ids of rows of %s", c.Name, u.parent.Name), "type: " + c.Type}
		}
	}
	switch {
	case hasKeyOn(table, c.Name):
		return u, false
	case arrayOfIDs(c) && u.parent != nil:
		u.Kind, u.Evidence = IDArray, named
	case document(c):
		u.Kind, u.Evidence = IDDocument, named
	default:
		u.Kind, u.Partner, u.Evidence = Polymorphic, partner(table, c), nil
		if u.Partner != "" {
			u.Evidence = []string{"name: " + u.Partner + " may name the table of " + c.Name}
		}
		if parent, _ := parents.of(c.Name); parent != nil && !djangoPair(c.Name) {
			u.parent = parent // an ordinary reference, unless the partner's values name tables
		}
		return u, u.Partner != ""
	}
	if u.parent != nil {
		u.Parent = u.parent.Name
	}
	return u, true
}

const (
	idsSuffix    = "_ids"
	typeSuffix   = "_type"
	djangoID     = "object_id"
	djangoTypeID = "content_type_id"
)

// arrayOfIDs reports whether a column is an array of integers, or of text, which may hold ids.
func arrayOfIDs(c catalog.Column) bool {
	of, isArray := strings.CutSuffix(c.Plain(), "[]")
	return isArray && (slices.Contains([]string{"smallint", "integer", "bigint", "text"}, of) || strings.HasPrefix(of, "character varying"))
}

// document reports whether a column holds JSON.
func document(c catalog.Column) bool { return c.Plain() == "jsonb" || c.Plain() == "json" }

// djangoPair reports whether a column has the name that Django's generic relations use.
func djangoPair(name string) bool { return name == djangoID || strings.HasSuffix(name, "_"+djangoID) }

// partner returns the column that names the table of a polymorphic id, by the conventions of Rails, Laravel and Django; "" if
// there is none.
func partner(table *catalog.Table, c catalog.Column) string {
	stem, isID := strings.CutSuffix(c.Name, idSuffix)
	if !isID || !c.Integer() && !Textual(c.Plain()) || c.Generated {
		return ""
	}
	if t := table.Column(stem + typeSuffix); t != nil && Textual(t.Plain()) {
		return t.Name
	}
	if prefix, isObject := strings.CutSuffix(c.Name, djangoID); isObject && djangoPair(c.Name) {
		if t := table.Column(prefix + djangoTypeID); t != nil && t.Integer() {
			return t.Name
		}
	}
	return ""
}

// with returns the reference with what a sample of its rows shows, and whether the evidence suffices to list it.
func (u Unsupported) with(sample IDSample, read bool, parents nounTables) (Unsupported, bool) {
	switch u.Kind {
	case Polymorphic:
		return u.withTypes(sample.Types, read, parents)
	case IDArray:
		if o := sample.Overlap; o.Distinct > 0 {
			u.Evidence = append(u.Evidence, "values: "+o.String())
			return u, o.Likely() || o.Distinct <= fewDistinct && o.Found == o.Distinct
		}
		return u, strings.Contains(u.Evidence[1], "int") // without values, only an array of integers holds ids
	case IDDocument:
	}
	var keys []string
	for _, key := range sample.Keys {
		name := snake(key)
		stem := strings.TrimSuffix(strings.TrimSuffix(name, idsSuffix), idSuffix)
		if parent, _ := parents.of(stem + idSuffix); parent != nil && stem != name {
			keys = append(keys, key+" ("+parent.Name+")")
		}
	}
	if keys != nil {
		u.Evidence = append(u.Evidence, "keys of a sample with numbers as values: "+strings.Join(firstOf(keys), ", "))
	}
	return u, u.Evidence != nil
}

// withTypes decides about a polymorphic reference: at least half of the types name tables. Its evidence has the names of tables, not the values of the application.
func (u Unsupported) withTypes(types []string, read bool, parents nounTables) (Unsupported, bool) {
	if djangoPair(u.Column) {
		return u, true
	}
	var named []string
	for _, value := range types {
		if t := parents.ofClass(value); t != nil && !slices.Contains(named, t.Name) {
			named = append(named, t.Name)
		}
	}
	if len(named)*2 >= len(types) && named != nil {
		u.Evidence = append(u.Evidence, fmt.Sprintf("values: rows of %s name %s", u.Partner, strings.Join(firstOf(named), ", ")))
		return u, true
	}
	return u, u.parent == nil && (!read || len(types) == 0)
}

// firstOf returns the first few of a list, and says that there are more.
func firstOf(list []string) []string {
	const most = 5
	if len(list) > most {
		return append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return list
}

// ofClass returns the table of a class or a table name, as in App\Models\BlogPost, Blog::Post, blog_posts or blog.post; nil if
// there is none.
func (n nounTables) ofClass(value string) *catalog.Table {
	if at := strings.LastIndexAny(value, `\:./`); at >= 0 {
		value = value[at+1:]
	}
	return n.only(snake(value))
}

// snake returns a name in camel case in snake case: blog_post for BlogPost.
func snake(name string) string {
	var words strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				words.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		words.WriteRune(r)
	}
	return words.String()
}

// unfit returns why the reference cannot become an edge, and what would help.
func (u Unsupported) unfit() (why, hint string) {
	switch u.Kind {
	case Polymorphic:
		return "it is polymorphic: " + u.Partner + " says to which table an id in " + u.Column + " belongs, and a foreign key refers to one table",
			"Give each parent a column of its own, with a foreign key, and name one of these"
	case IDArray:
		return "column " + u.Column + " is an array of ids, and no foreign key can refer from an array", "Move the ids to a table of their own, with a foreign key, and name its column"
	case IDDocument:
	}
	return "column " + u.Column + " holds ids in JSON documents, and no foreign key can refer from a document", "Move the ids to a column of their own, and name that"
}

// unsupportedColumn returns the unsupported reference of a column that the user names. Arrays and documents are unsupported
// whatever their names and rows show.
func (f linkFinder) unsupportedColumn(child *catalog.Table, column string) (u Unsupported, ok bool) {
	at := slices.IndexFunc(f.unsupported, func(u Unsupported) bool { return u.Child == child.Name && u.Column == column })
	if at >= 0 {
		return f.unsupported[at], true
	}
	c := child.Column(column)
	switch {
	case c == nil:
	case document(*c):
		return Unsupported{Child: child.Name, Column: column, Kind: IDDocument}, true
	case strings.HasSuffix(c.Plain(), "[]"):
		return Unsupported{Child: child.Name, Column: column, Kind: IDArray}, true
	}
	return u, false
}
