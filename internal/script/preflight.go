package script

import (
	"strconv"
	"strings"

	"github.com/rekey-pg/rekey/internal/sqltext"
)

// idleSeconds is how long a transaction must be idle before it counts as one that waits for the script.
const idleSeconds = 3

// preflight returns the first statement of a script. It fails if the script runs inside a transaction, or if the
// migrator's own other session would block CREATE INDEX CONCURRENTLY forever. Either would otherwise fail in the middle
// of the script.
func (m *script) preflight() rendered {
	// The tables that migrators lock during a migration, except those with "migration" in the name.
	locked := []string{
		"flyway_schema_history", "databasechangelog", "databasechangeloglock", "alembic_version", "goose_db_version", "schema_version",
		"atlas_schema_revisions", "changes", "projects",
	}
	names := make([]string, len(locked))
	for i, name := range locked {
		names[i] = sqltext.Literal(name)
	}
	text := template("preflight", "transaction", sqltext.Literal(m.transactionHint()), "lock", sqltext.Literal(lockHint),
		"idle_seconds", strconv.Itoa(idleSeconds), "tables", strings.Join(names, ", "))
	return rendered{name: "preflight", text: comment("", "Check that this runs outside of a transaction, and that no other session of the migrator waits for it with a snapshot or a lock.") +
		comment("Lock:  ", "none on any table.") + do(text)}
}

// transactionHint explains how to run the script outside of a transaction.
func (m *script) transactionHint() string {
	const ecto = "In an Ecto migration write: @disable_ddl_transaction true and @disable_migration_lock true."
	switch m.o.Format {
	case Psql:
		return "Run it without --single-transaction and outside of BEGIN: psql -X -f FILE DATABASE"
	case Goose:
		return "Keep NO TRANSACTION at the top of the file. " + ecto
	case Ecto:
		return ecto
	default:
		return "Run each file by itself and outside of a transaction, as golang-migrate does. " + ecto
	}
}

// lockHint explains how to run a migrator without a lock that it holds in a transaction of its own.
const lockHint = "If the transaction is the migrator's, turn its lock off: in an Ecto migration @disable_ddl_transaction true and @disable_migration_lock true, " +
	"in Flyway flyway.postgresql.transactional.lock=false; and run one migrator at a time. Otherwise end it: SELECT pg_terminate_backend(pid);"
