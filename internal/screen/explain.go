package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Limits are the settings of a run that bound how long other sessions wait for it.
type Limits struct {
	LockTimeout time.Duration // of each attempt to take a lock
	BatchTime   time.Duration // that a transaction of the backfill aims at
}

// Explain returns the steps of groups of a plan in full: the state of each now, why it is there, its locks, who waits and how long at
// most, what it reads, how it is undone, what the journal keeps, and its statements.
func Explain(doc rekey.Plan, groups []rekey.Group, limits Limits, width int) string {
	p := page{width: width}
	for i, g := range groups {
		if i > 0 {
			p.lines("")
		}
		p.explainGroup(doc, g, limits)
	}
	return p.text.String()
}

func (p *page) explainGroup(doc rekey.Plan, g rekey.Group, limits Limits) {
	p.add(explainHead(g, doc))
	if g.Order != nil {
		p.add("Values: " + values(*g.Order) + ".")
	}
	for i, s := range g.Steps {
		p.lines("")
		p.lines(wrap(fmt.Sprintf("%s: %s.", stepText(s, doc.Command), stepState(doc.Command, g.Steps[:i], g, s)), p.width, fmt.Sprintf("%d. ", i+1), "   ")...)
		p.explainStep(s, doc.Command, limits)
	}
}

func explainHead(g rekey.Group, doc rekey.Plan) string {
	head := groupHead(g, doc.Schema)
	if g.Key != "" {
		head = fmt.Sprintf("primary key of %s: %s", g.Table, g.State)
	}
	if g.Phase != "" {
		head += ", to phase " + string(g.Phase)
	}
	if len(g.Missing) > 0 && g.State == rekey.Incomplete {
		head += "; it lacks " + strings.Join(g.Missing, ", ")
	}
	return head + "."
}

// stepText returns what a step does in the plan's direction.
func stepText(s rekey.Step, direction rekey.Direction) string {
	if direction == rekey.Down {
		return s.Undo
	}
	return s.What
}

// stepState says whether a step is done. A step after pending ones may have nothing to run until they are done.
func stepState(direction rekey.Direction, earlier []rekey.Step, g rekey.Group, s rekey.Step) string {
	switch {
	case !s.Done:
		return "pending"
	case direction == rekey.Down && s.UndoneBy != "by itself":
		return "nothing to run"
	case slices.ContainsFunc(earlier, func(s rekey.Step) bool { return !s.Done }), g.Phase == rekey.Contracted && g.State != rekey.Complete:
		return "nothing to run yet"
	}
	return "done"
}

func (p *page) explainStep(s rekey.Step, direction rekey.Direction, limits Limits) {
	if direction == rekey.Up {
		p.fact("Why", s.Why)
	}
	p.fact("Lock", s.Lock)
	p.fact("Reads", s.Scans+"; it rewrites nothing")
	if direction == rekey.Up {
		p.fact("Undo", s.Undo+" ("+undone(s.UndoneBy)+")")
	}
	if s.Choice != "" {
		p.fact("Batches", s.Choice)
		p.fact("WAL", flushing)
	}
	at := 0
	for _, a := range s.Actions {
		p.explainAction(a, limits)
		for _, statement := range s.SQL[at:min(at+a.Statements, len(s.SQL))] {
			p.statement(statement)
		}
		at += a.Statements
	}
}

// explainAction describes how the next statements run.
func (p *page) explainAction(a rekey.Action, limits Limits) {
	p.lines("")
	p.fact("Run", runs(a))
	for _, l := range a.Locks {
		p.fact("Takes", lockOf(l))
	}
	p.fact("Waits", waits(a, limits))
	for _, kept := range a.Journal {
		p.fact("Journal", kept)
	}
}

// fact adds a line of a step: a word, and wrapped text next to it.
func (p *page) fact(word, text string) {
	p.lines(wrap(text, p.width, fmt.Sprintf("   %-8s ", word), strings.Repeat(" ", 12))...)
}

// statement adds a statement as it would run. It is not wrapped, so that it can be copied.
func (p *page) statement(sql string) {
	sql = strings.TrimRight(visible.Text(sqltext.MapQuoted(sql, visible.Line)), "; \n")
	p.lines("     " + strings.ReplaceAll(sql, "\n", "\n     ") + ";")
}

func runs(a rekey.Action) string {
	switch a.Kind {
	case rekey.ActionConcurrently:
		return "outside a transaction, on a session of its own with all timeouts off"
	case rekey.ActionValidation:
		return "in a transaction of its own, without a statement_timeout"
	case rekey.ActionBackfill:
		return "in batches, each a transaction of its own"
	case rekey.ActionTransaction:
	}
	if a.Statements == 1 {
		return "in a short transaction of its own"
	}
	return fmt.Sprintf("%d statements in one short transaction", a.Statements)
}

func lockOf(l rekey.TableLock) string {
	return l.Mode + " on " + l.Table + textIf(l.Below, " and all tables below it")
}

// waits says which sessions wait for an action, and how long at most.
func waits(a rekey.Action, limits Limits) string {
	var all []string
	for _, l := range a.Locks {
		if l.Waiting != "" {
			all = append(all, l.Waiting+" of "+l.Table)
		}
	}
	switch {
	case len(all) > 0:
		return fmt.Sprintf("%s: while the lock is requested, at most %s an attempt (--lock-timeout), and then for the change, an instant",
			strings.Join(all, "; "), FormatDuration(limits.LockTimeout))
	case a.Kind == rekey.ActionBackfill:
		return fmt.Sprintf("no reader; a writer of a row in the current batch, until the batch commits, at most about %s (--batch-time)", FormatDuration(limits.BatchTime))
	case a.Kind == rekey.ActionConcurrently:
		return "no reader or writer; it waits itself for transactions that are older"
	}
	return "no reader or writer"
}

// Unexplained returns a line for each relation without steps: why a run does not work on it.
func Unexplained(relations []rekey.Relation, width int) string {
	p := page{width: width}
	for _, r := range relations {
		p.add(fmt.Sprintf("%s: %s, %s: %s.", r.Table, r.Kind, r.State, r.Why))
	}
	return p.text.String()
}
