package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// HazardName names a change of meaning that a run brings to the application's own statements.
type HazardName string

// The hazards. The user accepts each by its name.
const (
	// HazardGroupBy is SELECT of other columns with GROUP BY on the integer alone.
	HazardGroupBy HazardName = "group-by"
	// HazardOnConflictConstraint is INSERT .. ON CONFLICT ON CONSTRAINT with the name of the primary key.
	HazardOnConflictConstraint HazardName = "on-conflict-constraint"
	// HazardOnConflictRace is INSERT .. ON CONFLICT on a key that two unique indexes keep unique.
	HazardOnConflictRace HazardName = "on-conflict-race"
	// HazardLostObjects is an index, a CHECK or statistics that end with an integer column and have no counterpart.
	HazardLostObjects HazardName = "lost-objects"
	// HazardIntegerReads is an integer column whose indexes were read since the switch.
	HazardIntegerReads HazardName = "integer-reads"
	// HazardFunctionText is a function whose text names an integer column that ends.
	HazardFunctionText HazardName = "function-text"
	// HazardReplicaIdentity is a published table whose replica identity changes.
	HazardReplicaIdentity HazardName = "replica-identity"
)

// HazardNames returns the names of all hazards.
func HazardNames() []string {
	return []string{
		string(HazardGroupBy), string(HazardOnConflictConstraint), string(HazardOnConflictRace),
		string(HazardLostObjects), string(HazardIntegerReads), string(HazardFunctionText), string(HazardReplicaIdentity),
	}
}

// Hazard is a hazard of the run.
type Hazard struct {
	Name     HazardName
	What     string   // the statements that are concerned, and what happens to them
	Tables   []string // the tables whose primary keys switch
	Seen     []string // functions of the database that may contain such a statement
	Accepted bool
}

// addHazards adds the hazards of the primary keys that the run switches, and returns the refusal if some are not accepted.
func (p *Plan) addHazards(s Input) problem.List {
	var all, races []string
	for _, k := range p.PrimaryKeys {
		if k.Progress == KeySwitched || k.State != Pending && k.State != Incomplete {
			continue
		}
		all = append(all, k.Key.Table.String())
		if !slices.ContainsFunc(k.Key.UUIDs, func(c string) bool { return p.ownUUID(k, c) }) {
			races = append(races, k.Key.Table.String())
		}
	}
	p.addHazard(s, HazardGroupBy, all, "SELECT with GROUP BY on the integer key alone and other columns of the table fails with 42803 after the switch: only the primary key's columns determine the others")
	p.addHazard(s, HazardOnConflictConstraint, all, "INSERT .. ON CONFLICT ON CONSTRAINT with the name of the primary key looks for the same uuid after the switch, not for the same integer: a row with an existing integer then raises 23505")
	p.addHazard(s, HazardOnConflictRace, races, "INSERT .. ON CONFLICT on the columns of these keys, which refer to other tables, can raise 23505 if two sessions insert the same row at once: the integers and the uuids are both unique, and only one of them is checked softly")
	return p.refuseHazards(s)
}

// refuseHazards returns the refusal of hazards that are not accepted.
func (p *Plan) refuseHazards(s Input) problem.List {
	var names []string
	for _, h := range p.Hazards {
		if !h.Accepted {
			names = append(names, string(h.Name))
		}
	}
	if names == nil {
		return nil
	}
	return problem.List{message.HazardsNotAccepted(s.Schema.Name, string(s.Goal), names, p.hazardNames())}
}

// hazardNames returns the names of all hazards of the run, as --accept takes them.
func (p *Plan) hazardNames() string {
	names := make([]string, len(p.Hazards))
	for i, h := range p.Hazards {
		names[i] = string(h.Name)
	}
	return strings.Join(names, ",")
}

// ownUUID reports whether a column is the uuid column that identifies the rows of a primary key's table.
func (p *Plan) ownUUID(k PrimaryKey, column string) bool {
	return slices.ContainsFunc(p.Targets(), func(g Group) bool { return g.Table.Same(k.Key.Table) && g.Target.Column == column })
}

func (p *Plan) addHazard(s Input, name HazardName, tables []string, what string) {
	if len(tables) > 0 {
		p.Hazards = append(p.Hazards, Hazard{Name: name, What: what, Tables: tables, Seen: s.Suspects[name], Accepted: slices.Contains(s.Policy.Accept, name)})
	}
}
