package plan

import (
	"slices"

	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Verdict is what becomes of one relation of a schema that no profile describes.
type Relation struct {
	Table   string   `json:"table"`
	Kind    string   `json:"kind"`             // table, view, partitioned table …
	State   State    `json:"verdict"`          // pending, incomplete, complete, skipped, refused
	Missing []string `json:"lacks,omitempty"`  // of a half done one
	Why     string   `json:"why,omitempty"`    // it is left alone or refused
	Hint    string   `json:"hint,omitempty"`   // what would help a refused one
	Unique  string   `json:"unique,omitempty"` // of a partitioned table or a parent: among which rows the values are unique
	// Time is the creation-time column by which the rows are ordered, with the unit of an integer. Where there is
	// none, Candidates are the columns that have a time and were not chosen.
	Time       string   `json:"time,omitempty"`
	Candidates []string `json:"time_candidates,omitempty"`
}

// verdicts has a line for every relation that holds rows or shows them; no one is passed over.
func (p Plan) relations(s Input, found problem.List) []Relation {
	groups := map[string]Group{}
	for _, g := range p.Groups {
		groups[g.Table] = g
	}
	list := []Relation{}
	for _, c := range s.Selection.choose(s.Schema) {
		v := Relation{Table: c.Table, Kind: c.Kind.String(), State: Skipped, Why: c.Reason}
		if c.Decision == discover.Chosen {
			p.decide(&v, groups[c.Table], found)
		}
		list = append(list, v)
	}
	return list
}

func (p Plan) decide(v *Relation, g Group, found problem.List) {
	v.Time, v.Candidates = p.times(g)
	if g.State != Refused && p.Direction == Up {
		v.Unique = Uniqueness(g.Target, p.Schema.Relation(g.Table))
	}
	switch {
	case g.State == Refused:
		v.State = Refused
		for _, one := range found {
			if one.Table == g.Target.String() {
				v.Why, v.Hint = joined(v.Why, one.Error()), joined(v.Hint, one.Hint)
			}
		}
	case p.Direction == Down:
		p.decideDown(v, g)
	case g.State == Complete:
		v.State = Complete
	case g.State == Incomplete:
		v.State, v.Missing = Incomplete, g.Missing
	default:
		v.State = Pending
	}
}

// judgeDown: what bears no mark of this table's is nobody's to take away.
func (p Plan) decideDown(v *Relation, g Group) {
	table := p.Schema.Relation(g.Table)
	origin, _ := g.Target.Read(table)
	switch origin {
	case step.Absent:
		v.State = Complete
	case step.Untouched:
		v.Why = "up did not make its column " + g.Target.Column
		if of := g.Target.CopiedFrom(table.Column(g.Target.Column)); of != "" {
			v.Why = "the mark on its column " + g.Target.Column + " is of " + of + ": this table was copied or renamed"
		}
	default:
		v.State = Pending
	}
}

func joined(before, more string) string {
	if before == "" {
		return more
	}
	return before + " " + more
}

// free adds the relations that are left alone to a status, and those that are passed over.
func (p Plan) withRelations(status Status) Status {
	groups := map[string]bool{}
	for _, g := range p.Targets() {
		groups[g.Table] = true
	}
	for i := range status.Tables {
		if t := &status.Tables[i]; p.Relations != nil && !groups[t.Table] {
			t.State, t.Rows = Refused, Rows(p.Schema.Relation(t.Table))
		}
	}
	for _, v := range p.Relations {
		if v.State == Skipped && !slices.Contains(p.Names, v.Table) {
			table := TableStatus{Table: v.Table, State: Skipped, Why: v.Why, Rows: Rows(p.Schema.Relation(v.Table))}
			status.Tables = append(status.Tables, table)
		}
	}
	return status
}
