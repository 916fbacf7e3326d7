// Package lock names the locks that changes of the catalogue take on tables. Its values are compared, ordered and written
// as SQL; package pg takes the locks.
package lock

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// Mode is a table lock mode in PostgreSQL's words. Source: PostgreSQL's manual, Explicit Locking.
type Mode string

// The modes that rekey's statements take.
const (
	RowExclusive         Mode = "ROW EXCLUSIVE"          // of an UPDATE; blocks no reader or writer
	ShareUpdateExclusive Mode = "SHARE UPDATE EXCLUSIVE" // blocks no reader or writer
	ShareRowExclusive    Mode = "SHARE ROW EXCLUSIVE"    // blocks writers
	AccessExclusive      Mode = "ACCESS EXCLUSIVE"       // blocks readers and writers
)

// strength orders the modes: each conflicts with everything that the ones before it conflict with.
func (m Mode) strength() int {
	return slices.Index([]Mode{RowExclusive, ShareUpdateExclusive, ShareRowExclusive, AccessExclusive}, m)
}

// Blocks reports whether writers, or readers and writers, wait for the lock and queue behind a session that waits for it.
func (m Mode) Blocks() bool { return m.strength() > ShareUpdateExclusive.strength() }

// Waiting returns which sessions of the application wait for a holder of the lock, and queue behind a session that waits for it:
// "readers and writers", "writers" or "" for none.
func (m Mode) Waiting() string {
	switch m {
	case AccessExclusive:
		return "readers and writers"
	case ShareRowExclusive:
		return "writers"
	case RowExclusive, ShareUpdateExclusive:
	}
	return ""
}

// Strongest returns the strongest mode of locks; "" for no locks.
func Strongest(locks []Lock) Mode {
	var strongest Mode
	for _, l := range locks {
		if strongest == "" || l.Mode.strength() > strongest.strength() {
			strongest = l.Mode
		}
	}
	return strongest
}

// Lock is a lock on one table and, unless Table.Only is set, on all tables below it.
type Lock struct {
	Table sqltext.Table
	Mode  Mode
}

// On returns a lock on a table and all tables below it.
func On(table sqltext.Table, mode Mode) Lock { return Lock{Table: table, Mode: mode} }

// InOrder returns the locks in the one order in which every change takes them, by schema and name, so that two changes
// cannot wait for each other. Of several locks on one table it returns the strongest, on the table alone only if all of
// them are.
func InOrder(locks []Lock) []Lock {
	var merged []Lock
	for _, l := range locks {
		at := slices.IndexFunc(merged, func(m Lock) bool { return m.Table.Same(l.Table) })
		if at < 0 {
			merged = append(merged, l)
			continue
		}
		same := &merged[at]
		same.Table.Only = same.Table.Only && l.Table.Only
		if l.Mode.strength() > same.Mode.strength() {
			same.Mode = l.Mode
		}
	}
	slices.SortFunc(merged, func(a, b Lock) int {
		return cmp.Or(cmp.Compare(a.Table.Schema, b.Table.Schema), cmp.Compare(a.Table.Name, b.Table.Name))
	})
	return merged
}

// Blocking returns the locks for which other sessions wait.
func Blocking(locks []Lock) []Lock {
	return filter(locks, func(l Lock) bool { return l.Mode.Blocks() })
}

// Exclusive returns the ACCESS EXCLUSIVE locks, whose replay the readers of a standby delay.
func Exclusive(locks []Lock) []Lock {
	return filter(locks, func(l Lock) bool { return l.Mode == AccessExclusive })
}

func filter(locks []Lock, keep func(Lock) bool) []Lock {
	return slices.DeleteFunc(slices.Clone(locks), func(l Lock) bool { return !keep(l) })
}

// SQL returns one statement that takes the locks in the order of InOrder; "" for no locks. One statement_timeout so bounds
// the wait for all of them.
func SQL(locks []Lock) string {
	locks = InOrder(locks)
	if len(locks) == 0 {
		return ""
	}
	if names, mode := sameMode(locks); names != nil {
		return lockTable(names, mode)
	}
	var body strings.Builder
	for _, l := range locks {
		body.WriteString(" " + lockTable([]string{sqltext.Format("{}", l.Table)}, l.Mode) + ";")
	}
	return "DO " + sqltext.Dollar("BEGIN"+body.String()+" END")
}

// sameMode returns the names of the tables if all locks have one mode, else nil.
func sameMode(locks []Lock) (names []string, mode Mode) {
	for _, l := range locks {
		if l.Mode != locks[0].Mode {
			return nil, ""
		}
		names = append(names, sqltext.Format("{}", l.Table))
	}
	return names, locks[0].Mode
}

func lockTable(names []string, mode Mode) string {
	return "LOCK TABLE " + strings.Join(names, ", ") + " IN " + string(mode) + " MODE"
}
