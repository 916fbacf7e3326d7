package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rekey-pg/rekey/internal/catalog"
	"github.com/rekey-pg/rekey/internal/lock"
	"github.com/rekey-pg/rekey/internal/plan"
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
	text := comment("", p.What)
	if p.Lock != "" {
		text += comment("Lock:  ", p.Lock+".")
	}
	if p.Scans != "" {
		text += comment("Reads: ", p.Scans+".")
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

// callChange writes a call of rekey_change.
func (m *script) callChange(schema string, locks []lock.Lock, statements []string, needed string) string {
	if needed == "" {
		needed = "true"
	}
	var quoted []string
	for _, s := range statements {
		quoted = append(quoted, "    "+sqltext.Dollar(s))
	}
	if len(quoted) == 0 {
		quoted = []string{"    VARIADIC ARRAY[]::text[]"}
	}
	what := sqltext.Literal(lockTarget(locks)) + ", " + strconv.FormatBool(len(lock.Exclusive(locks)) > 0)
	if m.linked() {
		what = lockTargets(locks)
	}
	return "CALL " + schema + ".rekey_change(" + what + ",\n    " +
		sqltext.Dollar(needed) + ",\n" + strings.Join(quoted, ",\n") + ");\n"
}

// lockTarget returns what rekey_change locks.
func lockTarget(locks []lock.Lock) string {
	if len(locks) == 0 {
		return ""
	}
	return sqltext.Format("{}", locks[0].Table)
}

// lockTargets returns what rekey_change locks in a script of edges: the tables in the order of their locks, and the modes.
func lockTargets(locks []lock.Lock) string {
	targets, modes := []string{}, []string{}
	for _, l := range lock.InOrder(locks) {
		targets = append(targets, sqltext.Literal(sqltext.Format("{}", l.Table)))
		modes = append(modes, sqltext.Literal(string(l.Mode)))
	}
	return "ARRAY[" + strings.Join(targets, ", ") + "]::text[], ARRAY[" + strings.Join(modes, ", ") + "]::text[]"
}

// callFill writes a call of rekey_fill.
func (m *script) callFill(schema string, p statement, f step.Fill) string {
	t := f.Target
	filling := m.o.Filling(p.group, t)
	key := "NULL"
	if filling.Key != "" {
		key = sqltext.Literal(filling.Key)
	}
	waves := make([]string, len(filling.Waves))
	for i, w := range filling.Waves {
		waves[i] = strconv.Itoa(w)
	}
	value, edge := m.value(t), ""
	if f.Edge != nil {
		value = filling.Value
		edge = ",\n    pending => " + sqltext.Dollar(filling.Pending) + ",\n    likely => " + sqltext.Dollar(filling.Likely) +
			",\n    orphans => " + sqltext.Dollar(step.FillEdge{Edge: *f.Edge}.Stuck(t.Rows()))
	}
	return comment("How:   ", filling.Reason+".") + fmt.Sprintf("CALL %s.rekey_fill(%s, %s, value => %s,\n    needed => %s,\n"+
		"    key => %s, by_tuple => %t, region => %d, waves => ARRAY[%s], batch => %d, replica => %t%s);\n", schema,
		sqltext.Literal(t.Relation()), sqltext.Literal(t.Column), sqltext.Literal(value),
		sqltext.Dollar(p.Needed), key, filling.ByTuple, filling.Region, strings.Join(waves, ", "), filling.Batch, m.replica(p.group, t), edge)
}

// replica reports whether the filling turns off the application's ordinary triggers. It does if the role may.
func (m *script) replica(g plan.Group, t step.Target) bool {
	table := m.plan.Table(g, t)
	fires := func(own catalog.Trigger) bool { return own.FiresOnUpdateOf(t.Column) }
	return m.plan.Server.Role.ReplicaRole && table != nil && slices.ContainsFunc(table.Triggers, fires)
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
	if slices.ContainsFunc(m.statements, func(p statement) bool { return len(p.fills()) > 0 }) {
		return []string{"change", "fill"}
	}
	return []string{"change"}
}

// dropProcedureSQL writes the statement that drops a procedure.
func dropProcedureSQL(name, schema string) string {
	return "DROP PROCEDURE IF EXISTS " + schema + ".rekey_" + name + ";\n"
}
