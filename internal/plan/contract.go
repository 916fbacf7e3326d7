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

// contraction composes the groups that end the integers.
type contraction struct {
	plan  *Plan
	input Input
	// links are the references that end, in the order of the drops.
	links []Link
	// uuids has the uuid column of each integer column that ends, by table.
	uuids map[sqltext.Table]map[string]string
	// built has the names of the indexes for which the run builds a successor, by table.
	built map[sqltext.Table]map[string]bool
	// duplicates are the plain indexes on the uuids that are dropped because a unique one equals them.
	duplicates []sqltext.Table
	// covered are the composite foreign keys that have no edge of their own and end with the columns of others.
	covered []catalog.ForeignKey
	found   problem.List
}

// addContract adds the groups that end the integers, and returns why they cannot. Everything before must be complete.
func (p *Plan) addContract(s Input) problem.List {
	if p.Direction != Up || s.Goal != Contracted {
		return nil
	}
	if found := p.refuseEarlierPhase(s); found != nil {
		return found
	}
	c := contraction{plan: p, input: s, uuids: map[sqltext.Table]map[string]string{}, built: map[sqltext.Table]map[string]bool{}}
	c.collect()
	prepare, drops := c.endReferences()
	prepareKeys, dropKeys := c.endKeys()
	prepare, drops = slices.Concat(prepareKeys, prepare), append(drops, dropKeys...)
	if s.Policy.RenameKeys && len(drops) > 0 {
		c.found = append(c.found, message.RenameTooEarly(s.Schema.Name))
	} else if s.Policy.RenameKeys {
		drops = c.renames()
	}
	p.Groups = slices.Concat(p.Groups, prepare, drops)
	c.checkCode()
	for _, one := range c.found {
		one.Table = "" // --skip-refused skips no table: the integers of a schema end together
	}
	hazards := p.contractHazards(s)
	return slices.Concat(c.found, p.refuseSoak(s), hazards)
}

// collect finds the columns that end: the integers of linked references and, unless they are kept, the integers of the primary keys.
func (c *contraction) collect() {
	end := func(table sqltext.Table, column, uuid string) {
		if c.uuids[table] == nil {
			c.uuids[table] = map[string]string{}
		}
		c.uuids[table][column] = uuid
	}
	for _, l := range c.plan.Links {
		if l.Edge.UUID == "" || l.State == Skipped || l.State == Refused {
			continue
		}
		c.links = append(c.links, l)
		end(l.Edge.Child.All(), l.Edge.Column, l.Edge.UUID)
	}
	for _, k := range c.plan.PrimaryKeys {
		for i, column := range k.Key.Columns {
			table := k.Key.Table.All()
			if c.ends(k) && !c.input.Policy.KeepID && k.Key.UUIDs[i] != column && c.uuids[table][column] == "" && c.input.Schema.Named(table).Column(column) != nil {
				end(table, column, k.Key.UUIDs[i])
			}
		}
	}
	c.covered = c.coveredKeys()
	c.links = c.inDropOrder(c.links)
}

// ends reports whether the run ends the integers of a primary key.
func (c *contraction) ends(k PrimaryKey) bool {
	return k.State != Skipped && k.Progress != KeyContracted
}

// inDropOrder returns references in an order in which each column is dropped after the references that need it: those whose foreign
// key holds it together with another column, and those that refer to it. In a circle the order is the given one.
func (c *contraction) inDropOrder(links []Link) []Link {
	rest, sorted := slices.Clone(links), make([]Link, 0, len(links))
	for len(rest) > 0 {
		at := slices.IndexFunc(rest, func(l Link) bool {
			return !slices.ContainsFunc(rest, func(other Link) bool { return c.needs(other.Edge, l.Edge) })
		})
		at = max(at, 0)
		sorted, rest = append(sorted, rest[at]), slices.Delete(rest, at, at+1)
	}
	return sorted
}

