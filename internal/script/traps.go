package script

import (
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// trapPatience is how many seconds a transaction must have done nothing before it counts as one that waits for the script.
const trapPatience = 3

// traps is the statement that comes before all others: it stops where a transaction around the script, or the migrator's own
// other session, would end in an error in the middle, or in a CREATE INDEX CONCURRENTLY that waits for ever.
func (m *manuscript) traps() statement {
	// The tables that migrators lock while they are at work, but for those that have the word in their name.
	locked := []string{
		"flyway_schema_history", "databasechangelog", "databasechangeloglock", "alembic_version", "goose_db_version", "schema_version",
		"atlas_schema_revisions", "changes", "projects",
	}
	names := make([]string, len(locked))
	for i, name := range locked {
		names[i] = sqltext.Literal(name)
	}
	text := body("traps", "transaction", sqltext.Literal(m.outside()), "lock", sqltext.Literal(unlocked),
		"patience", strconv.Itoa(trapPatience), "tables", strings.Join(names, ", "))
	return statement{name: "traps", text: remark("", "Is a transaction open around this, or does another session of the migrator wait for it with a snapshot or a lock?") +
		remark("Lock:  ", "none on any table.") + do(text)}
}

// outside says how a script is run outside of a transaction.
func (m *manuscript) outside() string {
	const ecto = "In an Ecto migration write: @disable_ddl_transaction true and @disable_migration_lock true."
	switch m.o.Format {
	case Psql:
		return "Run it without --single-transaction and outside of BEGIN: psql -X -f FILE DATABASE"
	case Goose:
		return "Leave NO TRANSACTION at the head of the file. " + ecto
	case Ecto:
		return ecto
	default:
		return "Run each file by itself and without a transaction around it, as golang-migrate does. " + ecto
	}
}

// unlocked says how a migrator is run without a lock that it holds in a transaction of its own.
const unlocked = "If it is the migrator's, turn its lock off: in an Ecto migration @disable_ddl_transaction true and @disable_migration_lock true, " +
	"in Flyway flyway.postgresql.transactional.lock=false; and run one migrator at a time. If it is another's, end it: SELECT pg_terminate_backend(pid);"
