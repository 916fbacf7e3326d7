package step

import (
	"slices"

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

// index returns the name of an index of the table.
func (k Key) index(name string) sqltext.Table {
	return sqltext.Table{Schema: k.Table.Schema, Name: name}
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

// like returns an index as the primary key's is now, except for its name and its columns. It returns false if the primary
// key's definition has an unknown form.
func (k Key) like(t *catalog.Table, name string, columns []string) (IndexTwin, bool) {
	pk := primary(t)
	if pk == nil {
		return IndexTwin{}, false
	}
	d, ok := parseIndex(pk)
	if !ok || len(d.keys) != len(columns) {
		return IndexTwin{}, false
	}
	for n := range d.keys {
		d.keys[n] = append([]sqltext.Token{quoted(columns[n])}, d.keys[n][1:]...)
	}
	return IndexTwin{Table: k.Table.All(), Name: name, Unique: true, Definition: d.write(pk.Included), Tablespace: pk.Tablespace}, true
}

// unique returns the unique index of the integers that up made; nil if there is none.
func (k Key) unique(t *catalog.Table) *catalog.Index {
	if t == nil {
		return nil
	}
	i := t.Index(k.Unique)
	if i == nil || !i.Valid {
		return nil
	}
	if mark, ok := ReadKeyMark(i); !ok || !mark.of(k) {
		return nil
	}
	return i
}