// needs reports whether a reference needs the integer column of another one.
func (c *contraction) needs(e, of step.Edge) bool {
	if e.Child.Same(of.Child) && e.Column == of.Column {
		return false
	}
	if e.Parent.Same(of.Child) && e.Key == of.Column || slices.ContainsFunc(c.covered, func(k catalog.ForeignKey) bool { return holds(k, e, of) }) {
		return true
	}
	return slices.ContainsFunc(e.Parts(), func(part step.EdgePart) bool {
		return e.Child.Same(of.Child) && part.Child == of.Column || e.Parent.Same(of.Child) && part.Parent == of.Column
	})
}

// endReferences returns the groups that end the references: what precedes every drop, and the drops.
func (c *contraction) endReferences() (prepare, drops []Group) {
	var linking []Group // after the unique indexes of all tables, which the foreign keys need
	for i, l := range c.links {
		edge, child := l.Edge, l.Edge.Child.All()
		table := c.input.Schema.Named(child)
		if edge.Child.Only || slices.ContainsFunc(c.links[i+1:], func(later Link) bool { return c.needs(later.Edge, edge) }) {
			c.found = append(c.found, message.ContractUnsupported(l.String(), c.input.Schema.Name, child.Name, edge.Child.Only))
			continue
		}
		drop := step.DropReference{Edge: edge, Final: c.final(edge), Others: c.withoutIntegers(l)}
		drop.Unique = c.unique(table, edge.Column)
		c.end(table, edge.Column)
		drop.Known = step.KnownOf(table, []string{edge.Column}, edge.TriggerNames())
		prepare = c.append(prepare, l, drop.ColumnSteps(), true)
		linking = c.append(linking, l, drop.KeySteps(), true)
		drops = c.append(drops, l, []step.Step{drop}, false)
	}
	return append(prepare, linking...), drops
}

// append adds the group of a reference with steps; none without steps.
func (c *contraction) append(groups []Group, l Link, steps []step.Step, prepares bool) []Group {
	if len(steps) == 0 {
		return groups
	}
	edge := l.Edge
	group := Group{
		Table: edge.Child.All(), Target: edge.Target(), Edge: &edge, Phase: Contracted, State: Pending, Progress: l.Progress, Steps: steps, Prepares: prepares,
	}
	return append(groups, c.plan.withTodo(group))
}

// others returns the columns of a table that end, except one, with their uuid columns.
func (c *contraction) others(table sqltext.Table, except string) []step.ColumnPair {
	var pairs []step.ColumnPair
	for column, uuid := range c.uuids[table] {
		if column != except {
			pairs = append(pairs, step.ColumnPair{Integer: column, UUID: uuid})
		}
	}
	slices.SortFunc(pairs, func(a, b step.ColumnPair) int { return strings.Compare(a.Integer, b.Integer) })
	return pairs
}

// unique returns the indexes that take the place of those that hold a column, without those that another column has already.
func (c *contraction) unique(t *catalog.Table, column string) (twins []step.UniqueTwin) {
	name := t.Named()
	if c.built[name] == nil {
		c.built[name] = map[string]bool{}
	}
	for _, twin := range step.UniqueTwins(t, step.ColumnPair{Integer: column, UUID: c.uuids[name][column]}, c.others(name, column)) {
		if !c.built[name][twin.Of] {
			twins = append(twins, twin)
		}
	}
	for _, twin := range twins {
		c.built[name][twin.Of] = true
	}
	return twins
}

// final returns the edge of a composite foreign key without integers; nil if its other columns stay. It refuses one of whose pairs of
// columns only one ends.
func (c *contraction) final(e step.Edge) *step.Edge {
	if !e.Constrained() {
		return nil
	}
	columns, parents := c.uuids[e.Child.All()], c.uuids[e.Parent.All()]
	changes := false
	for _, part := range e.Parts() {
		child, parent := columns[part.Child] != "", parents[part.Parent] != ""
		if child != parent {
			c.found = append(c.found, message.ContractMixed(e.String(), e.Constraint, e.Child.All().String()+"."+part.Child, e.Parent.All().String()+"."+part.Parent, parent, c.hint(e, part)))
		}
		changes = changes || child && parent
	}
	if !changes {
		return nil
	}
	final := e.WithoutIntegers(columns, parents)
	return &final
}

