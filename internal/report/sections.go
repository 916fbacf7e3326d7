package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rekey-pg/rekey/event"
	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/problem"
)

// The largest numbers of rows of the tables.
const (
	mostRows       = 400
	mostStatements = 300
	mostLongest    = 10
)

// sections returns the parts of a report.
func sections(d Document) []section {
	all := []section{summary(d)}
	if s := ending(d); len(s.parts) > 0 {
		all = append(all, s)
	}
	all = append(all, asked(d))
	if d.began() {
		all = append(all, timeline(d), locks(d), pauses(d), impact(d), costs(d))
	}
	if d.began() || d.Verification != nil {
		all = append(all, proof(d))
	}
	all = append(all, found(d))
	if d.began() {
		all = append(all, statements(d))
	}
	return append(all, about(d))
}

// began reports whether the run changed something, or may have.
func (d Document) began() bool { return d.Run.Number > 0 }

// ending returns the problems and the notices.
func ending(d Document) section {
	s := section{id: "end", title: "Problems and notices"}
	for _, note := range d.Notes {
		s.say(note)
	}
	if len(d.Run.Problems) > 0 {
		s.add(problemTable("Why the run ended", d.Run.Problems))
	}
	if len(d.Run.Skipped) > 0 {
		s.add(problemTable("What the run skipped", d.Run.Skipped))
	}
	if len(d.Run.Absent) > 0 {
		some, more := listed(d.Run.Absent, mostRows, "absent tables")
		s.say("Tables of the profile that do not exist, which is not an error: " + strings.Join(some, ", ") + ". " + more)
	}
	if len(d.Notices) > 0 {
		some, more := listed(d.Notices, mostRows, "notices")
		t := table{caption: "What the run reported", columns: []column{text("Time"), text("Table"), text("Notice")}, more: more}
		for _, n := range some {
			t.rows = append(t.rows, []string{after(n.At, d.Run.Started), n.Table, n.Text})
		}
		s.add(t)
	}
	return s
}

func problemTable(caption string, list problem.List) table {
	some, more := listed(list, mostRows, "problems")
	t := table{caption: caption, columns: []column{text("Code"), text("Message"), text("Detail"), text("Next")}, more: more}
	for _, p := range some {
		t.rows = append(t.rows, []string{p.Code, p.Message, p.Detail, p.Hint})
	}
	return t
}

// asked returns the command and its options.
func asked(d Document) section {
	s := section{id: "asked", title: "Command and options"}
	call := fmt.Sprintf("rekey %s of schema %s", d.Run.Command, d.Run.Schema)
	if d.Run.Phase != "" {
		call += ", to phase " + d.Run.Phase
	}
	if d.Run.From != 0 || d.Run.To != 0 {
		call += fmt.Sprintf(", from version %d to version %d", d.Run.From, d.Run.To)
	}
	s.say(call + ".")
	if e := d.Environment; e != nil {
		s.say(fmt.Sprintf("On PostgreSQL %s, database %s, as role %s.", e.Server, e.Database, e.Role))
	}
	if d.Environment == nil || len(d.Environment.Options) == 0 {
		s.say("The options of the run are not recorded.")
		return s
	}
	t := table{caption: "Options", columns: []column{text("Option"), text("Value")}, pairs: true}
	options := slices.Clone(d.Environment.Options)
	slices.SortStableFunc(options, func(a, b event.Option) int { // the given ones first
		switch {
		case a.Default == b.Default:
			return 0
		case b.Default:
			return -1
		}
		return 1
	})
	for _, o := range options {
		value := o.Value
		if o.Default {
			value += " (default)"
		}
		t.rows = append(t.rows, []string{"--" + o.Name, value})
	}
	s.add(t)
	s.say("Connection strings, passwords and the texts of queries are not recorded.")
	return s
}

// found returns the server and the tables.
func found(d Document) section {
	s := section{id: "database", title: "Database before the run"}
	e := d.Environment
	if e == nil {
		s.say("The server's version, its settings and the sizes of the tables are not recorded.")
		return s
	}
	some, more := listed(e.Tables, mostRows, "tables")
	t := table{
		caption: "Tables before the run: the server's estimates, sizes without indexes", more: more,
		columns: []column{text("Table"), numeric("Rows"), numeric("Size"), text("State")},
	}
	var rows, bytes int64
	for _, one := range e.Tables {
		rows, bytes = rows+one.Rows, bytes+one.Bytes
	}
	for _, one := range some {
		t.rows = append(t.rows, []string{one.Table, number(one.Rows), size(one.Bytes), one.State})
	}
	if len(e.Tables) > 0 {
		t.rows = append(t.rows, []string{message.Counted(len(e.Tables), "table", "tables"), number(rows), size(bytes), ""})
		s.add(t)
	}
	if len(e.Settings) == 0 {
		s.say("The settings of the server could not be read.")
		return s
	}
	settings := table{caption: "Settings of the server", columns: []column{text("Setting"), text("Value")}, pairs: true}
	for _, one := range e.Settings {
		settings.rows = append(settings.rows, []string{one.Name, one.Value})
	}
	s.add(settings)
	return s
}

