package step

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/condition"
	"github.com/rekey-pg/rekey/internal/lock"
)

// Statement is one statement of a script: an action, its explanation, and the condition under which it is still needed.
//
// A script contains every statement that any interruption may leave to do, so that a step with something to do returns the
// statements for the worst state that an interrupted script may leave.
type Statement struct {
	Name   string // for the name of a file
	What   string
	Lock   string // derived from the action's locks
	Scans  string // which rows it reads
	Needed string // a condition on the catalogue: the statement is skipped if it is false; "" is no condition
	Action Action
	// First are statements that run before the statements of a Change, in its transaction. They fail if the change would do harm.
	First []string
	// Block is the body of a DO statement, in place of an action.
	Block string
}

// first adds statements that run before the statements of the last change.
func first(all []Statement, sql string) []Statement {
	last := &all[len(all)-1]
	last.First = append(last.First, sql)
	return all
}

const readsNothing = "nothing"

// How long a lock is held, or whom it blocks, in words that follow its mode.
const (
	briefly      = ", an instant"
	blocksNobody = ", which blocks no reader or writer"
	andBelow     = ", on the table and all tables below it"
)

// lockWords describes locks: the strongest mode, and how long it is held.
func lockWords(locks []lock.Lock, held ...string) string {
	if len(locks) == 0 {
		return "none on any table"
	}
	return string(lock.Strongest(locks)) + strings.Join(held, "")
}

// changeWords describes the locks of a change.
func changeWords(locks []lock.Lock) string {
	if len(lock.Blocking(locks)) == 0 {
		return lockWords(locks, briefly, blocksNobody)
	}
	return lockWords(locks, briefly)
}

// treeWords describes the locks of a change of a target's table and all tables below it.
func (t Target) treeWords(locks []lock.Lock) string {
	if t.IsTree() {
		return lockWords(locks, briefly, andBelow)
	}
	return lockWords(locks, briefly)
}

// scripted returns the statement of one action. Its lock is held for an instant.
func scripted(a Action, name, what, needed string) Statement {
	return Statement{Name: name, What: what, Lock: changeWords(a.Locked()), Scans: readsNothing, Needed: needed, Action: a}
}

// onlyOne returns the only action of a list; nil if there is another number of them.
func onlyOne(actions []Action) Action {
	if len(actions) != 1 {
		return nil
	}
	return actions[0]
}

// partOf returns the target, or the one of a table below it, on which an action is.
func partOf(parts []Part, a Action) (Target, bool) {
	at := slices.IndexFunc(parts, func(p Part) bool { return slices.Contains(a.Tables(), p.Name()) })
	if at < 0 {
		return Target{}, false
	}
	return parts[at].Target, true
}

// label prefixes a text with the table of a tree to which it applies.
func (t Target) label(what string) string {
	if t.Root.Name == "" || t.Root == t.Name() {
		return what
	}
	return t.String() + ": " + what
}

// The conditions of a target, for scripts. More conditions on the same object may follow.

func (t Target) hasColumn(more ...string) string {
	return condition.HasColumn(t.Name(), t.Column, more...)
}

func (t Target) hasCheck(more ...string) string {
	return condition.HasConstraint(t.Name(), t.Check, more...)
}

func (t Target) hasIndexIn(more ...string) string {
	return condition.HasIndex(t.Name(), t.Index, more...)
}

// isItsIndex is true for an index i with the shape of the target's that is attached to no other.
func (t Target) isItsIndex() string {
	return condition.And(condition.Unattached, condition.IsOn(t.IndexColumns()))
}

// isMade is true for a column a with the mark of a column that up made.
func (t Target) isMade() string { return condition.CommentContains(t.Mark()) }

// isFound is true for a column a with the mark of a column that existed before up.
func (t Target) isFound() string {
	var marks []string
	for _, mark := range t.FoundMarks() {
		marks = append(marks, condition.CommentContains(mark))
	}
	return condition.And(marks...)
}

// hasDefaultIn is true if the column's default is a bare call of the target's function, or another accepted one.
func (t Target) hasDefaultIn() string { return t.hasColumn(condition.HasDefault(t.Calls())) }

// Calls is the SQL array of the accepted defaults, as HasDefault accepts them.
func (t Target) Calls() string {
	if t.KeepsMark && !t.Random() {
		return condition.Calls(t.Function, "uuidv7()") // PostgreSQL's own, from version 18 on
	}
	return condition.Calls(t.Function)
}