// hint returns the value of --reference that makes an edge of a column of a composite foreign key whose counterpart is one; "" if none
// can.
func (c *contraction) hint(e step.Edge, part step.EdgePart) string {
	for _, l := range c.links {
		if l.Edge.Child.Same(e.Parent) && l.Edge.Column == part.Parent && e.Child.Schema == e.Parent.Schema {
			return e.Child.Name + "." + part.Child + "=" + l.Edge.Parent.Name
		}
	}
	return ""
}

// endKeys returns the groups that end the primary keys of integers.
func (c *contraction) endKeys() (prepare, drops []Group) {
	for i := range c.plan.PrimaryKeys {
		k := &c.plan.PrimaryKeys[i]
		if !c.ends(*k) {
			continue
		}
		key, table := k.Key, c.input.Schema.Named(k.Key.Table.All())
		if key.Table.Only {
			c.found = append(c.found, message.ContractUnsupported(k.String(), c.input.Schema.Name, key.Table.Name, true))
			continue
		}
		own := slices.DeleteFunc(slices.Clone(key.Columns), func(name string) bool {
			isEdge := slices.ContainsFunc(c.links, func(l Link) bool { return l.Edge.Child.Same(key.Table) && l.Edge.Column == name })
			return isEdge || c.uuids[key.Table.All()][name] == ""
		})
		drop := step.DropKey{Key: key, Own: own, Keep: c.input.Policy.KeepID, Edges: c.edgesOnto(key.Table)}
		for _, name := range own {
			drop.Unique = append(drop.Unique, c.unique(table, name)...)
			c.end(table, name)
		}
		drop.Known = step.KnownOf(table, own, nil)
		group := Group{Table: key.Table.All(), Target: c.plan.targetOf(key.Table), Key: &key, Phase: Contracted, State: Pending}
		if group.Steps = drop.ColumnSteps(); group.Steps != nil {
			group.Prepares = true
			prepare = append(prepare, c.plan.withTodo(group))
		}
		group.Steps, group.Prepares = []step.Step{drop}, false
		drops = append(drops, c.plan.withTodo(group))
	}
	return prepare, drops
}

// edgesOnto returns the references onto a table that end.
func (c *contraction) edgesOnto(table sqltext.Table) (edges []step.Edge) {
	for _, l := range c.links {
		if l.Edge.Parent.Same(table) {
			edges = append(edges, l.Edge)
		}
	}
	return edges
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
	add := func(name string) {
		if !slices.Contains(behind, name) {
			behind = append(behind, name)
		}
	}
	for _, g := range p.Groups {
		if p.workload(g).work && g.Phase != "" {
			add(g.String())
		}
	}
	for _, l := range p.Links {
		if l.State == Refused || l.State == Skipped && !l.keeps && l.Edge.Reference.Name != "" && p.ends(l.Edge.Parent) {
			add(l.String())
		}
	}
	for _, k := range p.PrimaryKeys {
		if k.State == Refused || k.State == Skipped && len(k.Key.Columns) > 0 { // skipped with the tables that references connect
			add(k.String())
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
		at := k.mark.Switched
		if at.IsZero() { // the comment was edited
			at = s.Server.Now
		}
		if at.After(last) && k.Progress == KeySwitched {
			last, table = at, k.Key.Table.All().String()
		}
	}
	over := last.Add(s.Policy.Soak)
	if table == "" || !s.Server.Now.Before(over) {
		return nil
	}
	return problem.List{message.SoakNotOver(s.Schema.Name, table, s.Server.Now.Sub(last), s.Policy.Soak, over, p.hazardNames())}
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