// timeline returns the work on tables over time.
func timeline(d Document) section {
	s := section{id: "timeline", title: "Timeline"}
	if len(d.Work) == 0 {
		s.say("The run worked on no table, or its events are not recorded.")
		return s
	}
	s.draw(gantt(d))
	some, more := listed(d.Work, mostRows, "rows")
	t := table{
		caption: "Work of the run, in the order of its beginning", more: more,
		columns: []column{text("Table, reference or primary key"), text("Phase"), numeric("Begun"), numeric("Duration"), numeric("Rows filled"), numeric("Rows/s"), text("Result")},
	}
	for _, w := range some {
		result := "complete"
		if !w.Complete {
			result = "not finished"
		}
		t.rows = append(t.rows, []string{w.Name, w.Phase, after(w.Started, d.Run.Started), elapsed(w.Ended.Sub(w.Started)), number(w.Rows), speed(w), result})
	}
	s.add(t)
	return s
}

// speed returns the rows per second while a table was filled.
func speed(w Work) string {
	var filling time.Duration
	for _, s := range w.Steps {
		if s.Kind == fills {
			filling += s.To.Sub(s.From)
		}
	}
	if w.Rows == 0 || filling < 10*time.Millisecond {
		return "–"
	}
	return number(int64(float64(w.Rows) / filling.Seconds()))
}

// pauses returns why the run paused.
func pauses(d Document) section {
	s := section{id: "pauses", title: "Pauses"}
	if len(d.Pauses) == 0 {
		s.say("No signal and no request paused or slowed the run.")
		return s
	}
	still, slow := pausedFor(d)
	var parts []string
	if still > 0 {
		parts = append(parts, "paused for "+elapsed(still))
	}
	if slow > 0 {
		parts = append(parts, "was slower for "+elapsed(slow))
	}
	if len(parts) > 0 {
		s.say("The run " + strings.Join(parts, " and ") + ".")
	}
	some, more := listed(d.Pauses, mostRows, "pauses")
	t := table{caption: "Reasons", columns: []column{text("Reason"), text("Effect"), numeric("From"), numeric("Duration")}, more: more}
	for _, p := range some {
		effect := "slower"
		if p.Paused {
			effect = "paused"
		}
		t.rows = append(t.rows, []string{p.Text, effect, after(p.From, d.Run.Started), elapsed(p.To.Sub(p.From))})
	}
	s.add(t)
	return s
}

func pausedFor(d Document) (still, slow time.Duration) {
	for _, p := range d.Pauses {
		if p.Paused {
			still += p.To.Sub(p.From)
		} else {
			slow += p.To.Sub(p.From)
		}
	}
	return still, slow
}

// statements returns the statements of the run.
func statements(d Document) section {
	s := section{id: "statements", title: "Statements"}
	if len(d.Statements) == 0 {
		s.say("No statement is recorded.")
		return s
	}
	some, more := listed(d.Statements, mostStatements, "statements")
	t := table{
		caption: "Statements that changed the schema, without the batches of the backfill", more: more,
		columns: []column{text("Step"), numeric("Begun"), {title: "Statement", code: true}},
	}
	for _, one := range some {
		t.rows = append(t.rows, []string{one.Step, after(one.At, d.Run.Started), one.SQL})
	}
	s.add(t)
	return s
}

// mostSQL is the number of characters after which a statement is cut.
const mostSQL = 600

func short(sql string) string {
	sql = strings.Join(strings.Fields(sql), " ")
	if letters := []rune(sql); len(letters) > mostSQL {
		return string(letters[:mostSQL]) + " …"
	}
	return sql
}

// about returns what made the report.
func about(d Document) section {
	s := section{id: "about", title: "About this report"}
	by := d.Run.Program
	if by == "" {
		by = "an unknown version"
	}
	run := "The run has no number: it ended before the journal had one."
	if d.Run.Number > 0 {
		run = fmt.Sprintf("Run %d, by rekey %s, from %s to %s.", d.Run.Number, by, clock(d.Run.Started), clock(d.Run.Ended))
	}
	s.say(run)
	s.say(fmt.Sprintf("This report was made by rekey %s at %s, from the events that the run recorded. Times with a plus are since the beginning of the run.", d.MadeBy, clock(d.Made)))
	return s
}
