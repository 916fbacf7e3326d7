package script

import (
	"slices"
	"strings"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
)

// calls writes a statement as a call of one of the script's procedures. Only statements that run concurrently, outside of
// any transaction, differ between the formats. It implements the other methods of [step.Performer].
type calls struct {
	script    *script
	schema    string // of the procedures
	statement statement
	text      string
}

// Change implements step.Performer.
func (w *calls) Change(c step.Change) error {
	w.text = w.script.callChange(w.schema, c.Locks, slices.Concat(w.statement.First, c.Statements), w.statement.Needed)
	return nil
}

// Validate implements step.Performer.
func (w *calls) Validate(v step.Validate) error {
	w.text = w.script.callChange(w.schema, v.Locked(), v.SQL(), w.statement.Needed)
	return nil
}

// Fill implements step.Performer.
func (w *calls) Fill(f step.Fill) error {
	w.text = w.script.callFill(w.schema, w.statement, f)
	return nil
}

// inPsql writes a statement for psql, which runs statements only if their condition is true.
type inPsql struct{ calls }

// Concurrently implements step.Performer. An invalid index may still be built by a session, which the lock waits for.
func (w *inPsql) Concurrently(c step.Concurrently) error {
	if c.Invalid {
		w.statement.Lock = string(lock.Strongest(c.Locked())) + ", which blocks no reader or writer; granted once no session builds the index"
		w.text = w.script.callChange(w.schema, c.Locked(), nil, w.statement.Needed)
	}
	w.text += when(w.statement.Needed, c.Statement)
	return nil
}

// inMigrator writes a statement for a migrator, which cannot run it under a condition.
type inMigrator struct{ calls }

// Concurrently implements step.Performer. A condition is possible in a transaction only, so that an invalid index is dropped
// there. IF EXISTS or IF NOT EXISTS is the condition of the other statements.
func (w *inMigrator) Concurrently(c step.Concurrently) error {
	if c.Invalid {
		locks := []lock.Lock{lock.On(c.Locked()[0].Table, lock.AccessExclusive)}
		w.statement.Lock = string(lock.Strongest(locks)) + ", an instant, once no session builds the index"
		w.text = w.script.callChange(w.schema, locks, []string{strings.Replace(c.Statement, concurrently, "", 1)}, w.statement.Needed)
		return nil
	}
	exists := "IF EXISTS "
	if c.Build {
		exists = "IF NOT EXISTS "
	}
	w.text = strings.Replace(c.Statement, concurrently, concurrently+exists, 1) + ";\n"
	return nil
}

const concurrently = "CONCURRENTLY "

// when runs a statement at top level, outside of any transaction, if the condition is true.
func when(needed, sql string) string {
	return "SELECT " + needed + " AS rekey_needed \\gset\n\\if :rekey_needed\n" + sql + ";\n\\endif\n"
}

// psqlText returns a statement for psql, with its comments.
func (m *script) psqlText(p statement) string {
	if p.Block != "" {
		return p.comments() + do(p.Block)
	}
	w := &inPsql{calls{script: m, schema: sessionSchema, statement: p}}
	_ = p.Action.Do(w) // it only writes
	return w.statement.comments() + w.text
}

// migratorText returns a statement for a migrator, with its comments.
func (m *script) migratorText(p statement) string {
	if p.Block != "" {
		return p.comments() + do(p.Block)
	}
	w := &inMigrator{calls{script: m, schema: rekeySchema, statement: p}}
	_ = p.Action.Do(w) // it only writes
	return w.statement.comments() + w.text
}

func do(body string) string { return "DO " + sqltext.Dollar("\n"+body+"\n") + ";\n" }
