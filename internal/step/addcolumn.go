package step

import (
	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// AddColumn adds the column with its default, or adopts one that is there.
type AddColumn struct{ Target Target }

// ID implements Step.
func (s AddColumn) ID() ID { return s.Target.id("add-column") }

// Explain implements Step.
func (s AddColumn) Explain() Explanation {
	lock := "ACCESS EXCLUSIVE, an instant"
	if s.Target.IsTree() {
		lock = "ACCESS EXCLUSIVE on the table and all that is below it, an instant; waited for in all no longer than for one"
	}
	return Explanation{
		What:   "add column " + s.Target.Column + " with its default",
		Undo:   "drop the column; one that was found gets its default and comment back instead",
		Why:    "column and default come in one statement that rewrites nothing: no insert leaves NULL behind",
		Lock:   lock,
		Scans:  "nothing",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s AddColumn) Check(v View) Outcome {
	c := v.Table.Column(s.Target.Column)
	if c == nil {
		return pending("no column " + s.Target.Column)
	}
	return outcomeIf(s.Target.HasDefault(c) && len(s.WithoutDefault(v.Table)) == 0, "another default, or none")
}

// Apply implements Step.
func (s AddColumn) Apply(v View) []Action {
	t := s.Target
	c := v.Table.Column(t.Column)
	switch origin, _ := t.Read(v.Table); {
	case origin == Absent:
		return s.change(s.add(), t.commentMade(nil))
	case origin == Untouched && t.KeepsMark && t.Complete(v.Table):
		return nil // somebody else's, and whole: there is nothing that down would have to give back
	case origin == Untouched:
		return s.adopt(c, v)
	case !t.HasDefault(c):
		return s.changeOf(c, s.setDefault())
	default:
		return s.setDefaultBelow(v.Table)
	}
}

// below gives the default to what has come under the table since: a table that was attached keeps its own.
func (s AddColumn) setDefaultBelow(root *catalog.Table) []Action {
	var actions []Action
	for _, table := range s.WithoutDefault(root) {
		one := s
		one.Target.Schema, one.Target.Table = table.Schema, table.Name
		actions = append(actions, one.change(one.setDefault())...)
	}
	return actions
}

// Lacking are the tables below the top whose column has another default.
func (s AddColumn) WithoutDefault(root *catalog.Table) []*catalog.Table {
	var lacking []*catalog.Table
	for i := range root.Below {
		if c := root.Below[i].Column(s.Target.Column); c != nil && !s.Target.HasDefault(c) {
			lacking = append(lacking, &root.Below[i])
		}
	}
	return lacking
}

// adopt marks first: from here on the catalogue tells that down must not drop the column. A default of the table at the top
// goes to all that is below it.
func (s AddColumn) adopt(c *catalog.Column, v View) []Action {
	mark := s.Target.commentFound(c.Comment, s.foundMark(c, v))
	if s.Target.HasDefault(c) {
		return append([]Action{Change{Table: s.Target.Relation(), Statements: []string{mark}}}, s.setDefaultBelow(v.Table)...)
	}
	return s.changeOf(c, mark, s.setDefault())
}

func (s AddColumn) foundMark(c *catalog.Column, v View) Mark {
	as := columnState(c, s.Target.HasIndex(v.Table))
	as.Other, as.Random, as.Below = v.Data.Other, s.Target.Random(), s.Target.foundBelow(v.Table, as)
	return as
}

func columnState(c *catalog.Column, indexed bool) Mark {
	return Mark{Default: c.Default, Nullable: !c.NotNull && !c.Unproved, Indexed: indexed}
}

// Undo implements Step.
func (s AddColumn) Undo(v View) []Action {
	t := s.Target
	c := v.Table.Column(t.Column)
	switch origin, as := t.Read(v.Table); origin {
	case Made:
		return s.change(sqltext.Format("ALTER TABLE {} DROP COLUMN {}", t.Name(), sqltext.Name(t.Column)))
	case Found:
		defaults := s.restoreDefaults(v.Table, as)
		if len(defaults) == 0 {
			return []Action{Change{Table: t.Relation(), Statements: []string{t.commentPlain(c)}}}
		}
		return s.change(append([]string{t.commentPlain(c)}, defaults...)...)
	default:
		return nil
	}
}

func (s AddColumn) change(statements ...string) []Action {
	return []Action{Change{Table: s.Target.Relation(), Exclusive: true, Statements: statements}}
}

// changeOf is a change of the column that was inspected, and of no other of its name.
func (s AddColumn) changeOf(c *catalog.Column, statements ...string) []Action {
	return []Action{Change{Table: s.Target.Relation(), Exclusive: true, Statements: statements, Guard: s.Target.isColumnNow(c)}}
}

func (s AddColumn) add() string {
	t := s.Target
	return sqltext.Format("ALTER TABLE {} ADD COLUMN {} pg_catalog.uuid, ALTER COLUMN {} SET DEFAULT {}()",
		t.Name(), sqltext.Name(t.Column), sqltext.Name(t.Column), t.Function)
}

func (s AddColumn) setDefault() string {
	return sqltext.Format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}()",
		s.Target.Name(), sqltext.Name(s.Target.Column), s.Target.Function)
}

// defaultsFound gives each table the default back that it had. One that came under the top since has that of the top.
func (s AddColumn) restoreDefaults(root *catalog.Table, as Mark) (statements []string) {
	for _, table := range root.All() {
		found := as.ofTable(table.Schema + "." + table.Name)
		if c := table.Column(s.Target.Column); c != nil && c.Default != found.Default {
			name := sqltext.Table{Schema: table.Schema, Name: table.Name, Only: root.IsTree()}
			statements = append(statements, s.restoreDefault(name, found.Default))
		}
	}
	return statements
}

// giveDefault restores a default from the text that PostgreSQL itself wrote of it when it was found.
func (s AddColumn) restoreDefault(table sqltext.Table, expression string) string {
	alter := sqltext.Format("ALTER TABLE {} ALTER COLUMN {} ", table, sqltext.Name(s.Target.Column))
	if expression == "" {
		return alter + "DROP DEFAULT"
	}
	return alter + "SET DEFAULT " + expression
}
