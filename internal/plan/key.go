package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// KeyState is how far a primary key is. The catalogue shows it.
type KeyState string

// The states of a primary key, in order.
const (
	KeyInteger    KeyState = "integer"    // the integers are the primary key
	KeyDoubled    KeyState = "doubled"    // all integer foreign keys depend on a unique index of their own
	KeyReady      KeyState = "ready"      // the index for the new primary key exists
	KeySwitched   KeyState = "switched"   // the uuids are the primary key
	KeyContracted KeyState = "contracted" // the integers have ended
)

// PrimaryKey is the primary key of one table, and what the run does with it.
type PrimaryKey struct {
	Key      step.Key // of a table that does not switch, only Table
	Progress KeyState
	// State is pending, incomplete, complete, skipped or refused.
	State   State
	Missing []string // what an incomplete key lacks
	Why     string   // why it is skipped or refused
	Hint    string   // what would help
	Notes   []string
	// Component has the tables that are connected with this one by references, sorted. They switch together.
	Component []string

	connected bool // skipped since references connect it with a refused one

	made  bool         // up made the unique index
	mark  step.KeyMark // of a key that up has begun to switch
	ended bool         // the unique index, or the integers, are gone
	// tableRefused says that the run refuses the table, so that it may have no uuid column.
	tableRefused bool
}

// String returns the name of the primary key, for messages and events.
func (k PrimaryKey) String() string { return k.Key.String() }

// SwitchedAt returns when the key switched, by the server's clock; the zero value if it has not.
func (k PrimaryKey) SwitchedAt() time.Time { return k.mark.Switched }

// Faults returns what a primary key that up has begun to switch lacks, as sentences without a period, and whether up has begun.
func (k PrimaryKey) Faults(t *catalog.Table) (faults []string, begun bool) {
	if !k.made || t == nil {
		return nil, false
	}
	faults = slices.Clone(k.Missing)
	if k.State == Refused {
		faults = append(faults, k.Why)
	}
	if k.ended {
		for _, c := range k.mark.Columns {
			if column := t.Column(c); k.mark.Contracted && column != nil && !slices.Contains(k.mark.UUIDs, c) && !t.UniqueOn(c) {
				faults = append(faults, "column "+c+" is kept and is not unique")
			}
		}
		return faults, true
	}
	for _, key := range t.ReferencedBy {
		// The application's own NOT VALID key stays one. Its rows are proved by the valid one on the uuids.
		if key.Above == 0 && !key.Validated && sameNames(key.ParentColumns, k.Key.Columns) && !linkedBeside(k, t, key) {
			faults = append(faults, "foreign key "+key.Name+" of "+key.Child.String()+" is not valid")
		}
	}
	for _, one := range unpinned(t) {
		_, index := switchedBy(one)
		faults = append(faults, "the replica identity of "+one.Named().String()+" is not index "+index.Name)
	}
	return faults, true
}

// Pins returns the statements that make the unique indexes on the integers the replica identity again, of the table and of its
// partitions, where somebody else has changed it since the switch.
func (k PrimaryKey) Pins(t *catalog.Table) (statements []string) {
	for _, one := range unpinned(t) {
		_, index := switchedBy(one)
		statements = append(statements, sqltext.Format("ALTER TABLE ONLY {} REPLICA IDENTITY USING INDEX {};", one.Named(), sqltext.Name(index.Name)))
	}
	return statements
}

// unpinned returns a table and its partitions if the swap pinned their replica identity and it is no longer pinned.
func unpinned(t *catalog.Table) (tables []*catalog.Table) {
	for _, one := range t.All() {
		mark, index := switchedBy(one)
		if one.Kind != catalog.Partitioned && mark.Identity != step.IdentityKept && index != nil && !index.Primary && !index.ReplicaIdentity && one.ReplicaIdentity != "f" {
			tables = append(tables, one)
		}
	}
	return tables
}

