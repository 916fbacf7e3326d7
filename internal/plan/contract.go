package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// Ending is one integer column that phase contracted drops, and what falls with it.
type Ending struct {
	Table  sqltext.Table
	Column string
	// Falls are the objects that are dropped with the column. Lost are those of them without a counterpart on the uuid.
	Falls, Lost []string
	// Reads is the number of scans of its indexes since the switch, as far as the server counts them.
	Reads int64
}

// addContract adds the groups that end the integers, and returns why they cannot. Everything before must be complete.
func (p *Plan) addContract(s Input) problem.List {
	if p.Direction != Up || s.Goal != Contracted {
		return nil
	}
	if found := p.refuseEarlierPhase(s); found != nil {
		return found
	}
	var found problem.List
	columns := map[sqltext.Table][]string{} // of edges, by child
	var groups []Group
	for _, l := range p.Links {
		if l.Edge.UUID == "" {
			continue
		}
		child := l.Edge.Child.All()
		columns[child] = append(columns[child], l.Edge.Column)
		edge := l.Edge
		table := s.Schema.Named(child)
		found = append(found, p.end(s, table, edge.Column, edge.Twins)...)
		groups = append(groups, p.withTodo(Group{
			Table: child, Target: edge.Target(), Edge: &edge, Phase: Contracted, State: Pending, Progress: l.Progress, Steps: step.ContractEdgeSteps(edge),
		}))
	}
	for i := range p.PrimaryKeys {
		k := &p.PrimaryKeys[i]
		if k.State == Skipped || k.Progress == KeyContracted {
			continue
		}
		key, table := k.Key, s.Schema.Named(k.Key.Table.All())
		own := key.OwnColumns(columns[key.Table.All()])
		own = slices.DeleteFunc(own, func(c string) bool { return table.Column(c) == nil })
		if !s.Policy.KeepID {
			for _, c := range own {
				found = append(found, p.end(s, table, c, nil)...)
			}
		}
		groups = append(groups, p.withTodo(Group{
			Table: key.Table.All(), Target: p.targetOf(key.Table), Key: &key, Phase: Contracted, State: Pending,
			Steps: []step.Step{step.DropKey{Key: key, Own: own, Keep: s.Policy.KeepID}},
		}))
	}
	found = append(found, p.refuseSoak(s)...)
	p.Groups = append(p.Groups, groups...)
	return append(found, p.contractHazards(s)...)
}

func (p *Plan) targetOf(table sqltext.Table) step.Target {
	for _, g := range p.Targets() {
		if g.Table.Same(table) {
			return g.Target
		}
	}
	return step.Target{}
}

// refuseEarlierPhase refuses to end the integers while anything is not switched.
func (p *Plan) refuseEarlierPhase(s Input) problem.List {
	var behind []string
	for _, g := range p.Groups {
		if p.workload(g).work && g.Phase != "" {
			behind = append(behind, g.String())
		}
	}
	for _, l := range p.Links {
		if l.State == Refused || l.State == Skipped && l.Edge.Reference.Name != "" && p.ends(l.Edge.Parent) {
			behind = append(behind, l.String())
		}
	}
	if behind == nil {
		return nil
	}
	return problem.List{message.NotSwitched(s.Schema.Name, behind)}
}

// ends reports whether the run ends the integers of a table. A skipped reference onto another table keeps its integer.
func (p *Plan) ends(table sqltext.Table) bool {
	return slices.ContainsFunc(p.PrimaryKeys, func(k PrimaryKey) bool { return k.State != Skipped && k.Key.Table.Same(table) })
}

// refuseSoak refuses to end the integers too soon after the switch.
func (p *Plan) refuseSoak(s Input) problem.List {
	var last time.Time
	table := ""
	for _, k := range p.PrimaryKeys {
		if k.mark.Switched.After(last) && k.Progress == KeySwitched {
			last, table = k.mark.Switched, k.Key.Table.All().String()
		}
	}
	over := last.Add(s.Policy.Soak)
	if table == "" || !s.Server.Now.Before(over) {
		return nil
	}
	return problem.List{message.SoakNotOver(table, s.Server.Now.Sub(last), s.Policy.Soak, over)}
}

