package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// MoveArbiter makes the unique indexes of the integer column plain ones, as far as their twins keep the rows unique, so that
// INSERT .. ON CONFLICT can name the uuid column. It is the last step of an edge: a row without a uuid would escape the twin.
//
// The new index is built under a temporary name and then takes the old one's place in one transaction. The mark records the
// way back.
type MoveArbiter struct {
	Edge Edge
}

// MovedIndex is a unique index that is plain now. The plain one has its name and everything else that it had.
type MovedIndex struct {
	Index string `json:"index"`
	// Constraint says that the index belonged to a UNIQUE constraint of its name, and Comment is the constraint's comment.
	Constraint bool   `json:"constraint,omitempty"`
	Comment    string `json:"comment,omitempty"`
}

// temporaryIndex begins the name of an index that takes another one's place as soon as it is built.
const temporaryIndex = "~rekey_"

// IsTemporaryIndex reports whether an index is one that rekey builds to replace another one.
func IsTemporaryIndex(name string) bool { return strings.HasPrefix(name, temporaryIndex) }

// ID implements Step.
func (s MoveArbiter) ID() ID { return s.Edge.id("move-arbiter") }

// Explain implements Step.
func (s MoveArbiter) Explain() Explanation {
	return Explanation{
		What: "make the unique indexes on " + s.Edge.Column + " plain ones where the twins on " + s.Edge.UUID + " take over, or unique again",
		Undo: "make them unique again, as they were, before the twins are dropped",
		Why:  "INSERT .. ON CONFLICT works with one of two unique indexes on the same values: the other one raises unique_violation",
		Lock: lockWords(s.Edge.on(lock.ShareUpdateExclusive), blocksNobody) + "; " +
			lockWords(s.Edge.on(lock.AccessExclusive), briefly) + ", for each index while the new one takes its name",
		Scans:    "the table, twice for each unique index that changes",
		UndoneBy: ByItself,
	}
}

// Check implements Step.
func (s MoveArbiter) Check(v View) Outcome {
	for _, change := range s.changes(v) {
		switch {
		case change.moves:
			return pending("unique index " + change.twin.Of + " is still unique, in addition to " + change.twin.Name)
		case change.returns:
			return pending("index " + change.twin.Of + " is not unique again")
		default:
			return pending("index " + temporaryName(change.twin.Of) + " is left")
		}
	}
	return done()
}

// Apply implements Step. It returns one action at a time: each one writes the whole mark.
func (s MoveArbiter) Apply(v View) []Action {
	child := v.Relation(s.Edge.Child)
	for _, change := range s.changes(v) {
		switch {
		case change.moves:
			if a := s.Edge.move(child, change.table, change.twin); a != nil {
				return []Action{a}
			}
		case change.returns:
			return s.Edge.giveBack(child, change.table, change.twin)
		default:
			return []Action{dropOn(change.table, temporaryName(change.twin.Of))}
		}
	}
	return nil
}

// arbiterChange is a copied index that is to become plain or unique. If it is neither, an unused replacement of it is left.
type arbiterChange struct {
	table          *catalog.Table
	twin           IndexTwin
	moves, returns bool
}

// changes returns the indexes that the way up has to change.
func (s MoveArbiter) changes(v View) []arbiterChange {
	child := v.Relation(s.Edge.Child)
	var all []arbiterChange
	for _, t := range s.Edge.Twins {
		table := s.Edge.tableOf(v, t)
		if table == nil || !t.OfUnique {
			continue
		}
		moved := t.moved(child, table)
		change := arbiterChange{table: table, twin: t, moves: t.Moves && !moved, returns: t.Returns && moved}
		if change.moves || change.returns || table.Index(temporaryName(t.Of)) != nil {
			all = append(all, change)
		}
	}
	return all
}

// Undo implements Step.
func (s MoveArbiter) Undo(v View) []Action {
	child := v.Relation(s.Edge.Child)
	if child == nil || !s.Edge.made(child) {
		return nil
	}
	for _, t := range s.Edge.Twins {
		table := s.Edge.tableOf(v, t)
		switch {
		case table == nil || !t.OfUnique:
		case t.moved(child, table):
			return s.Edge.giveBack(child, table, t)
		case table.Index(temporaryName(t.Of)) != nil:
			return []Action{dropOn(table, temporaryName(t.Of))}
		}
	}
	return nil
}

// Rows implements Step.
func (MoveArbiter) Rows() RowReader { return nil }

// moved reports whether the twin has taken the uniqueness over: a mark of the child says so, or the copied index is not unique
// and up's twin of it is, after the mark was written again by hand.
func (t IndexTwin) moved(child, table *catalog.Table) bool {
	of := table.Index(t.Of)
	if of == nil || of.Unique {
		return false
	}
	if _, mark := movedIn(child, t.Of); mark != nil {
		return true
	}
	twin := table.Index(t.Name)
	return twin != nil && twin.Unique && slices.Contains(madeTwins(child), t.Name)
}

