package plan

import (
	"github.com/rekey-pg/rekey/internal/catalog"
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
	Unique  string   // for a table with partitions or children, or a distributed one: among which rows the values are unique
	// TimeColumn is the creation-time column that orders the rows, with the unit of an integer. Without one,
	// TimeCandidates are the columns that hold a time and were not chosen.
	TimeColumn     string
	TimeCandidates []string
}

// relations returns an entry for every relation that was chosen or not; nil if the tables are known by name.
func (p Plan) relations(choices []discover.Choice, found problem.List) []Relation {
	if choices == nil {
		return nil
	}
	groups := map[string]Group{}
	for _, g := range p.Targets() {
		groups[g.Table.Name] = g
	}
	reasons := map[string]problem.List{} // by table
	for _, one := range found {
		reasons[one.Table] = append(reasons[one.Table], one)
	}
	list := []Relation{}
	for _, c := range choices {
		v := Relation{Table: c.Table, Kind: c.Kind.String(), State: Skipped, Why: c.Reason}
		if c.Decision == discover.Chosen {
			g := groups[c.Table]
			p.decide(&v, g, reasons[g.Target.String()])
		}
		list = append(list, v)
	}
	return list
}

// decide sets the state of a chosen relation from its group and the reasons why it is refused.
func (p Plan) decide(v *Relation, g Group, reasons problem.List) {
	v.TimeColumn, v.TimeCandidates = p.timeColumn(g)
	if g.State != Refused && p.Direction == Up {
		v.Unique = Uniqueness(g.Target, p.Schema.Named(g.Table))
	}
	v.State = g.State
	switch g.State {
	case Refused:
		for _, one := range reasons {
			v.Why, v.Hint = joined(v.Why, one.Error()), joined(v.Hint, one.Hint)
		}
	case Incomplete:
		v.Missing = g.Missing
	case Skipped:
		v.Why = whyNotMade(g.Target, p.Schema.Named(g.Table))
	case Pending, Complete, Absent:
	}
}

// whyNotMade returns why down leaves the column of a table: its mark does not say that up made it.
func whyNotMade(t step.Target, table *catalog.Table) string {
	if of := t.CopiedFrom(table.Column(t.Column)); of != "" {
		return "the mark on its column " + t.Column + " names " + of + ": this table was copied or renamed"
	}
	return "up did not make its column " + t.Column
}

func joined(before, more string) string {
	if before == "" {
		return more
	}
	return before + " " + more
}
