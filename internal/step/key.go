package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Key is the goal of one primary key: the uuid column takes the place of the integer one, which stays unique. Columns of the key
// that refer to other tables are replaced by the uuid columns of their edges.
type Key struct {
	// Table is the table, with Only if it belongs to an inheritance tree.
	Table sqltext.Table
	// Columns are the columns of the primary key of integers, in order.
	Columns []string
	// UUIDs are the columns of the new primary key, in the same order. A column that is no integer key stays.
	UUIDs []string
	// Constraint is the name of the primary key, which both have.
	Constraint string
	// Unique is the name of the unique index on Columns that up makes, to which the integer foreign keys move.
	Unique string
	// Tree says that the table is partitioned.
	Tree bool
}

// String returns the name of the goal, for messages and events.
func (k Key) String() string { return k.Table.String() + " primary key" }

func (k Key) id(verb string) ID { return ID(k.Table.String() + "/" + verb) }

// KeySteps returns the steps of a primary key, in the order of the way up.
func KeySteps(k Key) []Step {
	return []Step{BuildUniqueKey{Key: k}, MoveReferences{Key: k}, BuildPrimaryIndex{Key: k}, SwapPrimaryKey{Key: k}}
}

// on returns a lock on the table and, if it is partitioned, on its partitions.
func (k Key) on(mode lock.Mode) []lock.Lock { return []lock.Lock{lock.On(k.Table, mode)} }

// table returns the table of the goal with its primary key; nil if the table does not exist or has no primary key.
func (k Key) table(v View) (*catalog.Table, *catalog.Index) {
	t := v.Relation(k.Table)
	pk := primary(t)
	if pk == nil {
		return nil, nil
	}
	return t, pk
}

// primary returns the index of a table's primary key; nil if it has none.
func primary(t *catalog.Table) *catalog.Index {
	if t == nil {
		return nil
	}
	for i := range t.Indexes {
		if t.Indexes[i].Primary {
			return &t.Indexes[i]
		}
	}
	return nil
}

// Switched reports whether the uuids are the primary key of the table.
func (k Key) Switched(t *catalog.Table) bool {
	pk := primary(t)
	return pk != nil && slices.Equal(pk.Columns, k.UUIDs)
}

// integers reports whether the integers are the primary key of the table.
func (k Key) integers(t *catalog.Table) bool {
	pk := primary(t)
	return pk != nil && slices.Equal(pk.Columns, k.Columns)
}

// unique returns the valid unique index of the integers that up made; nil if there is none.
func (k Key) unique(t *catalog.Table) *catalog.Index {
	if i := k.markedUnique(t); i != nil && i.Valid {
		return i
	}
	return nil
}

// markedUnique is unique, valid or not.
func (k Key) markedUnique(t *catalog.Table) *catalog.Index {
	if t == nil {
		return nil
	}
	i := t.Index(k.Unique)
	if i == nil {
		return nil
	}
	if mark, ok := ReadKeyMark(i); !ok || !mark.of(k) {
		return nil
	}
	return i
}

// keyPart is one table of the goal: the table itself or, if it is partitioned, one of its tree.
type keyPart struct {
	table *catalog.Table
	pk    *catalog.Index // of the table
	above *keyPart       // nil for the table of the goal
	// unique is the name of its unique index on the integers, and own the index, under its name or the temporary one; nil if there
	// is none.
	unique string
	own    *catalog.Index
	// named says that own has its name: the mark shows it or, below the table of the goal, that it is attached.
	named bool
}

// parts returns the tables of the goal, parents first. It leaves out a table without a primary key.
func (k Key) parts(t *catalog.Table) []*keyPart {
	root := &keyPart{table: t, pk: primary(t), unique: k.Unique, own: k.markedUnique(t)}
	root.named = root.own != nil
	parts := []*keyPart{root}
	if !k.Tree {
		return parts
	}
	at := map[uint32]*keyPart{t.OID: root}
	for i := range t.Below {
		below := &t.Below[i]
		pk, above := primary(below), at[below.Above]
		if pk == nil || above == nil {
			continue
		}
		part := &keyPart{table: below, pk: pk, above: above, unique: k.uniqueBelow(below), own: attachedTo(below, above.own)}
		if part.own != nil {
			part.unique, part.named = part.own.Name, true
		} else {
			part.own = below.Index(temporaryName(part.unique))
		}
		parts, at[below.OID] = append(parts, part), part
	}
	return parts
}

