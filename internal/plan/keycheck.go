package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/problem"
)

// keyCheck refuses primary keys.
type keyCheck struct {
	input Input
	links []Link
}

// refuse returns why a primary key cannot switch, or cannot switch back.
func (c keyCheck) refuse(k PrimaryKey, t *catalog.Table) problem.List {
	if k.State == Refused {
		one := message.KeyMarkUnreadable(k.String(), k.Why)
		one.Hint = firstNonEmpty(k.Hint, one.Hint)
		return problem.List{one}
	}
	pk := primaryIndex(t)
	var found problem.List
	if pk == nil {
		return problem.List{message.KeyUnsupported(k.String(), "the primary key was dropped since it began to switch", "Add it again, or drop index "+k.Key.Unique)}
	}
	found = append(found, c.refuseIndex(k, t, pk)...)
	found = append(found, c.refuseCode(t)...)
	for _, key := range t.ReferencedBy {
		if key.Above == 0 && !slices.ContainsFunc(key.ParentColumns, func(name string) bool { return !slices.Contains(k.Key.Columns, name) }) {
			found = append(found, c.refuseReference(k, t, key)...)
		}
	}
	if c.input.Direction == Up {
		found = append(found, c.refuseColumns(k, t)...)
	}
	for _, one := range found {
		one.Table = t.Named().String()
		if !c.input.Policy.SkipRefused {
			one.Hint = joined(ended(one.Hint), "Or skip the refused tables: "+c.run()+" --skip-refused")
		}
	}
	return found
}

// run returns the command of the run that the plan is for.
func (c keyCheck) run() string {
	return message.Run(c.input.Direction == Up, string(c.input.Goal), c.input.Schema.Name)
}

func (c keyCheck) leaveOut(t *catalog.Table) string { return message.LeaveOut(c.run(), t.Name) }

// refuseCode refuses a primary key if reading its table, or one that refers to it, would run code of a role that the run's role does not
// trust. A foreign key is validated by a query on both.
func (c keyCheck) refuseCode(t *catalog.Table) (found problem.List) {
	checked := []sqltext.Table{}
	check := func(one *catalog.Table) {
		if one != nil && !slices.Contains(checked, one.Named()) {
			checked = append(checked, one.Named())
			found = append(found, refuseCode(c.input, step.Target{Schema: one.Schema, Table: one.Name}, one, false)...)
		}
	}
	check(t)
	for _, key := range t.ReferencedBy {
		check(c.input.Schema.Named(key.Child))
	}
	return found
}

// primaryIndex returns the index of a table's primary key; nil if there is none.
func primaryIndex(t *catalog.Table) *catalog.Index {
	for i := range t.Indexes {
		if t.Indexes[i].Primary {
			return &t.Indexes[i]
		}
	}
	return nil
}

// refuseIndex refuses a primary key whose index cannot be replaced.
func (c keyCheck) refuseIndex(k PrimaryKey, t *catalog.Table, pk *catalog.Index) problem.List {
	var found problem.List
	unfit := func(why, hint string) {
		found = append(found, message.KeyUnsupported(k.String(), why, hint))
	}
	switch {
	case !t.Owned:
		found = append(found, message.KeyOwner(k.String(), t.Named().String(), t.Owner, c.input.Server.Role.Name))
	case !pk.Immediate:
		unfit("it is DEFERRABLE, and no foreign key can refer to the index that would take its place", "Make it NOT DEFERRABLE")
	case pk.Method != "btree":
		unfit("its index is no B-tree (WITHOUT OVERLAPS)", "Leave the table out: "+c.leaveOut(t))
	}
	if column := outsidePartitionKey(k, t); column != "" {
		unfit("its rows, or the rows of a partition, are partitioned by "+column+", which a primary key must hold", "Leave the table out: "+c.leaveOut(t))
	}
	for _, key := range k.Key.Unmovable(step.View{Server: c.input.Server, Schema: c.input.Schema}) {
		unfit(unmovable(k, t, key), "Drop the foreign key, or leave the table out: "+c.leaveOut(t))
	}
	if c.input.Direction == Up || k.Key.Switched(t) {
		for _, user := range keyDependents(k, t) {
			found = append(found, message.KeyDependent(k.String(), user))
		}
	}
	if c.input.Direction == Up {
		for _, one := range k.Tables(t) {
			found = append(found, c.refuseUsers(k, one)...)
		}
	}
	return found
}

// outsidePartitionKey returns a column, or "an expression", by which rows of a partitioned table are distributed and which the new primary
// key does not hold; "" if there is none.
func outsidePartitionKey(k PrimaryKey, t *catalog.Table) string {
	for _, table := range t.All() {
		for _, column := range table.PartitionKey {
			switch {
			case column == "":
				return "an expression"
			case !slices.Contains(k.Key.UUIDs, column):
				return column
			}
		}
	}
	return ""
}