// HasKeys reports whether up has begun to switch a primary key of the schema.
func HasKeys(schema catalog.Schema) bool {
	return slices.ContainsFunc(schema.Relations, func(t catalog.Table) bool {
		_, index := switchedBy(&t)
		return index != nil
	})
}

// Referring returns the tables of other schemas that refer to the schema and were not read.
func Referring(schema catalog.Schema) (names []sqltext.Table) {
	for i := range schema.Relations {
		for _, k := range schema.Relations[i].ReferencedBy {
			if k.Child.Schema != schema.Name && schema.Named(k.Child) == nil && !slices.Contains(names, k.Child) {
				names = append(names, k.Child)
			}
		}
	}
	return names
}

// switchedBy returns the mark of a table's unique index that up made, and the index; nil if there is none.
func switchedBy(t *catalog.Table) (step.KeyMark, *catalog.Index) {
	for i := range t.Indexes {
		mark, ok := step.ReadKeyMark(&t.Indexes[i])
		if ok && (mark.Newer > 0 || mark.Unreadable || mark.Table.Same(t.Named())) {
			return mark, &t.Indexes[i]
		}
	}
	return step.KeyMark{}, nil
}

// IntegerKey returns the column of a table's integer key, which was the primary key before the table switched; "" if it has no key of
// a single integer.
func IntegerKey(t *catalog.Table) string {
	if mark, index := switchedBy(t); index != nil && t.Integer(mark.Columns) {
		return mark.Columns[0]
	}
	return t.IntegerKey()
}

// SwitchedAt returns when the primary key of a table switched, by the server's clock; the zero value if it has not.
func SwitchedAt(t *catalog.Table) time.Time {
	mark, _ := switchedBy(t)
	return mark.Switched
}

// keyFinder composes the primary keys of a plan.
type keyFinder struct {
	input Input
	links []Link
}

// primaryKeys returns the primary key of each table of the goals, in the order of the way up. On the way down it returns those that up
// has begun to switch.
func (p *Plan) primaryKeys(s Input) []PrimaryKey {
	f := keyFinder{input: s, links: p.Links}
	var keys []PrimaryKey
	for _, g := range p.Targets() {
		table := s.Schema.Named(g.Table)
		if table == nil {
			continue
		}
		k := f.of(g, table)
		if s.Direction == Down && !k.made { // it did not switch
			continue
		}
		f.progress(&k, table)
		k.tableRefused = g.State == Refused
		keys = append(keys, k)
	}
	return append(keys, f.renamed(keys)...)
}

// renamed returns the primary keys of contracted tables that are no goals any more, since their uuid column has the name of the integer.
func (f keyFinder) renamed(known []PrimaryKey) (keys []PrimaryKey) {
	for i := range f.input.Schema.Relations {
		t := &f.input.Schema.Relations[i]
		mark, index := switchedBy(t)
		if index == nil || !mark.Contracted || slices.ContainsFunc(known, func(k PrimaryKey) bool { return k.Key.Table.Same(t.Named()) }) {
			continue
		}
		keys = append(keys, PrimaryKey{
			Key:      step.Key{Table: t.Named(), Columns: mark.Columns, UUIDs: mark.UUIDs, Constraint: mark.Primary},
			Progress: KeyContracted, State: Complete, made: true, ended: true, mark: mark,
		})
	}
	return keys
}

