package script

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/rekey-pg/rekey/internal/sqltext"
	"github.com/rekey-pg/rekey/internal/step"
	"github.com/rekey-pg/rekey/internal/visible"
)

// Where the procedures are made: a psql session has its own schema for what is temporary; a migrator may
// run each statement in another session.
const (
	sessionHome = "pg_temp"
	schemaHome  = "rekey"
)

// statement is one statement, ready to be run, behind its remarks.
type statement struct {
	step step.ID
	name string
	text string
}

// remarks are what a reader is told before a statement.
func (p piece) remarks() string {
	text := remark("", p.what)
	if p.lock != "" {
		text += remark("Lock:  ", p.lock+".")
	}
	if p.scans != "" {
		text += remark("Reads: ", p.scans+".")
	}
	return text
}

// remark writes comment lines. What is in them may be a name, and a name may hold the end of a line.
func remark(head, text string) string {
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
func callChange(home string, c change, needed string) string {
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
	return "CALL " + home + ".rekey_change(" + sqltext.Literal(c.locked()) + ", " + strconv.FormatBool(c.exclusive) + ",\n    " +
		sqltext.Dollar(needed) + ",\n" + strings.Join(statements, ",\n") + ");\n"
}

// locked is what rekey_change locks.
func (c change) locked() string {
	if c.only && c.table != "" {
		return "ONLY " + c.table
	}
	return c.table
}

// callFill writes a call of rekey_fill.
func (m *manuscript) callFill(home string, f fill, needed string) string {
	filling := f.filling
	key := "NULL"
	if filling.Key != "" {
		key = sqltext.Literal(filling.Key)
	}
	waves := make([]string, len(filling.Waves))
	for i, w := range filling.Waves {
		waves[i] = strconv.Itoa(w)
	}
	return remark("How:   ", filling.Reason+".") + fmt.Sprintf("CALL %s.rekey_fill(%s, %s, value => %s,\n    needed => %s,\n"+
		"    key => %s, by_tuple => %t, region => %d, waves => ARRAY[%s], batch => %d, replica => %t);\n", home,
		sqltext.Literal(f.target.Relation()), sqltext.Literal(f.target.Column), sqltext.Literal(m.value(f.target)),
		sqltext.Dollar(needed), key, filling.ByTuple, filling.Region, strings.Join(waves, ", "), filling.Batch, f.replica)
}

// value is the expression of a new value: rekey's own, never a call of a function in the schema.
func (m *manuscript) value(t step.Target) string {
	if t.Random() {
		return sqltext.Format("{}()", t.Function)
	}
	return step.Expression(m.plan.Server.Major())
}

// procedures tells which procedures the pieces call.
func (m *manuscript) procedures() []string {
	names := []string{"change"}
	for _, p := range m.pieces {
		if _, ok := p.content.(fill); ok {
			return append(names, "fill")
		}
	}
	return names
}

// lockedBy says which lock the dropping of a leftover takes in a format.
func (p piece) lockedBy(lock string) piece {
	if _, ok := p.content.(leftover); ok {
		p.lock = lock
	}
	return p
}

// dropProcedure writes the statement that takes a procedure away again.
func dropProcedure(name, home string) string {
	return "DROP PROCEDURE IF EXISTS " + home + ".rekey_" + name + ";\n"
}