// unmovable returns why a foreign key keeps the primary key from being replaced.
func unmovable(k PrimaryKey, t *catalog.Table, key catalog.ForeignKey) string {
	which := "foreign key " + key.Name + " of " + key.Child.String()
	switch {
	case k.Key.Tree:
		return which + " refers to a partitioned table, and PostgreSQL cannot make it depend on another index"
	case k.Key.Switched(t) && slices.Equal(key.ParentColumns, k.Key.UUIDs):
		return which + " depends on the new primary key, and no other unique index has its columns"
	}
	return which + " belongs to a partitioned table that is a partition itself"
}

// refuseUsers refuses a primary key that functions name, of a table or a partition.
func (c keyCheck) refuseUsers(k PrimaryKey, t *catalog.Table) (found problem.List) {
	pk := primaryIndex(t)
	if pk == nil {
		return nil
	}
	for _, name := range c.input.ConstraintUsers[sqltext.Table{Schema: t.Schema, Name: pk.Constraint}] {
		found = append(found, message.KeyNamedBy(k.String(), pk.Constraint, name))
	}
	return found
}

// Tables returns the tables whose primary keys switch together: the table and, if it is partitioned, those below it.
func (k PrimaryKey) Tables(t *catalog.Table) []*catalog.Table {
	if k.Key.Tree {
		return t.All()
	}
	return []*catalog.Table{t}
}

// keyDependents returns what else depends on the primary key of a table, or of a partition of it.
func keyDependents(k PrimaryKey, t *catalog.Table) (names []string) {
	for _, one := range k.Tables(t) {
		if pk := primaryIndex(one); pk != nil {
			names = append(names, pk.Dependents...)
		}
	}
	return names
}

// refuseReference refuses a primary key because of a foreign key that refers to its integers.
func (c keyCheck) refuseReference(k PrimaryKey, t *catalog.Table, key catalog.ForeignKey) problem.List {
	unfit := func(why, hint string) problem.List {
		return problem.List{message.KeyUnsupported(k.String(), "foreign key "+key.Name+" of "+key.Child.String()+" "+why, hint)}
	}
	switch {
	case !key.ChildOwned:
		return problem.List{message.KeyChildOwner(k.String(), key.Name, key.Child.String(), c.input.Server.Role.Name)}
	case key.Period, key.NotEnforced, key.OwnOperators:
		return unfit("is of a kind that cannot be made again beside itself (PERIOD, NOT ENFORCED, or an operator of an extension)", "Drop it, or leave the table out: "+c.leaveOut(t))
	case c.input.Direction == Down:
		return nil
	}
	return c.refuseUnlinked(k, t, key)
}

// refuseUnlinked refuses a primary key whose integers have a reference without a uuid counterpart.
func (c keyCheck) refuseUnlinked(k PrimaryKey, t *catalog.Table, key catalog.ForeignKey) problem.List {
	for _, l := range c.links {
		if l.Edge.Child.Same(key.Child) && l.Edge.Reference.Name == key.Name {
			if l.Edge.UUID != "" && l.State != Refused && l.State != Skipped {
				return nil
			}
			return problem.List{message.KeyNotLinked(k.String(), l.String(), firstNonEmpty(l.Why, "it is not linked"))}
		}
	}
	switch {
	case linkedBeside(k, t, key), c.covered(k, t, key):
		return nil
	case key.Child.Schema != t.Schema:
		return problem.List{message.KeyOtherSchema(k.String(), key.Name, key.Child.String(), key.Child.Schema, t.Schema)}
	case c.linkedCopy(t, key):
		return nil
	}
	return problem.List{message.KeyNotLinked(k.String(), key.Child.String()+"."+strings.Join(key.ChildColumns, ", "), "foreign key "+key.Name+" is not part of this run")}
}

// linkedBeside reports whether the same child has a valid foreign key on the uuids next to one on the integers: a run on another schema,
// or on other tables, has linked it.
func linkedBeside(k PrimaryKey, t *catalog.Table, key catalog.ForeignKey) bool {
	return slices.ContainsFunc(t.ReferencedBy, func(other catalog.ForeignKey) bool {
		if !other.Child.Same(key.Child) || !other.Validated || len(other.ParentColumns) != len(key.ParentColumns) {
			return false
		}
		replaced := 0
		for i, c := range key.ParentColumns {
			at := slices.Index(k.Key.Columns, c)
			switch {
			case at >= 0 && other.ParentColumns[i] == k.Key.UUIDs[at] && k.Key.UUIDs[at] != c:
				replaced++
			case other.ParentColumns[i] != c:
				return false
			}
		}
		return replaced > 0
	})
}

// linkedCopy reports whether the foreign key is one of several on one column, and another one of them is linked.
func (c keyCheck) linkedCopy(t *catalog.Table, key catalog.ForeignKey) bool {
	return slices.ContainsFunc(c.links, func(l Link) bool {
		return l.Edge.Child.Same(key.Child) && l.Edge.Parent.Same(t.Named()) && l.Edge.UUID != "" && slices.Contains(key.ChildColumns, l.Edge.Column) && l.State != Refused && l.State != Skipped
	})
}