// end adds an integer column that ends, and returns the objects that are in the way.
func (p *Plan) end(s Input, t *catalog.Table, column string, twins []step.IndexTwin) problem.List {
	e := Ending{Table: t.Named(), Column: column}
	var found problem.List
	for _, one := range t.All() {
		for _, a := range one.Attachments {
			if a.Column != column {
				continue
			}
			switch a.Kind {
			case "index", "constraint", "statistics":
				p.fall(&e, one, a, twins)
			case "sequence":
				for _, user := range s.SequenceUsers[a.Name] {
					found = append(found, message.ContractDependent(e.String(), user+", through sequence "+a.Name))
				}
			case "foreign key", "replica identity":
			case "trigger":
				if trigger := one.Trigger(a.Name); trigger == nil || !trigger.OfEdge() {
					found = append(found, message.ContractDependent(e.String(), a.Kind+" "+a.Name))
				}
			default:
				found = append(found, message.ContractDependent(e.String(), a.Kind+" "+a.Name))
			}
		}
	}
	found = append(found, p.refuseMixedKeys(e, t, column)...)
	for _, i := range t.Indexes {
		if i.Holds(column) {
			e.Reads += s.IndexReads[i.OID]
		}
	}
	p.Endings = append(p.Endings, e)
	return found
}

// String returns the column as schema.table.column.
func (e Ending) String() string { return e.Table.String() + "." + e.Column }

// fall adds an object that is dropped with a column.
func (p *Plan) fall(e *Ending, t *catalog.Table, a catalog.Attachment, twins []step.IndexTwin) {
	name := a.Kind + " " + a.Name
	if slices.Contains(e.Falls, name) {
		return
	}
	e.Falls = append(e.Falls, name)
	index := t.Index(a.Name)
	switch {
	case index == nil && a.OnIndex != "":
		index = t.Index(a.OnIndex)
	case index == nil:
		e.Lost = append(e.Lost, name)
		return
	}
	if _, isKey := step.ReadKeyMark(index); isKey || index.Primary || len(index.Columns) == 1 && index.Columns[0] == e.Column && t.UniqueOn(e.Column) && len(twins) == 0 {
		return // the primary key of the uuids takes its place
	}
	twin := slices.IndexFunc(twins, func(w step.IndexTwin) bool { return w.Of == index.Name && w.Table.Same(t.Named()) })
	if twin < 0 || t.Index(twins[twin].Name) == nil {
		e.Lost = append(e.Lost, name)
	}
}

// refuseMixedKeys refuses to drop a column that a uuid foreign key of a composite reference holds.
func (p *Plan) refuseMixedKeys(e Ending, t *catalog.Table, column string) problem.List {
	var found problem.List
	for _, l := range p.Links {
		if l.Edge.UUID == "" || !l.Edge.Constrained() || l.Edge.Column == column {
			continue
		}
		asChild := l.Edge.Child.Same(t.Named()) && slices.Contains(l.Edge.ChildColumns(), column)
		asParent := l.Edge.Parent.Same(t.Named()) && slices.Contains(l.Edge.ParentColumns(), column)
		if asChild || asParent {
			found = append(found, message.ContractDependent(e.String(), fmt.Sprintf("foreign key %s of %s, which holds it beside uuids", l.Edge.Constraint, l.Edge.Child.All())))
		}
	}
	return found
}

// endedIn returns the tables of a schema that have lost integers after a proof.
func endedIn(schema catalog.Schema) []string {
	var names []string
	for i := range schema.Relations {
		t := &schema.Relations[i]
		mark, index := switchedBy(t)
		lost := index != nil && (mark.Contracted || index.Primary)
		for j := range t.Columns {
			edge, ok := step.ReadEdgeMark(&t.Columns[j])
			lost = lost || ok && edge.Contracted && edge.Child.Same(t.Named())
		}
		if lost {
			names = append(names, t.Named().String())
		}
	}
	return names
}

// contractHazards adds the hazards of ending the integers.
func (p *Plan) contractHazards(s Input) problem.List {
	var lost, read, published []string
	for _, e := range p.Endings {
		if len(e.Lost) > 0 {
			lost = append(lost, e.String()+" ("+strings.Join(e.Lost, ", ")+")")
		}
		if e.Reads > 0 {
			read = append(read, fmt.Sprintf("%s (%s)", e, message.Counted(e.Reads, "scan", "scans")))
		}
		if t := s.Schema.Named(e.Table); t != nil && len(t.Publications) > 0 && !slices.Contains(published, e.Table.String()) {
			published = append(published, e.Table.String())
		}
	}
	p.addHazard(s, HazardLostObjects, lost, "these objects are dropped with the columns and have no counterpart on the uuids")
	p.addHazard(s, HazardIntegerReads, read, "indexes of these columns were read since the switch, by an application or by the checks of the integer foreign keys; an application that still uses the integers fails after contract")
	p.addHazard(s, HazardReplicaIdentity, published, "these tables are published: their replica identity becomes the uuid, and a subscriber without the uuid column stops")
	return p.refuseHazards(s)
}
