package step

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// AddColumn adds the column with its default, or adopts a column that already exists.
type AddColumn struct{ Target Target }

// ID implements Step.
func (s AddColumn) ID() ID { return s.Target.id("add-column") }

// Explain implements Step.
func (s AddColumn) Explain() Explanation {
	return Explanation{
		What:     "add column " + s.Target.Column + " with its default",
		Undo:     "drop the column; an existing column gets its default and comment back instead",
		Why:      "column and default come in one statement that rewrites nothing: no insert leaves NULL behind",
		Lock:     s.lockWords(),
		Scans:    "nothing",
		UndoneBy: ByItself,
	}
}

// lockWords describes the lock of the change that adds the column or sets its default.
func (s AddColumn) lockWords() string {
	if s.Target.IsTree() {
		return lockWords(s.Target.exclusive(), " on the table and all tables below it", briefly, "; the lock timeout applies to all of them together")
	}
	return lockWords(s.Target.exclusive(), briefly)
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
		return s.change(s.saved(v.Table), s.add(), t.commentMade(nil))
	case origin == Untouched && t.KeepsMark && t.Complete(v.Table):
		return nil // complete without rekey: down would have nothing to restore
	case origin == Untouched:
		return s.adopt(c, v)
	case !t.HasDefault(c):
		return s.changeOf(c, s.saved(v.Table), s.setDefault())
	default:
		return s.setDefaultBelow(v.Table)
	}
}

// setDefaultBelow sets the default of the tables below the root that have another one: a partition that was attached
// later keeps its own default.
func (s AddColumn) setDefaultBelow(root *catalog.Table) []Action {
	var actions []Action
	for _, table := range s.WithoutDefault(root) {
		one := s
		one.Target.Schema, one.Target.Table = table.Schema, table.Name
		actions = append(actions, one.change(s.saved(root), one.setDefault())...)
	}
	return actions
}

// WithoutDefault returns the tables below the root whose column has another default.
func (s AddColumn) WithoutDefault(root *catalog.Table) []*catalog.Table {
	var without []*catalog.Table
	for i := range root.Below {
		if c := root.Below[i].Column(s.Target.Column); c != nil && !s.Target.HasDefault(c) {
			without = append(without, &root.Below[i])
		}
	}
	return without
}

// adopt sets the mark first: from then on the catalogue shows that down must not drop the column. SET DEFAULT on the root
// also changes the tables below it.
func (s AddColumn) adopt(c *catalog.Column, v View) []Action {
	mark := s.Target.commentFound(c.Comment, s.foundMark(c, v))
	if s.Target.HasDefault(c) {
		return append([]Action{Change{Locks: s.Target.shared(), Statements: []string{mark}, Records: s.saved(v.Table)}}, s.setDefaultBelow(v.Table)...)
	}
	return s.changeOf(c, s.saved(v.Table), mark, s.setDefault())
}

func (s AddColumn) foundMark(c *catalog.Column, v View) Mark {
	mark := columnState(c, s.Target.HasIndex(v.Table))
	mark.Other, mark.Random, mark.Below = v.Data.Other, s.Target.Random(), s.Target.foundBelow(v.Table, mark)
	return mark
}

// columnState returns the properties of a column that down restores.
func columnState(c *catalog.Column, indexed bool) Mark {
	return Mark{Default: c.Default, Nullable: !c.NotNull && !c.Unproved, Indexed: indexed}
}

// Undo implements Step.
func (s AddColumn) Undo(v View) []Action {
	t := s.Target
	c := v.Table.Column(t.Column)
	switch origin, mark := t.Read(v.Table); origin {
	case Made:
		return s.change(s.forgotten(v.Table), sqltext.Format("ALTER TABLE {} DROP COLUMN {}", t.Name(), sqltext.Name(t.Column)))
	case Found:
		defaults := s.restoreDefaults(v.Table, mark)
		if len(defaults) == 0 {
			return []Action{Change{Locks: t.shared(), Statements: []string{t.commentPlain(c)}, Records: s.forgotten(v.Table)}}
		}
		return s.change(s.forgotten(v.Table), append([]string{t.commentPlain(c)}, defaults...)...)
	default:
		return nil
	}
}

// Rows implements Step.
func (AddColumn) Rows() RowReader { return nil }

func (s AddColumn) change(records []Record, statements ...string) []Action {
	return []Action{Change{Locks: s.Target.exclusive(), Statements: statements, Records: records}}
}

// changeOf returns a change with a guard: it runs only on the column that was inspected, not on another one of that name.
func (s AddColumn) changeOf(c *catalog.Column, records []Record, statements ...string) []Action {
	return []Action{Change{Locks: s.Target.exclusive(), Statements: statements, Guard: s.Target.isColumnNow(c), Records: records}}
}

// saved returns what the journal keeps when the column gets its default: values of existing rows must be older than the
// time of the change.
func (s AddColumn) saved(root *catalog.Table) (records []Record) {
	for _, table := range root.All() {
		records = append(records, Record{Kind: SaveCutoff, Table: table.Named(), Column: s.Target.Column})
		if table == root {
			records = append(records, Record{Kind: SaveNoOriginal, Table: table.Named(), Column: s.Target.Column})
		}
	}
	return records
}