// movedIn returns the column of a child whose mark says that an index was moved, and the mark; nil if there is none.
func movedIn(child *catalog.Table, index string) (*catalog.Column, *EdgeMark) {
	for i := range child.Columns {
		mark, ok := ReadEdgeMark(&child.Columns[i])
		if ok && slices.ContainsFunc(mark.Moved, func(m MovedIndex) bool { return m.Index == index }) {
			return &child.Columns[i], &mark
		}
	}
	return nil, nil
}

// MovedAway returns the names of the indexes that the marks of a child name as moved and that do not exist any more: nothing
// shows how to make them again.
func MovedAway(child *catalog.Table) []string {
	var names []string
	for i := range child.Columns {
		mark, _ := ReadEdgeMark(&child.Columns[i])
		for _, m := range mark.Moved {
			if child.Index(m.Index) == nil {
				names = append(names, m.Index)
			}
		}
	}
	return names
}

// move returns the next action that makes the copied index plain; nil while the twin does not keep the rows unique.
func (e Edge) move(child, table *catalog.Table, t IndexTwin) Action {
	twin, of := table.Index(t.Name), table.Index(t.Of)
	if !e.made(child) || twin == nil || of == nil || !twin.Valid || !twin.Unique || !t.hasShape(twin) || !finished(child, twin) {
		return nil
	}
	built, next := rebuilt(table, of, false)
	if next != nil {
		return next
	}
	own := child.Column(e.UUID)
	_, mark := e.ReadMark(child)
	mark.Moved = append(slices.Clone(mark.Moved), MovedIndex{Index: of.Name, Constraint: of.Constraint != "", Comment: text(of.ConstraintComment)})
	slices.SortFunc(mark.Moved, func(a, b MovedIndex) int { return strings.Compare(a.Index, b.Index) })
	statements := []string{dropIndexSQL(table, of), renameIndexSQL(table, built.Name, of.Name)}
	statements = append(statements, detailsOf(table, of)...)
	return Change{
		Locks: e.on(lock.AccessExclusive), Guard: indexesAre(table, own, twin, of, built) + " AND EXISTS (" + e.wiredNow(e.Child) + ")",
		Statements: append(statements, commentOn(table, own.Name, mark.Comment(own.Comment))), Dropped: []string{of.Name},
	}
}

// giveBack returns the next action that makes the copied index unique again.
func (e Edge) giveBack(child, table *catalog.Table, t IndexTwin) []Action {
	of := table.Index(t.Of)
	built, next := rebuilt(table, of, true)
	if next != nil {
		return []Action{next}
	}
	own, mark := movedIn(child, of.Name)
	was := MovedIndex{Index: of.Name}
	if mark != nil {
		at := slices.IndexFunc(mark.Moved, func(m MovedIndex) bool { return m.Index == of.Name })
		was, mark.Moved = mark.Moved[at], slices.Delete(slices.Clone(mark.Moved), at, at+1)
	}
	statements := []string{dropIndexSQL(table, of)}
	if was.Constraint {
		statements = append(statements, sqltext.Format("ALTER TABLE {} ADD CONSTRAINT {} UNIQUE USING INDEX {}", table.Named(), sqltext.Name(of.Name), sqltext.Name(built.Name)))
	} else {
		statements = append(statements, renameIndexSQL(table, built.Name, of.Name))
	}
	statements = append(statements, detailsOf(table, of)...)
	if was.Comment != "" {
		statements = append(statements, sqltext.Format("COMMENT ON CONSTRAINT {} ON {} IS {}", sqltext.Name(of.Name), table.Named(), sqltext.Value(was.Comment)))
	}
	if mark != nil {
		statements = append(statements, commentOn(table, own.Name, mark.Comment(own.Comment)))
	}
	return []Action{Change{Locks: e.on(lock.AccessExclusive), Guard: indexesAre(table, own, of, built), Statements: statements, Dropped: []string{of.Name}}}
}

// finished reports whether the edges of all uuid columns of a twin were finished: no row lacks a uuid.
func finished(child *catalog.Table, twin *catalog.Index) bool {
	for i := range child.Columns {
		mark, ok := ReadEdgeMark(&child.Columns[i])
		if ok && holds(twin, child.Columns[i].Name) && !mark.Finished {
			return false
		}
	}
	return true
}

// rebuilt returns the index that is to take another one's place, which differs only in its uniqueness, or the next action that
// builds it.
func rebuilt(table *catalog.Table, of *catalog.Index, unique bool) (built *catalog.Index, next Action) {
	tokens, at := fromUsing(of.Definition)
	end := len(tokens)
	if predicate, ok := sqltext.Tokens(of.Predicate); ok && of.Predicate != "" {
		end -= len(predicate) + 1 // and WHERE
	}
	return builtAs(table, IndexTwin{
		Table: table.Named(), Name: temporaryName(of.Name), Unique: unique, Definition: sqltext.Join(tokens[max(at, 0):end]),
		Tablespace: of.Place(), Predicate: of.Predicate,
	})
}