// of returns the primary key of a table.
func (f keyFinder) of(g Group, t *catalog.Table) PrimaryKey {
	k := PrimaryKey{Key: step.Key{Table: g.Table, Tree: t.Kind == catalog.Partitioned}}
	k.Key.Table.Only = t.Kind == catalog.Ordinary && t.IsTree()
	if mark, index := switchedBy(t); index != nil {
		k.made = true
		if mark.Newer > 0 || mark.Unreadable {
			k.State, k.Why = Refused, "the comment of index "+index.Name+" was edited, or is of a newer version of rekey"
			return k
		}
		if !mark.Contracted && !fitsKey(mark, index, t) {
			k.State, k.Why = Refused, "the comment of index "+index.Name+" does not name the columns of the index and of the primary key: it was edited, or a column was renamed"
			return k
		}
		k.mark, k.ended = mark, index.Primary
		k.Key.Columns, k.Key.UUIDs, k.Key.Constraint, k.Key.Unique = mark.Columns, mark.UUIDs, mark.Primary, index.Name
		if k.ended {
			k.Key.Unique = ""
		}
		return k
	}
	if hint := unmarked(g.Target, t, f.input.Server.Now); hint != "" {
		k.made, k.State, k.Hint = true, Refused, hint
		k.Why = "no index has the mark: its comment was changed, the index was dropped, or the table was renamed"
		return k
	}
	columns := t.PrimaryKey()
	if columns == nil {
		k.State, k.Why = Skipped, "it has no primary key"
		return k
	}
	uuids := make([]string, len(columns))
	for i, c := range columns {
		uuids[i] = f.counterpart(g, t, columns, c)
	}
	if slices.Equal(columns, uuids) {
		k.State, k.Why = Skipped, "its primary key ("+strings.Join(columns, ", ")+") has no integer key"
		return k
	}
	k.Key.Columns, k.Key.UUIDs, k.Key.Constraint = columns, uuids, primaryName(t)
	k.Key.Unique = f.uniqueName(k.Key, t)
	k.made = f.input.Direction == Down && step.LeftUnique(t)
	return k
}

// counterpart returns the column that takes a column's place in the primary key: the table's own uuid for the integer that identifies
// its rows, the uuid column of the edge for a reference, else the column itself.
func (f keyFinder) counterpart(g Group, t *catalog.Table, key []string, column string) string {
	c := t.Column(column)
	if c == nil || !c.Integer() {
		return column
	}
	if len(key) == 1 {
		return g.Target.Column
	}
	for _, l := range f.links {
		if l.Edge.UUID != "" && l.Edge.Child.Same(t.Named()) && l.Edge.Column == column && l.State != Skipped && l.State != Refused {
			return l.Edge.UUID
		}
	}
	if generated(c) || t.UniqueOn(column) && f.referredTo(t, column) {
		return g.Target.Column
	}
	return column
}

// referredTo reports whether an edge refers to a column of the table.
func (f keyFinder) referredTo(t *catalog.Table, column string) bool {
	return slices.ContainsFunc(f.links, func(l Link) bool {
		return l.Edge.UUID != "" && l.Edge.Parent.Same(t.Named()) && l.Edge.Key == column
	})
}

// primaryName returns the name of a table's primary key.
func primaryName(t *catalog.Table) string {
	for _, i := range t.Indexes {
		if i.Primary {
			return i.Constraint
		}
	}
	return ""
}

// uniqueName returns a name for the unique index on the integers. Neither it nor the names that partitions derive from it are taken.
func (f keyFinder) uniqueName(k step.Key, t *catalog.Table) string {
	for pattern := "{table}_{column}_key"; ; pattern += "_" {
		k.Unique = step.IndexName(pattern, t.Name, strings.Join(k.Columns, "_"))
		if !slices.ContainsFunc(k.IndexNames(t), f.taken) {
			return k.Unique
		}
	}
}

// taken reports whether a relation or a constraint has a name that an index is to get.
func (f keyFinder) taken(name sqltext.Table) bool {
	schema := f.input.Schema
	has := func(t catalog.Table) bool {
		return t.Schema == name.Schema && (t.Name == name.Name || t.Index(name.Name) != nil || t.Constraint(name.Name) != nil)
	}
	return slices.ContainsFunc(schema.Relations, has) || slices.ContainsFunc(schema.OtherSchemas, has)
}

