package step

import (
	"encoding/json"
	"strings"

	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// The conditions of the statements of an edge. A script decides by the catalogue alone; only whether rows are filled is decided
// by the procedure that fills them.

// MarkText is the part of the comment of the uuid column that names the edge: of any mark of this edge, finished or not.
func (e Edge) MarkText() string {
	document, err := json.Marshal(struct {
		Child  [2]string `json:"of"`
		Column string    `json:"column"`
	}{namePair(e.Child), e.Column})
	if err != nil {
		panic(err) // strings only
	}
	return strings.TrimSuffix(string(document), "}") + ","
}

// isMade is true for the child's uuid column a with the mark of the edge.
func (e Edge) isMade() string { return condition.CommentContains(e.MarkText()) }

// isFinished is true for the child's uuid column a whose mark says that the edge is finished.
func (e Edge) isFinished() string {
	return condition.CommentContains(strings.TrimSuffix(edgeMark, "{") + e.MarkText())
}

// madeIn is true while the child has the uuid column with the mark of the edge. Further conditions on the column may follow.
func (e Edge) madeIn(more ...string) string {
	return condition.HasColumn(e.Child.All(), e.UUID, append([]string{e.isMade()}, more...)...)
}

// wiredIn is true while both BEFORE triggers of a table are enabled.
func (e Edge) wiredIn(table sqltext.Table) string {
	return condition.HasTriggers(table.All(), []string{e.Trigger("i"), e.Trigger("u")}, "OA")
}

// isWired is true if the edge has its function and its triggers, as up makes them.
func (e Edge) isWired() string {
	return condition.And(condition.TriggerFunctionIs(e.Function, e.FunctionSource(), e.Owner),
		condition.TriggersCall(e.Child.All(), e.Tree, e.Function, e.enabled(), e.shapes()))
}

// shapes returns the triggers of the edge, as pg_trigger describes them.
func (e Edge) shapes() []condition.Trigger {
	const beforeInsert, beforeUpdate, afterBoth = 1 | 2 | 4, 1 | 2 | 16, 1 | 4 | 16 // bits of tgtype
	all := []condition.Trigger{{Name: e.Trigger("i"), Type: beforeInsert}, {Name: e.Trigger("u"), Type: beforeUpdate}}
	if e.ChildFirst {
		all = append(all, condition.Trigger{Name: e.Trigger("l"), Type: afterBoth, Deferred: e.deferred()})
	}
	return all
}

// named returns the name of a statement for the name of a file.
func (e Edge) named(verb string) string { return e.Child.Name + "_" + e.UUID + "_" + verb }

// hasKeyIn is true if a table has the edge's foreign key. Further conditions on the constraint may follow.
func (e Edge) hasKeyIn(table sqltext.Table, more ...string) string {
	return condition.HasConstraint(table.All(), e.Constraint, append([]string{"p.contype = 'f'"}, more...)...)
}

// hasProofIn is true if the child has the CHECK. Further conditions on the constraint may follow.
func (e Edge) hasProofIn(more ...string) string {
	return condition.HasConstraint(e.Child.All(), e.Check, append([]string{"p.contype = 'c'"}, more...)...)
}

// Proof is the body of a DO statement that fails if the edge is incomplete. It reads the catalogue only.
func (e Edge) Proof(major int) string {
	facts := []condition.Fact{
		{Holds: e.madeIn(), Wrong: "column " + e.UUID + " is missing or another one"},
		{Holds: e.isWired(), Wrong: "its triggers or their function are missing, disabled or other ones"},
	}
	for _, t := range e.Twins {
		facts = append(facts, condition.Fact{
			Holds: "(" + condition.Regclass(t.Table) + " IS NULL OR " + condition.HasIndex(t.Table, t.Name, "i.indisvalid", isUnique(t.Unique)) + ")",
			Wrong: "there is no valid index " + t.Name + " like " + t.Of,
		})
	}
	if e.Constrained() {
		facts = append(facts, condition.Fact{
			Holds: e.hasKeyIn(e.Child, "p.convalidated", "p.confrelid = "+condition.Regclass(e.Parent)), Wrong: "there is no valid foreign key " + e.Constraint,
		})
	}
	if e.Required {
		facts = append(facts, condition.Fact{
			Holds: condition.And(condition.HasColumn(e.Child.All(), e.UUID, condition.Not(condition.Nullable(major))), condition.Not(e.hasProofIn())),
			Wrong: e.UUID + " may be NULL",
		})
	}
	return condition.Require(e.String(), facts, "up")
}

func isUnique(unique bool) string {
	if unique {
		return "i.indisunique"
	}
	return "NOT i.indisunique"
}

// ApplyScript implements Step. One transaction makes the column and the triggers, so that an interrupted script leaves both or
// neither.
func (s WireEdge) ApplyScript(v View) []Statement {
	e := s.Edge
	action := onlyOne(s.Apply(v))
	if action == nil {
		return nil
	}
	child := v.Relation(e.Child)
	switch {
	case child.Column(e.UUID) == nil:
		wire := scripted(action, e.named("wire"), s.Explain().What+"; "+s.Explain().Why, condition.Not(condition.HasColumn(e.Child.All(), e.UUID)))
		wire.Lock = e.Target().wireWords(action, child.IsTree())
		if child.IsTree() {
			return first([]Statement{wire}, condition.Refuse(e.Child.All(), e.UUID, "true",
				" now has a column of that name, with which the column of its parent would be merged", "up"))
		}
		return []Statement{wire}
	case !e.made(child):
		return []Statement{scripted(action, e.named("wire"), s.Explain().What+"; "+s.Explain().Why,
			condition.HasColumn(e.Child.All(), e.UUID, condition.Not(e.isMade())))}
	}
	right := e.isWired()
	if e.allowNull(child) != nil {
		right = condition.And(right, condition.HasColumn(e.Child.All(), e.UUID, "NOT a.attnotnull"))
	}
	return []Statement{scripted(action, e.named("repair_triggers"), "restore the triggers between "+e.Column+" and "+e.UUID,
		condition.And(e.madeIn(), condition.Not("("+right+")")))}
}

// wireWords describes the locks of a change of a table and of those below it.
func (t Target) wireWords(a Action, tree bool) string {
	if tree {
		return lockWords(a.Locked(), briefly, andBelow)
	}
	return lockWords(a.Locked(), briefly)
}

// UndoScript implements Step.
func (s WireEdge) UndoScript(v View) []Statement {
	e := s.Edge
	action := onlyOne(s.Undo(v))
	if action == nil {
		return nil
	}
	undo := scripted(action, e.named("unwire"), s.Explain().Undo, e.madeIn())
	undo.Lock = e.Target().wireWords(action, v.Relation(e.Child).IsTree())
	if e.Inherited {
		return []Statement{undo}
	}
	undo.What += ", without CASCADE and only if no other object depends on it"
	return first([]Statement{undo}, condition.DependentsBut(e.Child.All(), e.UUID, e.TriggerNames()))
}

// ApplyScript implements Step. A CHECK that an interrupted script left NOT VALID is dropped first, since it makes the
// application's updates of unfilled rows fail. The filling of an edge that is not finished reads the rows again.
func (s FillEdge) ApplyScript(v View) (all []Statement) {
	e := s.Edge
	actions := s.Apply(v)
	if len(actions) == 0 {
		return nil
	}
	var more []string
	if _, mark := e.ReadMark(v.Relation(e.Child)); !mark.Finished {
		more = append(more, condition.Not("("+e.isFinished()+")"))
	}
	if e.Required {
		more = append(more, condition.Nullable(v.Server.Major()))
		all = append(all, scripted(e.dropCheck(""), e.named("drop_old_proof"),
			"drop the CHECK that an interrupted run left NOT VALID: it makes updates of unfilled rows fail",
			condition.And(e.madeIn(more...), e.hasProofIn("NOT p.convalidated"))))
	}
	for _, part := range e.Target().Parts(v.Relation(e.Child)) {
		what := s.Explain()
		all = append(all, Statement{
			Name: part.Target.Table + "_" + e.UUID + "_fill", What: part.Target.label(what.What + "; " + what.Why), Lock: what.Lock,
			Scans:  "the table, a few pages at a time, and the parent by its key; again for rows that were skipped",
			Needed: condition.And(e.madeIn(more...), e.wiredIn(part.Target.Name())), Action: Fill{Target: part.Target, Edge: &e},
		})
	}
	return all
}

// UndoScript implements Step.
func (s FillEdge) UndoScript(View) []Statement { return nil }

// ApplyScript implements Step. The proof of the edge comes before the mark.
func (s FinishEdge) ApplyScript(v View) []Statement {
	action := onlyOne(s.Apply(v))
	if action == nil {
		return nil
	}
	return []Statement{scripted(action, s.Edge.named("finish"), s.Explain().What, s.Edge.madeIn(condition.Not("("+s.Edge.isFinished()+")")))}
}

// UndoScript implements Step.
func (s FinishEdge) UndoScript(v View) []Statement {
	action := onlyOne(s.Undo(v))
	if action == nil {
		return nil
	}
	return []Statement{scripted(action, s.Edge.named("unfinish"), "write into the comment of "+s.Edge.UUID+" that it is not finished",
		s.Edge.madeIn(s.Edge.isFinished()))}
}
