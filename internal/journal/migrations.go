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
const Version = 2

// The migrations are numbered from 1 without gaps, and there is no way down. Each may run any number of times, and each
// leaves tables that the runs of older versions of rekey, which may be active, can use: it adds tables and columns with
// defaults, and removes and renames nothing.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// table is a table of the journal, and the version that has added it.
type table struct {
	name  string
	since int
}

// tables returns the tables of this version.
func tables() []table {
	return []table{
		{"format", 1}, {"runs", 1}, {"leases", 1}, {"cursors", 1}, {"kept", 1}, {"orders", 1}, {"moments", 1}, {"standstills", 1},
	}
}

// migrations returns the statements of each migration, in order.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []string
	for _, name := range names {
		text, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// migrate brings the journal to this version in the transaction, so that a run that is killed leaves the earlier version. It
// runs every migration, because a table that was dropped has to be created again.
func migrate(ctx context.Context, tx pg.Tx, exists bool) error {
	var statements []string
	if !exists {
		statements = append(statements, "CREATE SCHEMA rekey", "REVOKE ALL ON SCHEMA rekey FROM PUBLIC")
	}
	// The tables are heap tables in the database's default tablespace, regardless of the role's defaults. Naming
	// pg_default instead would require a right on it if the database uses another tablespace.
	statements = append(statements, "SET LOCAL default_tablespace = ''", "SET LOCAL default_table_access_method = heap")
	all, err := migrations()
	if err != nil {
		return err
	}
	for _, statement := range append(statements, all...) {
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
