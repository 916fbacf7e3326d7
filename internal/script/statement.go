package script

import (
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/step"
)

// statement is one statement of a script with its explanation.
type statement struct {
	step    step.ID
	name    string // for the file name
	what    string
	lock    string
	scans   string
	needed  string // a condition on the catalogue: the statement is skipped if it is false
	content content
}

// content is what a statement runs: change, fill, index, invalidIndex or block.
type content interface{ content() }

// change is a call of the procedure rekey_change, which runs the statements in one transaction.
type change struct {
	locks      []lock.Lock // at most one; nil if no table is locked
	statements []string
}

// fill is a call of the procedure rekey_fill.
type fill struct {
	target  step.Target
	filling Filling
	replica bool
}

// index is the creation or removal of an index, concurrently and outside of any transaction.
type index struct {
	target     step.Target
	drop       bool
	sql        string // as the step writes it
	idempotent string // the same with IF [NOT] EXISTS
}

// invalidIndex is the removal of an index that an interrupted build left invalid.
type invalidIndex struct {
	target       step.Target
	concurrently string // with CONCURRENTLY
	underLock    string // for a transaction that holds the lock
}

// block is the body of a DO statement.
type block struct{ body string }

func (change) content()       {}
func (fill) content()         {}
func (index) content()        {}
func (invalidIndex) content() {}
func (block) content()        {}

// onlyLock returns a lock on the target's table without the tables below it.
func onlyLock(t step.Target, mode lock.Mode) []lock.Lock {
	table := t.Name()
	table.Only = true
	return []lock.Lock{lock.On(table, mode)}
}
