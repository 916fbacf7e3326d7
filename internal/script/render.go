package script

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/visible"
)

// The schemas of the procedures. A psql session has its own schema for temporary objects. A migrator may run each
// statement in another session, so it needs a permanent schema.
const (
	sessionSchema = "pg_temp"
	rekeySchema   = "rekey"
)

// rendered is the text of one statement with its comments, ready to run.
type rendered struct {
	step step.ID
	name string
	text string
}

// comments returns the comment lines that precede a statement.
func (p statement) comments() string {
	text := comment("", p.what)
	if p.lock != "" {
		text += comment("Lock:  ", p.lock+".")
	}
	if p.scans != "" {
		text += comment("Reads: ", p.scans+".")
	}
	return text
}

// comment writes comment lines. The text may contain a name, and a name may contain a line break.
func comment(head, text string) string {
	const width = 110
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return '?'
		}
		return r
	}, visible.Line(text))
	indent := "-- " + head
	var out strings.Builder
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > width && line != indent {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			indent = "-- " + strings.Repeat(" ", len(head))
			line = indent
		}
		line += word + " "
	}
	return out.String() + strings.TrimRight(line, " ") + "\n"
}

func do(body string) string { return "DO " + sqltext.Dollar("\n"+body+"\n") + ";\n" }

// callChange writes a call of rekey_change.
func callChange(schema string, c change, needed string) string {
	if needed == "" {
		needed = "true"
	}
	var statements []string
	for _, s := range c.statements {
		statements = append(statements, "    "+sqltext.Dollar(s))
	}
	if len(statements) == 0 {
		statements = []string{"    VARIADIC ARRAY[]::text[]"}
	}
	return "CALL " + schema + ".rekey_change(" + sqltext.Literal(c.lockTarget()) + ", " + strconv.FormatBool(len(lock.Exclusive(c.locks)) > 0) + ",\n    " +
		sqltext.Dollar(needed) + ",\n" + strings.Join(statements, ",\n") + ");\n"
}

// lockTarget returns what rekey_change locks.
func (c change) lockTarget() string {
	if len(c.locks) == 0 {
		return ""
	}
	return sqltext.Format("{}", c.locks[0].Table)
}

// callFill writes a call of rekey_fill.
func (m *script) callFill(schema string, f fill, needed string) string {
	filling := f.filling
	key := "NULL"
	if filling.Key != "" {
		key = sqltext.Literal(filling.Key)
	}
	waves := make([]string, len(filling.Waves))
	for i, w := range filling.Waves {
		waves[i] = strconv.Itoa(w)
	}
	return comment("How:   ", filling.Reason+".") + fmt.Sprintf("CALL %s.rekey_fill(%s, %s, value => %s,\n    needed => %s,\n"+
		"    key => %s, by_tuple => %t, region => %d, waves => ARRAY[%s], batch => %d, replica => %t);\n", schema,
		sqltext.Literal(f.target.Relation()), sqltext.Literal(f.target.Column), sqltext.Literal(m.value(f.target)),
		sqltext.Dollar(needed), key, filling.ByTuple, filling.Region, strings.Join(waves, ", "), filling.Batch, f.replica)
}

// value returns the expression of a new value. It is rekey's own expression, not a call of a function in the schema.
func (m *script) value(t step.Target) string {
	if t.Random() {
		return sqltext.Format("{}()", t.Function)
	}
	return step.Expression(m.plan.Server.Major())
}

// procedures returns the names of the procedures that the statements call.
func (m *script) procedures() []string {
	names := []string{"change"}
	for _, p := range m.statements {
		if _, ok := p.content.(fill); ok {
			return append(names, "fill")
		}
	}
	return names
}

// withLock sets the lock of a statement that removes an invalid index: it depends on the format.
func (p statement) withLock(lock string) statement {
	if _, ok := p.content.(invalidIndex); ok {
		p.lock = lock
	}
	return p
}

// dropProcedureSQL writes the statement that drops a procedure.
func dropProcedureSQL(name, schema string) string {
	return "DROP PROCEDURE IF EXISTS " + schema + ".rekey_" + name + ";\n"
}