// uniqueBelow returns the name for the unique index of a partition.
func (k Key) uniqueBelow(t *catalog.Table) string {
	if after, ok := strings.CutPrefix(k.Unique, k.Table.Name); ok {
		return IndexName(t.Name+after, "", "")
	}
	return IndexName(t.Name+"_"+k.Unique, "", "")
}

// IndexNames returns the names of the unique indexes that up makes and does not find, for a check that they are free.
func (k Key) IndexNames(t *catalog.Table) (names []sqltext.Table) {
	if primary(t) == nil {
		return nil
	}
	for _, p := range k.parts(t) {
		if !p.named {
			names = append(names, p.of(p.unique))
		}
	}
	return names
}

// attachedTo returns the index of a table that is attached to another one, which may be nil; nil if there is none.
func attachedTo(t *catalog.Table, above *catalog.Index) *catalog.Index {
	for i := range t.Indexes {
		if above != nil && t.Indexes[i].Parent == above.OID {
			return &t.Indexes[i]
		}
	}
	return nil
}

// leaf reports whether the part holds rows.
func (p *keyPart) leaf() bool { return p.table.Kind != catalog.Partitioned }

// of returns the qualified name of an index of the part.
func (p *keyPart) of(index string) sqltext.Table {
	return sqltext.Table{Schema: p.table.Schema, Name: index}
}

// only returns a lock on the part without its partitions.
func (p *keyPart) only(mode lock.Mode) []lock.Lock { return onlyOn(p.table.Named(), mode) }

// like returns an index as the primary key's is now, except for its name and its columns. It returns false if the primary
// key's definition has an unknown form.
func (p *keyPart) like(name string, columns []string) (IndexTwin, bool) {
	d, ok := parseIndex(p.pk)
	if !ok || len(d.keys) != len(columns) {
		return IndexTwin{}, false
	}
	for n := range d.keys {
		d.keys[n] = append([]sqltext.Token{quoted(columns[n])}, d.keys[n][1:]...)
	}
	twin := IndexTwin{Table: p.table.Named(), Name: name, Unique: true, Definition: d.write(p.pk.Included), Tablespace: p.pk.Place(), Partitioned: !p.leaf()}
	if twin.Partitioned {
		twin.Tablespace = p.pk.Tablespace
	}
	return twin, true
}

// inPlace returns the statement after which an index of a partitioned table gets no tablespace, so that the indexes of later partitions are in
// the database's own, as now. PostgreSQL does not let CREATE INDEX say so.
func (p *keyPart) inPlace() []string {
	if p.leaf() || p.pk.Tablespace != "" || p.pk.Home == "" {
		return nil
	}
	return []string{"SET LOCAL default_tablespace = ''"}
}

// create returns the change that creates an index of a partitioned table, without the indexes of its partitions.
func (p *keyPart) create(want IndexTwin) Change {
	only := p.table.Named()
	only.Only = true
	return Change{Locks: p.only(lock.ShareRowExclusive), Statements: append(p.inPlace(), want.statement("", only))}
}

// built returns the index that was built for a part, or the action that builds it next. It returns neither if the primary key's
// definition has an unknown form.
func (p *keyPart) built(name string, columns []string) (built *catalog.Index, next Action) {
	want, ok := p.like(name, columns)
	if !ok {
		return nil, nil
	}
	if built, next = builtAs(p.table, want); built == nil && p.table.Index(name) == nil && !p.leaf() {
		next = p.create(want)
	}
	return built, next
}

// temporary returns the names that the indexes of the part have while they are built.
func (p *keyPart) temporary() []string {
	return []string{temporaryName(p.pk.Name), temporaryName(p.unique)}
}

// dropTemporary returns the actions that drop what an interrupted run has left of the named indexes.
func (p *keyPart) dropTemporary(names ...string) (actions []Action) {
	for _, name := range names {
		switch i := p.table.Index(name); {
		case i == nil:
		case p.leaf():
			actions = append(actions, dropOn(p.table, name))
		default:
			actions = append(actions, Change{Locks: p.only(lock.AccessExclusive), Statements: []string{dropIndexSQL(p.table, i)}, Dropped: []string{name}})
		}
	}
	return actions
}
