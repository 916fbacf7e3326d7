package plan

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// Ending is one integer column that phase contracted drops, and what falls with it.
type Ending struct {
	Table  sqltext.Table
	Column string
	// Falls are the objects that are dropped with the column. Lost are the ones without a counterpart on the uuid.
	Falls, Lost []string
	// Reads is the number of scans of its indexes since the switch, as far as the server counts them.
	Reads int64
}

// String returns the column as schema.table.column.
func (e Ending) String() string { return e.Table.String() + "." + e.Column }

// end adds an integer column that ends, and refuses it because of objects that PostgreSQL would drop only with CASCADE.
func (c *contraction) end(t *catalog.Table, column string) {
	e := Ending{Table: t.Named(), Column: column}
	for _, one := range t.All() {
		for _, a := range one.Attachments {
			if a.Column == column {
				c.endAttachment(&e, t, one, a)
			}
		}
	}
	c.fallWithColumn(&e, t)
	c.refuseReferences(e, t)
	for _, i := range t.Indexes {
		if i.Holds(column) {
			e.Reads += c.input.IndexReads[i.OID]
		}
	}
	for _, name := range step.DuplicateTwins(t) {
		if index := (sqltext.Table{Schema: t.Schema, Name: name}); !slices.Contains(c.duplicates, index) {
			c.duplicates = append(c.duplicates, index)
			e.Falls = append(e.Falls, "index "+name+" (it equals a unique one)")
		}
	}
	c.plan.Endings = append(c.plan.Endings, e)
}

// endAttachment adds an object that depends on a column that ends, or refuses it.
func (c *contraction) endAttachment(e *Ending, root, t *catalog.Table, a catalog.Attachment) {
	refuse := func(object string) {
		object = strings.TrimPrefix(object, "publication ") // its description begins with it
		c.found = append(c.found, message.ContractDependent(e.String(), object))
	}
	switch a.Kind {
	case "index", "constraint", "statistics":
		c.fall(e, root, t, a)
	case "sequence":
		e.Falls = append(e.Falls, "sequence "+a.Name)
		for _, user := range c.input.SequenceUsers[a.Name] {
			refuse(user + ", through sequence " + a.Name)
		}
	case "foreign key", "replica identity": // of the table: the run drops them
	case "trigger":
		if trigger := t.Trigger(a.Name); trigger == nil || !trigger.OfEdge() {
			refuse(a.Kind + " " + a.Name)
		}
	default:
		refuse(a.Kind + " " + a.Name)
	}
}

// fallWithColumn adds what a column has that no catalogue calls an object: its comment, rights on it alone, and its part of rows that are
// stored elsewhere.
func (c *contraction) fallWithColumn(e *Ending, t *catalog.Table) {
	column, uuid := t.Column(e.Column), t.Column(c.uuids[e.Table][e.Column])
	if column == nil {
		return
	}
	if column.Comment != nil && *column.Comment != "" {
		e.Falls = append(e.Falls, "its comment")
	}
	for _, role := range column.Grantees {
		if uuid == nil || !slices.Contains(uuid.Grantees, role) {
			e.Falls, e.Lost = append(e.Falls, "rights of "+role+" on it"), append(e.Lost, "rights of "+role+" on it")
		}
	}
	for _, user := range c.input.RowUsers[t.OID] {
		e.Falls, e.Lost = append(e.Falls, "its values in "+user), append(e.Lost, "its values in "+user)
	}
}

// refuseReferences refuses a column because of foreign keys onto it that the run does not drop, and because of those that depend on an
// index with it.
func (c *contraction) refuseReferences(e Ending, t *catalog.Table) {
	for _, k := range t.ReferencedBy {
		for _, i := range t.Indexes {
			if k.Above == 0 && k.Index == i.OID && i.Holds(e.Column) && !slices.Contains(k.ParentColumns, e.Column) {
				c.found = append(c.found, message.ContractDependent(e.String(), "foreign key "+k.Name+" of "+k.Child.String()+", through index "+i.Name))
			}
		}
		if k.Above != 0 || !slices.Contains(k.ParentColumns, e.Column) {
			continue
		}
		ends := slices.ContainsFunc(c.links, func(l Link) bool {
			mixed := l.Edge.Constraint == k.Name && c.uuids[t.Named()][e.Column] != ""
			return l.Edge.Child.Same(k.Child) && (slices.Contains(k.ChildColumns, l.Edge.Column) || mixed)
		})
		if !ends {
			c.found = append(c.found, message.ContractReferenced(e.String(), k.Name, k.Child.String(), k.Child.Schema, t.Schema))
		}
	}
}

// fall adds an object of a table, or of one below it, that is dropped with a column.
func (c *contraction) fall(e *Ending, root, t *catalog.Table, a catalog.Attachment) {
	index := t.Index(firstNonEmpty(a.OnIndex, a.Name))
	name := fallName(a, index)
	switch {
	case slices.Contains(e.Falls, name):
		return
	case index != nil && (step.IsTemporaryIndex(index.Name) || a.Kind == "constraint" && slices.ContainsFunc(e.Falls, func(f string) bool { return strings.HasSuffix(f, "index "+index.Name) })):
		return
	}
	e.Falls = append(e.Falls, name)
	if index == nil || !c.hasCounterpart(e, root, t, index) {
		e.Lost = append(e.Lost, name)
	}
}

// fallName names an object that falls. A unique index says that it is, since more ends with it than speed.
func fallName(a catalog.Attachment, index *catalog.Index) string {
	name := a.Kind + " " + a.Name
	if index != nil && index.Unique {
		return "unique " + name
	}
	return name
}

// hasCounterpart reports whether an index on the uuids does what an index that falls does.
func (c *contraction) hasCounterpart(e *Ending, root, t *catalog.Table, index *catalog.Index) bool {
	if _, ofKey := step.ReadKeyMark(index); ofKey || index.Primary || c.built[root.Named()][index.Name] || step.IsMadeIndex(root, index) {
		return true
	}
	if index.Parent != 0 && c.attachedToKey(root, index) {
		return true
	}
	pair := step.ColumnPair{Integer: e.Column, UUID: c.uuids[e.Table][e.Column]}
	return step.Counterpart(root, t, index.Name, pair, c.others(e.Table, e.Column), index.Unique && !c.holdsKey(e.Table, index))
}

// attachedToKey reports whether an index of a partition belongs to the unique index that the switch made.
func (c *contraction) attachedToKey(root *catalog.Table, index *catalog.Index) bool {
	for _, one := range root.All() {
		for i := range one.Indexes {
			above := &one.Indexes[i]
			if above.OID != index.Parent {
				continue
			}
			_, ofKey := step.ReadKeyMark(above)
			return ofKey || above.Primary || above.Parent != 0 && c.attachedToKey(root, above)
		}
	}
	return false
}

// holdsKey reports whether an index has all columns of the table's primary key of integers, so that the uuids keep its rows unique.
func (c *contraction) holdsKey(table sqltext.Table, index *catalog.Index) bool {
	return slices.ContainsFunc(c.plan.PrimaryKeys, func(k PrimaryKey) bool {
		missing := func(column string) bool { return !slices.Contains(index.Columns, column) }
		return k.Key.Table.Same(table) && len(k.Key.Columns) > 0 && !slices.ContainsFunc(k.Key.Columns, missing)
	})
}
