package script

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// psql writes one script for psql.
func (m *manuscript) psql() []File {
	var out strings.Builder
	out.WriteString(m.head())
	out.WriteString(m.session())
	out.WriteString(m.traps().text + "\n")
	out.WriteString(remark("", "Is this the database that the script was made for? Is nobody else at work?"))
	out.WriteString(do(m.check("", sessionLock(m.plan.SchemaName), "")))
	for _, name := range m.procedures() {
		out.WriteString("\n" + m.procedure(name, sessionHome) + "\n")
	}
	table := ""
	for _, p := range m.pieces {
		if on := m.on(p); on != table {
			out.WriteString("\n" + remark("==== ", on))
			table = on
		}
		out.WriteString("\n" + p.lockedBy(noWaiter+"; had when nobody builds it any more").remarks() + m.inPsql(p))
	}
	out.WriteString("\n" + remark("", "Done. What was made for this session goes."))
	for _, name := range m.procedures() {
		out.WriteString(dropProcedure(name, sessionHome))
	}
	out.WriteString(sessionUnlock(m.plan.SchemaName) + `\echo 'Done.'` + "\n")
	return []File{{Name: fmt.Sprintf("rekey_%s_%s.sql", m.plan.Direction, plain(m.plan.SchemaName)), Text: out.String()}}
}

// on is the table that a piece is about, for a heading.
func (m *manuscript) on(p piece) string {
	if at := strings.LastIndex(string(p.step), "/"); at > 0 {
		if name := string(p.step)[:at]; name != m.plan.SchemaName {
			return name
		}
	}
	return "schema " + m.plan.SchemaName
}

// head tells what the script is.
func (m *manuscript) head() string {
	tables, rows := m.plan.PendingTables()
	about := fmt.Sprintf("profile %s: from version %d to %d", m.plan.Profile, m.plan.Version, m.plan.End())
	switch {
	case m.free():
		about = "without a profile"
	case m.plan.End() == m.plan.Version:
		about = fmt.Sprintf("profile %s: version %d, which stays", m.plan.Profile, m.plan.Version)
	}
	text := remark("", fmt.Sprintf("rekey %s of schema %s, %s. Made for the database %s on PostgreSQL %s, in the state it was in then: %s with something to do, about %s to fill.",
		m.plan.Direction, m.plan.SchemaName, about, m.plan.Server.Database, m.plan.Server.VersionText, counted(int64(tables), "table"), counted(rows, "row"))) +
		"--\n" +
		remark("", "It runs online. Every statement stands behind a condition on the catalogue: ended anywhere, also by kill -9, it goes on when it is run again. It refuses a database that is another than the one it was made for.") +
		remark("", fmt.Sprintf("A lock that others queue behind is waited for %s at a time, and tried for %s in all.", m.o.LockTimeout, m.o.LockRetryTimeout))
	text += m.remarks()
	if m.o.Format == Psql {
		text += "--\n" + remark("", "Run it in a session of its own, as the tables' owner, straight to the server and not through a pooler, and not with --single-transaction:") +
			remark("  ", "psql -X -f FILE DATABASE")
	}
	if m.o.Format == Ecto {
		text += "--\n" + remark("", "Put it into priv/repo/migrations, and run it as the tables' owner: mix ecto.migrate")
	}
	return text + "\n"
}

// counted writes a number with its noun.
func counted(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// remarks are the plan's own, the tables that are not there, and those that are passed over.
func (m *manuscript) remarks() string {
	var text strings.Builder
	for _, note := range m.plan.Notes {
		text.WriteString(remark("- ", note))
	}
	for _, name := range m.plan.Absent {
		text.WriteString(remark("- ", "There is no table "+m.plan.SchemaName+"."+name+": nothing is to be done for it."))
	}
	for _, p := range m.plan.Skipped {
		text.WriteString(remark("- ", "Passed over: "+p.Error()))
	}
	return text.String()
}

// session sets up psql and its session.
func (m *manuscript) session() string {
	text := `\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set SINGLELINE off
\encoding UTF8
-- This session's settings: roles and databases carry defaults for all of them.
SET standard_conforming_strings = on;
SET search_path = pg_catalog;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET default_transaction_isolation = 'read committed';
SET default_transaction_read_only = off;
SET row_security = off;
SET jit = off;
`
	if m.plan.Server.Major() >= firstTransactionTimeout {
		text += "SET transaction_timeout = 0;\n"
	}
	return text + "\n"
}

// firstTransactionTimeout is the major version that brought transaction_timeout.
const firstTransactionTimeout = 17

// sessionLock keeps two scripts from being run in one schema at a time. The session of a psql that has just
// been ended takes a moment to go: the lock is tried for two seconds.
func sessionLock(scope string) string {
	return `FOR i IN 1..20 LOOP
        EXIT WHEN pg_try_advisory_lock(hashtext('rekey script'), hashtext(` + sqltext.Literal(scope) + `));
        IF i = 20 THEN
            RAISE EXCEPTION 'another session runs a script of rekey in this schema';
        END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;`
}

func sessionUnlock(scope string) string {
	return do("BEGIN\n    PERFORM pg_advisory_unlock(hashtext('rekey script'), hashtext(" + sqltext.Literal(scope) + "));\nEND")
}

func (m *manuscript) inPsql(p piece) string {
	switch c := p.content.(type) {
	case leftover:
		wait := callChange(sessionHome, change{table: c.target.Relation(), only: true}, p.needed)
		return wait + when(p.needed, c.sql)
	case index:
		return when(p.needed, c.sql)
	default:
		return m.call(sessionHome, p)
	}
}

// call writes what every format writes the same, but for the schema of its procedures.
func (m *manuscript) call(home string, p piece) string {
	switch c := p.content.(type) {
	case change:
		return callChange(home, c, p.needed)
	case fill:
		return m.callFill(home, c, p.needed)
	case block:
		return do(c.body)
	default:
		return ""
	}
}

// when runs a statement at top level, outside of any transaction, if the condition holds.
func when(needed, sql string) string {
	return "SELECT " + needed + " AS rekey_needed \\gset\n\\if :rekey_needed\n" + sql + ";\n\\endif\n"
}
