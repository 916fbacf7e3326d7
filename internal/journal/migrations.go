package journal

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
)

// Version is the version of the journal that this version of rekey uses: the number of the last migration. A journal with a
// later version is refused.
const Version = 3

// firstVersion is the version before the first migration.
const firstVersion = 1

// The tables of this version, for a new journal.
//
//go:embed tables/*.sql
var tableFiles embed.FS

// The migrations bring an older journal to this version. Their numbers are the versions that they reach, without gaps, and
// there is no way down. A run of an older rekey may be active in another schema, so that a migration adds tables, and columns
// with defaults, and removes and renames nothing. A table may be missing, and then gets its columns when it is created.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// table is a table of the journal, and the version that has added it.
type table struct {
	name  string
	since int
}

// tables returns the tables in the order of creation. It is fixed, so that two processes that create them at the same
// time cannot deadlock.
func tables() []table {
	return []table{
		{"format", 1},
		{"runs", 1},
		{"leases", 1},
		{"cursors", 1},
		{"kept", 1},
		{"orders", 1},
		{"moments", 1},
		{"standstills", 1},
		{"probe", 3},
		{"events", 3},
	}
}

// migrationsFrom returns the statements of the migrations of a journal of a version, in order.
func migrationsFrom(version int) ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var statements []string
	for i, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if firstVersion+1+i > version {
			statements = append(statements, string(text))
		}
	}
	return statements, nil
}

// migrate creates what is missing and brings the journal to this version, in the transaction, so that a run that is killed
// leaves the journal as it was.
func (s schemaState) migrate(ctx context.Context, tx pg.Tx) error {
	var statements []string
	if !s.exists {
		statements = append(statements, "CREATE SCHEMA rekey", "REVOKE ALL ON SCHEMA rekey FROM PUBLIC")
	}
	// The tables are heap tables in the database's default tablespace, regardless of the role's defaults. Naming
	// pg_default instead would require a right on it if the database uses another tablespace.
	statements = append(statements, "SET LOCAL default_tablespace = ''", "SET LOCAL default_table_access_method = heap")
	if s.version > 0 { // before the tables that are missing, which have the columns of this version
		older, err := migrationsFrom(s.version)
		if err != nil {
			return err
		}
		statements = append(statements, older...)
	}
	for _, t := range tables() {
		if _, found := s.found[t.name]; found {
			continue
		}
		create, err := tableFiles.ReadFile("tables/" + t.name + ".sql")
		if err != nil {
			return err
		}
		statements = append(statements, string(create))
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return recordVersion(ctx, tx)
}

// recordVersion records this version. It returns a problem if another process has migrated the journal to a newer one since
// the transaction began.
func recordVersion(ctx context.Context, tx pg.Tx) error {
	var version int
	err := tx.QueryRow(ctx, "INSERT INTO rekey.format AS f (version) VALUES ($1::integer)"+
		" ON CONFLICT (one) DO UPDATE SET version = greatest(f.version, excluded.version) RETURNING version", Version).Scan(&version)
	if err == nil && version > Version {
		return message.JournalTooNew(version, Version)
	}
	return err
}

// lockVersion locks the version until the transaction ends, so that processes migrate one after the other. Without a
// table rekey.format they fail when they create the same tables, and [Ensure] tries again.
func lockVersion(ctx context.Context, tx pg.Tx) error {
	_, err := tx.Exec(ctx, "SELECT FROM rekey.format FOR UPDATE")
	return err
}

const undefinedColumn = "42703"

// loadVersion returns the recorded version. It returns a problem if there is none.
func loadVersion(ctx context.Context, tx pg.Tx) (version int, err error) {
	err = tx.QueryRow(ctx, versionQuery).Scan(&version)
	var server *pgconn.PgError
	if errors.Is(err, pgx.ErrNoRows) || errors.As(err, &server) && server.Code == undefinedColumn {
		return 0, message.NotJournalTable("format", "It contains no version")
	}
	return version, err
}
