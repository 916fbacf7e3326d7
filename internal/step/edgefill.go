package step

import (
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// NotFilled is what an edge lacks that is not filled.
const NotFilled = "rows without the uuid of their parent"

// FillEdge gives the uuid of the parent to every row that refers to one.
type FillEdge struct {
	Edge Edge
}

// ID implements Step.
func (s FillEdge) ID() ID { return s.Edge.id("fill") }

// Explain implements Step.
func (s FillEdge) Explain() Explanation {
	return Explanation{
		What:     "fill " + s.Edge.UUID + " in the existing rows with the uuids of " + s.Edge.Parent.String(),
		Undo:     "nothing: the values go with the column",
		Why:      "in short committed batches, which look up the parent and update the row in one statement and skip locked rows",
		Lock:     lockWords(Fill{Target: s.Edge.Target()}.Locked(), ", and the batch's own rows"),
		Scans:    "the child, a few pages at a time, and the parent by its key",
		UndoneBy: Absorbed,
	}
}

// Check implements Step.
func (s FillEdge) Check(v View) Outcome {
	return outcomeIf(forAllParts(s.Edge.Target(), v, filled), NotFilled)
}

// Apply implements Step. The CHECK makes the application's updates of unfilled rows fail, so that it is dropped first.
func (s FillEdge) Apply(v View) []Action {
	e := s.Edge
	actions := forEachPart(e.Target(), v, func(t Target, v View) []Action {
		if filled(t, v) {
			return nil
		}
		return []Action{Fill{Target: t, Edge: &e}}
	})
	if len(actions) > 0 && e.proof(v.Table) != nil {
		actions = append([]Action{e.dropCheck(e.hasProofNow())}, actions...)
	}
	return actions
}

// Undo implements Step.
func (s FillEdge) Undo(View) []Action { return nil }

// Rows implements Step.
func (s FillEdge) Rows() RowReader { return s }

// Unfilled implements RowReader.
func (s FillEdge) Unfilled(table sqltext.Table) string {
	return sqltext.Format("SELECT FROM {} c WHERE ", table) + s.Edge.Missing("c") + " AND EXISTS (" + s.Edge.parentOf("c") + ") LIMIT 1"
}

// Stuck implements RowReader: the integer of such a row is no key of the parent.
func (s FillEdge) Stuck(table sqltext.Table) string {
	return s.Edge.countOrphans(table, s.Edge.Missing("c"))
}

// Orphans returns a query for the rows of the child, or of one table below it, that refer to no row of the parent, whether the
// uuid column exists or not. Its one row has their number, as int8, and examples of their keys, as text[].
func (e Edge) Orphans(table sqltext.Table) string { return e.countOrphans(table, e.refers("c")) }

func (e Edge) countOrphans(table sqltext.Table, rows string) string {
	return "SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(DISTINCT o.key))[1:5], '{}') FROM (" +
		sqltext.Format("SELECT c.{}::pg_catalog.text AS key FROM {} c WHERE ", sqltext.Name(e.Column), table) +
		rows + " AND NOT EXISTS (" + e.parentOf("c") + ")) o"
}

// SelectOrphans returns a query for the rows that refer to no row of the parent, to be shown to a person.
func (e Edge) SelectOrphans() string {
	return sqltext.Format("SELECT * FROM {} c WHERE ", e.Child) + e.refers("c") + " AND NOT EXISTS (" + e.parentOf("c") + ")"
}

// Missing returns the condition of a row that refers to a parent and has no uuid.
func (e Edge) Missing(alias string) string {
	return sqltext.Format("{}.{} IS NULL AND ", sqltext.Name(alias), sqltext.Name(e.UUID)) + e.refers(alias)
}

// refers returns the condition of a row that refers to a parent.
func (e Edge) refers(alias string) string {
	given := []string{sqltext.Format("{}.{} IS NOT NULL", sqltext.Name(alias), sqltext.Name(e.Column))}
	for _, part := range e.Parts() {
		given = append(given, sqltext.Format("{}.{} IS NOT NULL", sqltext.Name(alias), sqltext.Name(part.Child)))
	}
	return strings.Join(given, " AND ")
}

// ParentUUIDOf returns a query for the uuid of the parent of a row of the child.
func (e Edge) ParentUUIDOf(alias string) string {
	return sqltext.Format("SELECT p.{}", sqltext.Name(e.ParentUUID)) + strings.TrimPrefix(e.parentOf(alias), "SELECT")
}

// parentOf returns a query that returns a row if the parent of a row of the child exists.
func (e Edge) parentOf(alias string) string {
	var equal []string
	for _, part := range append([]EdgePart{{Child: e.Column, Parent: e.Key}}, e.Parts()...) {
		equal = append(equal, sqltext.Format("p.{} OPERATOR(pg_catalog.=) {}.{}", sqltext.Name(part.Parent), sqltext.Name(alias), sqltext.Name(part.Child)))
	}
	return sqltext.Format("SELECT FROM {} p WHERE ", e.Parent) + strings.Join(equal, " AND ")
}