// builtAs returns a valid index as it is wanted, or the next action that builds it.
func builtAs(table *catalog.Table, want IndexTwin) (built *catalog.Index, next Action) {
	built = table.Index(want.Name)
	switch {
	case built == nil:
		return nil, want.build()
	case !built.Valid, want.Tablespace != "" && built.Place() != want.Tablespace, !want.fits(built):
		return nil, dropOn(table, want.Name)
	}
	return built, nil
}

// replace returns the next action that makes a twin unique or plain. At no time the uuid column is without its index.
func (t IndexTwin) replace(e Edge, table *catalog.Table, i *catalog.Index) Action {
	want := t
	want.Name = temporaryName(t.Name)
	built, next := builtAs(table, want)
	if next != nil {
		return next
	}
	statements := []string{dropIndexSQL(table, i), renameIndexSQL(table, built.Name, i.Name)}
	return Change{
		Locks: e.on(lock.AccessExclusive), Guard: indexesAre(table, nil, i, built), Statements: append(statements, detailsOf(table, i)...), Dropped: []string{i.Name},
	}
}

func temporaryName(index string) string { return IndexName(temporaryIndex+index, "", "") }

func dropOn(table *catalog.Table, index string) Action {
	return Concurrently{Table: table.Named(), Index: index, Statement: sqltext.Format("DROP INDEX CONCURRENTLY {}", sqltext.Table{Schema: table.Schema, Name: index})}
}

func dropIndexSQL(table *catalog.Table, i *catalog.Index) string {
	if i.Constraint != "" {
		return sqltext.Format("ALTER TABLE {} DROP CONSTRAINT {}", table.Named(), sqltext.Name(i.Constraint))
	}
	return sqltext.Format("DROP INDEX {}", sqltext.Table{Schema: table.Schema, Name: i.Name})
}

func renameIndexSQL(table *catalog.Table, from, to string) string {
	return sqltext.Format("ALTER INDEX {} RENAME TO {}", sqltext.Table{Schema: table.Schema, Name: from}, sqltext.Name(to))
}

// detailsOf returns the statements that give an index what its definition does not say.
func detailsOf(table *catalog.Table, i *catalog.Index) []string {
	var statements []string
	name := sqltext.Table{Schema: table.Schema, Name: i.Name}
	if i.Comment != nil {
		statements = append(statements, sqltext.Format("COMMENT ON INDEX {} IS {}", name, sqltext.Value(*i.Comment)))
	}
	for n, target := range i.Statistics {
		if target >= 0 {
			statements = append(statements, sqltext.Format("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}", name, n+1, int(target)))
		}
	}
	if i.Clustered {
		statements = append(statements, sqltext.Format("ALTER TABLE {} CLUSTER ON {}", table.Named(), sqltext.Name(i.Name)))
	}
	return statements
}

func commentOn(table *catalog.Table, column, comment string) string {
	return sqltext.Format("COMMENT ON COLUMN {}.{} IS {}", table.Named(), sqltext.Name(column), sqltext.Value(comment))
}

// indexesAre returns the guard of a change that drops one of several indexes: all are valid and as they were seen, with their
// comments, and so is the comment of the marked column, which may be nil.
func indexesAre(table *catalog.Table, marked *catalog.Column, indexes ...*catalog.Index) string {
	relation := sqltext.Value(sqltext.Qualified(table.Schema, table.Name))
	var seen []string
	for _, i := range indexes {
		seen = append(seen, sqltext.Format("({}, {}, {})", sqltext.Value(i.Name), sqltext.Value(i.Definition), sqltext.Value(text(i.Comment))))
	}
	guard := sqltext.Format("SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class n ON n.oid = i.indexrelid WHERE i.indrelid = {}::pg_catalog.regclass AND i.indisvalid"+
		" AND (n.relname::text, pg_catalog.pg_get_indexdef(i.indexrelid), coalesce(pg_catalog.obj_description(i.indexrelid, 'pg_class'), '')) IN (", relation) +
		strings.Join(seen, ", ") + sqltext.Format(") HAVING pg_catalog.count(*) = {}", len(indexes))
	if marked != nil {
		guard += sqltext.Format(" AND EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {}::pg_catalog.regclass AND a.attname = {}"+
			" AND pg_catalog.col_description(a.attrelid, a.attnum) = {})", relation, sqltext.Value(marked.Name), sqltext.Value(text(marked.Comment)))
	}
	return guard
}

// AfterApply implements Step. Scripts are refused while the step has something to do.
func (MoveArbiter) AfterApply(v View) View { return v }

// AfterUndo implements Step.
func (MoveArbiter) AfterUndo(v View) View { return v }

// ApplyScript implements Step.
func (MoveArbiter) ApplyScript(View) []Statement { return nil }

// UndoScript implements Step.
func (MoveArbiter) UndoScript(View) []Statement { return nil }
