package script

import (
	"github.com/rekey-pg/rekey/internal/step"
)

// piece is one statement of a script with what a reader must know of it.
type piece struct {
	step    step.ID
	name    string // for a file's name
	what    string
	lock    string
	scans   string
	needed  string // a condition on the catalogue; the statement is left out where it does not hold
	content content
}

// content is what a piece runs: change, fill, index or block.
type content interface{ content() }

// change is what the procedure rekey_change runs in one transaction.
type change struct {
	table      string // quoted, schema-qualified; "" if no table is locked
	exclusive  bool
	only       bool // not on what is below the table
	statements []string
}

// fill is a call of the procedure rekey_fill.
type fill struct {
	target  step.Target
	filling Filling
	replica bool
}

// index is built or dropped concurrently, outside of any transaction.
type index struct {
	target step.Target
	drop   bool
	sql    string // as the step has it
	again  string // the same, content with what is there already
}

// leftover is the invalid index of a build that was cut short.
type leftover struct {
	target step.Target
	sql    string // concurrently
	short  string // under the lock of a change
}

// block is the body of a DO.
type block struct{ body string }

func (change) content()   {}
func (fill) content()     {}
func (index) content()    {}
func (leftover) content() {}
func (block) content()    {}
