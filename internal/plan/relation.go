package plan

import (
	"github.com/rekey-pg/rekey/internal/discover"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Relation is one relation of a schema run, and what the run does with it.
type Relation struct {
	Table   string
	Kind    string   // table, view, partitioned table …
	State   State    // pending, complete, incomplete, skipped or refused
	Missing []string // what an incomplete table lacks
	Why     string   // why it is skipped or refused
	Hint    string   // what would help a refused table
	Unique  string   // for a table with partitions or children: among which rows the values are unique
	// TimeColumn is the creation-time column that orders the rows, with the unit of an integer. Without one,
	// TimeCandidates are the columns that hold a time and were not chosen.
	TimeColumn     string
	TimeCandidates []string
}

// relations returns every relation that holds or shows rows.
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
	v.TimeColumn, v.TimeCandidates = p.times(g)
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