// refuseColumns refuses a primary key whose integers the writers of uuids cannot leave out.
func (c keyCheck) refuseColumns(k PrimaryKey, t *catalog.Table) problem.List {
	var found problem.List
	for i, name := range k.Key.Columns {
		column := t.Column(name)
		if column == nil || k.Key.UUIDs[i] == name {
			continue
		}
		if edge := c.edgeOn(t, name); edge != nil {
			if uuid := t.Column(edge.UUID); !edge.Required && (uuid == nil || !uuid.NotNull) {
				why, hint := c.whyNullable(t, *edge)
				found = append(found, message.KeyUnsupported(k.String(), "its column "+edge.UUID+" can be NULL, because "+why, hint))
			}
			continue
		}
		switch {
		case column.Identity != "" || column.Default != "":
		case len(k.Key.Columns) > 1:
			found = append(found, message.KeyUnsupported(k.String(), "its column "+name+" has no default and is no reference: its numbers may mean something, and a row inserted by uuid alone has none",
				"Leave the table out, with those that refer to it: "+c.leaveOut(t)))
		default:
			found = append(found, message.KeyWithoutDefault(k.String(), t.Named().String(), sqltext.Qualified(t.Schema, t.Name), name))
		}
	}
	return found
}

// whyNullable returns why the uuid column of a NOT NULL integer column can be NULL, and what makes it NOT NULL.
func (c keyCheck) whyNullable(t *catalog.Table, edge step.Edge) (why, hint string) {
	key := edge.Reference
	switch {
	case key.Name != "" && key.Validated && key.Deferrable:
		return "foreign key " + key.Name + " is deferrable: a row may be written before its parent",
			"Make it not deferrable (ALTER TABLE " + sqltext.Qualified(edge.Child.Schema, edge.Child.Name) + " ALTER CONSTRAINT " + sqltext.Ident(key.Name) + " NOT DEFERRABLE), then run rekey up --to linked"
	case key.Name != "" && key.Validated:
		return "a row may be written before its parent", "Leave the table out, with those that refer to it: " + c.leaveOut(t)
	}
	return "no valid foreign key on " + edge.Column + " says that every row has a parent", "Add one, then run rekey up --to linked"
}

// edgeOn returns the edge of a column; nil if there is none.
func (c keyCheck) edgeOn(t *catalog.Table, column string) *step.Edge {
	at := slices.IndexFunc(c.links, func(l Link) bool {
		return l.Edge.UUID != "" && l.Edge.Child.Same(t.Named()) && l.Edge.Column == column
	})
	if at < 0 {
		return nil
	}
	return &c.links[at].Edge
}

// setComponents sets the tables that are connected with each primary key by references. They switch together: where one is refused, the
// others are too.
func setComponents(keys []PrimaryKey, links []Link) {
	group := map[string]string{} // the representative of each table
	var find func(name string) string
	find = func(name string) string {
		if above, ok := group[name]; ok && above != name {
			return find(above)
		}
		return name
	}
	for _, l := range links {
		child, parent := find(l.Edge.Child.All().String()), find(l.Edge.Parent.All().String())
		if child != parent {
			group[child] = parent
		}
	}
	members := map[string][]string{}
	for _, k := range keys {
		name := k.Key.Table.All().String()
		members[find(name)] = append(members[find(name)], name)
	}
	for i := range keys {
		keys[i].Component = slices.Sorted(slices.Values(members[find(keys[i].Key.Table.All().String())]))
	}
}

// refuseComponents refuses the primary keys that are connected with a refused one, unless the user chose the tables.
func refuseComponents(keys []PrimaryKey, chosen bool) {
	if chosen {
		return
	}
	refused := map[string][]string{}
	for _, k := range keys {
		if k.State == Refused && len(k.Component) > 0 {
			refused[k.Component[0]] = append(refused[k.Component[0]], k.Key.Table.All().String())
		}
	}
	for i := range keys {
		k := &keys[i]
		if why := refused[strings.Join(k.Component[:min(len(k.Component), 1)], "")]; why != nil && (k.State == Pending || k.State == Incomplete) {
			k.State, k.Hint, k.connected = Skipped, "Choose the tables that switch without it: --tables", true
			if k.Why = "references connect it with " + why[0] + ", which is refused"; len(why) > 1 {
				k.Why = "references connect it with " + strings.Join(why, " and ") + ", which are refused"
			}
		}
	}
}

// WithoutRefused returns the keys that are skipped since references connect them with refused ones, and the refused ones.
func (p Plan) WithoutRefused() (skipped, refused []PrimaryKey) {
	for _, k := range p.PrimaryKeys {
		switch {
		case k.connected:
			skipped = append(skipped, k)
		case k.State == Refused:
			refused = append(refused, k)
		}
	}
	return skipped, refused
}
