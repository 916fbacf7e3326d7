package script

import (
	"fmt"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// psql writes one script for psql.
func (m *script) psql() []File {
	var out strings.Builder
	out.WriteString(m.header())
	out.WriteString(m.session())
	out.WriteString(m.preflight().text + "\n")
	out.WriteString(comment("", "Check that this is the database for which the script was made, and that no other run is in progress."))
	out.WriteString(do(m.check("", sessionLock(m.plan.SchemaName), "")))
	for _, name := range m.procedures() {
		out.WriteString("\n" + m.procedure(name, sessionSchema) + "\n")
	}
	table := ""
	for _, p := range m.statements {
		if on := m.heading(p); on != table {
			out.WriteString("\n" + comment("==== ", on))
			table = on
		}
		out.WriteString("\n" + m.psqlText(p))
	}
	out.WriteString("\n" + comment("", "Done. Drop what was created for this session."))
	for _, name := range m.procedures() {
		out.WriteString(dropProcedureSQL(name, sessionSchema))
	}
	out.WriteString(sessionUnlock(m.plan.SchemaName) + `\echo 'Done.'` + "\n")
	return []File{{Name: fmt.Sprintf("rekey_%s_%s.sql", m.plan.Direction, fileName(m.plan.SchemaName)), Text: out.String()}}
}

// heading returns the table that a statement concerns.
func (m *script) heading(p statement) string {
	if at := strings.LastIndex(string(p.step), "/"); at > 0 {
		if name := string(p.step)[:at]; name != m.plan.SchemaName {
			return name
		}
	}
	return "schema " + m.plan.SchemaName
}

// header describes the script.
func (m *script) header() string {
	tables, rows := m.plan.PendingTables()
	about := fmt.Sprintf("profile %s: from version %d to %d", m.plan.Profile, m.plan.Version, m.plan.End())
	switch {
	case !m.plan.Versioned():
		about = "without a profile"
	case m.plan.End() == m.plan.Version:
		about = fmt.Sprintf("profile %s: version %d, which stays", m.plan.Profile, m.plan.Version)
	}
	about += m.phase()
	edges, edgeRows := m.plan.PendingEdges()
	changes := counted(int64(tables), "table")
	if edges > 0 {
		changes, rows = changes+" and "+counted(int64(edges), "foreign key"), rows+edgeRows
	}
	text := comment("", fmt.Sprintf("rekey %s of schema %s, %s. Made for database %s on PostgreSQL %s, in its state at that time: %s to change, about %s to fill.",
		m.plan.Direction, m.plan.SchemaName, about, m.plan.Server.Database, m.plan.Server.VersionText, changes, counted(rows, "row"))) +
		"--\n" +
		comment("", "It runs online. Every statement has a condition on the catalogue: after any interruption, including kill -9, run it again and it continues. It refuses a database other than the one for which it was made.") +
		comment("", fmt.Sprintf("Each attempt to take a lock that blocks other sessions waits at most %s. Attempts are repeated for %s.", m.o.LockTimeout, m.o.LockRetryTimeout))
	text += m.notes()
	if m.o.Format == Psql {
		text += "--\n" + comment("", "Run it in a session of its own, as the tables' owner, directly on the server rather than through a pooler, without --single-transaction:") +
			comment("  ", "psql -X -f FILE DATABASE")
	}
	if m.o.Format == Ecto {
		text += "--\n" + comment("", "Copy it to priv/repo/migrations, and run it as the tables' owner: mix ecto.migrate")
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

// notes writes the plan's notes, the absent tables and the skipped ones.
func (m *script) notes() string {
	var text strings.Builder
	for _, note := range m.plan.Notes {
		text.WriteString(comment("- ", note))
	}
	for _, name := range m.plan.Absent {
		text.WriteString(comment("- ", "There is no table "+m.plan.SchemaName+"."+name+", so nothing is done for it."))
	}
	for _, p := range m.plan.Skipped {
		text.WriteString(comment("- ", "Skipped: "+p.Error()))
	}
	return text.String()
}

// session writes the settings of psql and of its session.
func (m *script) session() string {
	text := `\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\set AUTOCOMMIT on
\set SINGLELINE off
\encoding UTF8
-- Settings of this session, since roles and databases may set defaults for all of them.
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

// firstTransactionTimeout is the first major version with transaction_timeout.
const firstTransactionTimeout = 17

// sessionLock prevents two scripts from running in one schema at a time. The session of a psql that was just killed
// takes some time to end, so the lock is tried for two seconds.
func sessionLock(scope string) string {
	return `FOR i IN 1..20 LOOP
        EXIT WHEN pg_try_advisory_lock(hashtext('rekey script'), hashtext(` + sqltext.Literal(scope) + `));
        IF i = 20 THEN
            RAISE EXCEPTION 'another session is running a script of rekey in this schema';
        END IF;
        PERFORM pg_sleep(0.1);
    END LOOP;`
}

func sessionUnlock(scope string) string {
	return do("BEGIN\n    PERFORM pg_advisory_unlock(hashtext('rekey script'), hashtext(" + sqltext.Literal(scope) + "));\nEND")
}
