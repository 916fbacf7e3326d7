package screen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rekey-pg/rekey"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/visible"
)

// flushing says who flushes the WAL of the batches, which the statements commit asynchronously.
const flushing = "under --max-impact another session (SELECT FROM rekey.probe ... FOR UPDATE) flushes it with synchronous_commit = local; " +
	"if it or the probe fails, batches do"

// Statements returns the statements of a plan in the order in which they would run, with their locks as SQL
// comments. With tables it returns the statements of these only.
func Statements(doc rekey.Plan, tables []string, width int) string {
	p := page{width: width}
	p.comment("Each step is a short transaction of its own with a lock_timeout, and is retried if the lock is not granted. " +
		"Indexes are built outside a transaction.")
	if doc.Cluster != nil {
		p.comment("The statements that fill rows run on the node of each shard, with the name of the shard in place of the table's. They are no script.")
	}
	preamble := p.text.Len()
	for _, g := range doc.Groups {
		named := len(tables) == 0 || slices.Contains(tables, g.Table) && g.State != ""
		if !named || pending(g) == 0 {
			continue
		}
		p.lines("")
		p.comment("==== " + groupHead(g, doc.Schema))
		if g.State == rekey.Refused {
			continue
		}
		if g.Order != nil {
			p.comment("values: " + values(*g.Order))
		}
		for _, s := range g.Steps {
			if !s.Done {
				p.step(s, doc.Command)
			}
		}
	}
	if len(doc.Refusals) == 0 && p.text.Len() == preamble {
		p.comment("There is nothing to do.")
	}
	if len(doc.Refusals) > 0 {
		p.lines("", "Refused. Nothing is changed until these are resolved:", "")
		p.text.WriteString(Problems(doc.Refusals, width, false))
	}
	return p.text.String()
}

func groupHead(g rekey.Group, schema string) string {
	switch {
	case g.State == "" && g.Table == "":
		return "schema " + schema
	case g.State == "":
		return "the version, on " + g.Table + " in schema " + schema
	}
	if g.Edge != "" {
		return fmt.Sprintf("%s: %s, about %s", g.Edge, g.State, rows(g.Rows))
	}
	head := fmt.Sprintf("%s: %s, about %s, %s", g.Table, g.State, rows(g.Rows), Bytes(g.Bytes))
	if g.Kept > 0 {
		head += "; " + plural(int(g.Kept), "value of another version stays", "values of another version stay")
	}
	return head
}

// undone returns how down undoes a step.
func undone(by string) string {
	switch by {
	case "by itself":
		return "by a statement of its own"
	case "absorbed by an earlier step's":
		return "with the column"
	}
	return by
}

func (p *page) step(s rekey.Step, direction rekey.Direction) {
	p.lines("")
	if direction == rekey.Down {
		p.comment(s.Undo)
		p.comment("lock: " + s.Lock)
	} else {
		p.comment(s.What + ": " + s.Why)
		p.comment(fmt.Sprintf("lock: %s; reads: %s; undone: %s", s.Lock, s.Scans, undone(s.UndoneBy)))
	}
	if s.Choice != "" {
		p.comment("batches: " + s.Choice)
		p.comment("WAL: " + flushing)
	}
	for _, statement := range s.SQL {
		statement = strings.TrimRight(visible.Text(sqltext.MapQuoted(statement, visible.Line)), "; \n")
		p.lines(statement + ";")
	}
}