// progress sets how far a primary key is, and what it lacks.
func (f keyFinder) progress(k *PrimaryKey, t *catalog.Table) {
	k.Progress = KeyInteger
	switch {
	case len(k.Key.Columns) == 0:
		return
	case k.ended:
		k.Progress, k.State = KeySwitched, Complete
		if k.mark.Contracted {
			k.Progress = KeyContracted
		}
		return
	}
	view := step.View{Server: f.input.Server, Schema: f.input.Schema, Table: t}
	stages := []struct {
		reaches KeyState
		steps   []step.Step
	}{
		{KeyDoubled, []step.Step{step.BuildUniqueKey{Key: k.Key}, step.MoveReferences{Key: k.Key}}},
		{KeyReady, []step.Step{step.BuildPrimaryIndex{Key: k.Key}}},
		{KeySwitched, []step.Step{step.SwapPrimaryKey{Key: k.Key}}},
	}
	for _, stage := range stages {
		for _, one := range stage.steps {
			if outcome := one.Check(view); !outcome.Done {
				k.Missing = append(k.Missing, outcome.Reason)
			}
		}
		if len(k.Missing) == 0 {
			k.Progress = stage.reaches
		}
	}
	if k.Key.Switched(t) { // with something left to complete or to remove
		k.Progress = KeySwitched
	}
	switch {
	case k.State != "":
	case f.input.Direction == Up && len(k.Missing) == 0:
		k.State = Complete
	case f.input.Direction == Up && k.made:
		k.State = Incomplete
	default:
		k.State = Pending
	}
}

// group returns the group that switches a primary key.
func (k PrimaryKey) group(target step.Target) Group {
	key := k.Key
	return Group{Table: key.Table.All(), Target: target, Key: &key, Phase: Switched, State: k.State, Missing: k.Missing, Steps: step.KeySteps(key)}
}

// addKeys adds the primary keys of the schema, and the groups that switch them if the run is about them. It returns why some are refused.
func (p *Plan) addKeys(s Input) (found problem.List) {
	up := p.Direction == Up && s.Goal.AtLeast(Switched)
	down := p.Direction == Down && s.Goal == Linked
	shown := p.Direction == Up && HasKeys(s.Schema)
	if !up && !down && !shown {
		return nil
	}
	targets := map[string]step.Target{}
	for _, g := range p.Targets() {
		targets[g.Table.Name] = g.Target
	}
	p.PrimaryKeys = p.primaryKeys(s)
	if down {
		defer func() { p.Groups = p.Keys() }()
	}
	if !up && !down {
		return nil
	}
	found = renamedKeys(s)
	setComponents(p.PrimaryKeys, p.Links)
	check := keyCheck{input: s, links: p.Links}
	for i := range p.PrimaryKeys {
		k := &p.PrimaryKeys[i]
		if k.State == Skipped || k.State == Complete {
			continue
		}
		problems := check.refuse(*k, s.Schema.Named(k.Key.Table.All()))
		k.refuseFor(problems)
		found = append(found, problems...)
	}
	refuseComponents(p.PrimaryKeys, len(s.Selection.Filter.Tables) > 0)
	for _, k := range p.PrimaryKeys {
		if k.State != Skipped && k.State != Refused && !k.ended {
			p.Groups = append(p.Groups, p.withTodo(k.group(targets[k.Key.Table.Name])))
		}
	}
	if up {
		found = append(found, p.addHazards(s)...)
	}
	return found
}

// refuseFor sets that a primary key is refused, if there are problems, or if the run refuses its table.
func (k *PrimaryKey) refuseFor(problems problem.List) {
	for _, one := range problems {
		k.State, k.Why, k.Hint = Refused, joined(k.Why, one.Error()), joined(k.Hint, one.Hint)
	}
	if k.tableRefused && k.State != Refused {
		k.State, k.Why = Refused, "the run refuses the table"
	}
}

// keysRemain returns the tables whose primary keys up has begun to switch.
func keysRemain(s Input) []string {
	var names []string
	for i := range s.Schema.Relations {
		t := &s.Schema.Relations[i]
		if _, index := switchedBy(t); index != nil || step.LeftUnique(t) {
			names = append(names, t.Named().String())
		}
	}
	return names
}
