package demo

import (
	"fmt"
	"maps"
	"slices"
)

// row is one of the application's rows.
type row struct {
	id    int64
	value string // of the field that the application updates
	sum   int64  // checksum of all old columns
	key   string // its uuid as text; "" if the application does not know it
	own   bool   // whether the application chose the uuid
}

// compare adds one table to the account.
func (a *Account) compare(table string, want, there map[int64]row, keyed bool) {
	for _, id := range slices.Sorted(maps.Keys(want)) {
		w := want[id]
		is, found := there[id]
		a.Rows++
		switch {
		case !found:
			a.lose(fmt.Sprintf("%s, id %d, is missing", table, id))
			continue
		case is.value != w.value:
			a.lose(fmt.Sprintf("%s, id %d, has %q instead of %q", table, id, is.value, w.value))
		case is.sum != w.sum:
			a.lose(fmt.Sprintf("%s, id %d, has changed values in old columns", table, id))
		}
		if keyed {
			a.key(table, w, is)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(there)) {
		if _, expected := want[id]; !expected {
			a.lose(fmt.Sprintf("%s, id %d, exists and was deleted or never written", table, id))
		}
	}
}

func (a *Account) lose(example string) {
	a.Lost++
	a.note(example)
}

func (a *Account) note(example string) {
	if a.Example == "" {
		a.Example = example
	}
}

// key compares the uuid of a row with the application's record.
func (a *Account) key(table string, want, is row) {
	if want.own {
		a.OwnKeys++
		if want.key == is.key {
			a.Kept++
		}
	}
	if want.key != "" && want.key != is.key {
		a.Replaced++
		a.note(fmt.Sprintf("%s, id %d, has the uuid %q instead of %q", table, want.id, is.key, want.key))
	}
}