// forgotten returns what the journal deletes when the column or its default goes.
func (s AddColumn) forgotten(root *catalog.Table) (records []Record) {
	for _, table := range root.All() {
		if c := table.Column(s.Target.Column); c != nil {
			records = append(records, Record{
				Kind: DeleteCutoff, Table: table.Named(), Column: c.Name, Relation: table.OID, Number: c.Number,
			})
		}
	}
	return records
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

// restoreDefaults returns the statements that restore the default of each table of a tree. A table that was attached
// later gets the root's former default.
func (s AddColumn) restoreDefaults(root *catalog.Table, mark Mark) (statements []string) {
	for _, table := range root.All() {
		found := mark.ofTable(table.Named())
		if c := table.Column(s.Target.Column); c != nil && c.Default != found.Default {
			name := sqltext.Table{Schema: table.Schema, Name: table.Name, Only: root.IsTree()}
			statements = append(statements, s.restoreDefault(name, found.Default))
		}
	}
	return statements
}

// restoreDefault sets a default from the text that pg_get_expr returned when the column was adopted.
func (s AddColumn) restoreDefault(table sqltext.Table, expression string) string {
	alter := sqltext.Format("ALTER TABLE {} ALTER COLUMN {} ", table, sqltext.Name(s.Target.Column))
	if expression == "" {
		return alter + "DROP DEFAULT"
	}
	return alter + "SET DEFAULT " + expression
}

// AfterApply implements Step.
func (s AddColumn) AfterApply(v View) View {
	origin, _ := s.Target.Read(v.Table)
	before := v
	v, c := s.Target.copyOf(v)
	switch origin {
	case Absent:
		for _, table := range v.Table.All() {
			table.Columns = append(table.Columns, catalog.Column{Name: s.Target.Column, Type: "uuid"})
		}
		v.Table.Column(s.Target.Column).Comment = optional(s.Target.madeComment(nil))
		v.Unfilled, v.Filled = true, nil
	case Untouched:
		if len(s.Apply(before)) == 0 {
			return before // complete without rekey
		}
		c.Comment = optional(s.Target.foundComment(c.Comment, s.foundMark(c, before)))
	case Made, Found:
	}
	for _, table := range v.Table.All() {
		s.Target.setCall(table.Column(s.Target.Column))
	}
	return v
}

// AfterUndo implements Step.
func (s AddColumn) AfterUndo(v View) View {
	origin, mark := s.Target.Read(v.Table)
	v, c := s.Target.copyOf(v)
	switch origin {
	case Made:
		v = BuildIndex(s).AfterUndo(v)
		for _, table := range v.Table.All() {
			table.Columns = slices.DeleteFunc(table.Columns, func(c catalog.Column) bool { return c.Name == s.Target.Column })
		}
	case Found:
		c.Comment = optional(plainComment(c))
		for _, table := range v.Table.All() {
			if own := table.Column(s.Target.Column); own != nil {
				own.Default, own.Calls = mark.ofTable(table.Named()).Default, ""
			}
		}
	case Absent, Untouched: // nothing to undo
	}
	return v
}

// ApplyScript implements Step.
func (s AddColumn) ApplyScript(v View) []Statement {
	actions := s.Apply(v)
	if len(actions) == 0 {
		return nil
	}
	t, e := s.Target, s.Explain()
	c := v.Table.Column(t.Column)
	switch origin, _ := t.Read(v.Table); origin {
	case Absent:
		all := []Statement{scripted(actions[0], t.Table+"_add_column", e.What+"; "+e.Why, condition.Not(t.hasColumn()))}
		all[0].Lock = s.lockWords()
		if t.IsTree() {
			all = first(all, condition.Refuse(t.Name(), t.Column, "true",
				" now has a column of that name, with which the column of its parent would be merged", "up"))
		}
		return all
	case Untouched:
		adopt := scripted(actions[0], t.Table+"_adopt_column",
			"adopt column "+t.Column+", which existed before: a mark in its comment records its properties, so that down can restore it",
			t.hasColumn(condition.Not("("+t.isFound()+")")))
		adopt.Lock = s.lockWords()
		if t.HasDefault(c) {
			adopt.Lock = lockWords(actions[0].Locked(), blocksNobody)
		}
		return append([]Statement{adopt}, s.defaultsScript(actions[1:], s.WithoutDefault(v.Table))...)
	default:
		lacking := s.WithoutDefault(v.Table)
		if !t.HasDefault(c) {
			lacking = []*catalog.Table{v.Table}
		}
		return s.defaultsScript(actions, lacking)
	}
}

// defaultsScript returns the statements that set the default of tables, one for each.
func (s AddColumn) defaultsScript(actions []Action, tables []*catalog.Table) (all []Statement) {
	for i, a := range actions {
		t := s.Target
		t.Schema, t.Table = tables[i].Schema, tables[i].Name
		one := scripted(a, t.Table+"_set_default", "set the default of column "+t.Column+" of "+t.String(), condition.Not(t.hasDefaultIn()))
		one.Lock = s.lockWords()
		all = append(all, one)
	}
	return all
}

// UndoScript implements Step.
func (s AddColumn) UndoScript(v View) []Statement {
	undo := onlyOne(s.Undo(v))
	if undo == nil {
		return nil
	}
	t := s.Target
	if origin, _ := t.Read(v.Table); origin == Made {
		drop := scripted(undo, t.Table+"_drop_column",
			"drop column "+t.Column+", without CASCADE and only if no other object depends on it", t.hasColumn(t.isMade()))
		drop.Lock = t.treeWords(undo.Locked())
		return first([]Statement{drop}, condition.Dependents(t.Name(), t.Column))
	}
	restore := scripted(undo, t.Table+"_give_back",
		"restore comment and default of column "+t.Column+", which existed before up; its values stay", t.hasColumn(t.isFound()))
	restore.Lock = t.treeWords(undo.Locked())
	if len(lock.Blocking(undo.Locked())) == 0 {
		restore.Lock = lockWords(undo.Locked(), blocksNobody, briefly)
	}
	return []Statement{restore}
}
