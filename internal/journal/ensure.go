package journal

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekey-pg/rekey/internal/message"
	"github.com/rekey-pg/rekey/internal/pg"
	"github.com/rekey-pg/rekey/internal/sqltext"
)

//go:embed queries/format.sql
var formatQuery string

// races is how often the making is tried when other processes make the same.
const races = 20

// brief are the settings of a transaction of the journal: it is short, and says so.
func brief() pg.Settings {
	return pg.Settings{Lock: 2 * time.Second, Statement: 10 * time.Second, Idle: 10 * time.Second}
}

// Ensure makes the schema rekey and what is missing of its tables. It may be called again, and by
// several processes at once. A schema of another role will do, when this role may create in it or finds
// every table with the rights to read and write it. It answers with a [problem.Problem] of the kind
// Refused when rights are missing, when the journal is of a newer [Format], or is not one of rekey's, and
// when something in it belongs to a role that the current one does not trust; trusts names such owners.
func Ensure(ctx context.Context, pool *pgxpool.Pool, trusts ...string) error {
	var err error
	for range races {
		err = pg.Retry(ctx, func() error {
			return pg.Run(ctx, pool, brief(), func(tx pg.Tx) error { return ensure(ctx, tx, trusts) })
		})
		if !raced(err) {
			return err
		}
	}
	return err
}

// raced tells whether another process made the same at the same time.
func raced(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	// duplicate_schema, duplicate_table, duplicate_object, unique_violation (in the catalogue, the
	// other has not committed yet) and deadlock_detected
	return slices.Contains([]string{"42P06", "42P07", "42710", "23505", "40P01"}, server.Code)
}

func ensure(ctx context.Context, tx pg.Tx, trusts []string) error {
	s, err := look(ctx, tx, trusts)
	if err != nil {
		return err
	}
	missing := s.missing()
	if err := s.allows(missing); err != nil {
		return err
	}
	if _, made := s.found["format"]; made {
		if err := known(ctx, tx); err != nil {
			return err
		}
	}
	return create(ctx, tx, s.exists, missing)
}

// allows refuses what the role may not do, and what is not ours.
func (s state) allows(missing []table) error {
	switch {
	case !s.exists && !s.mayCreateSchema:
		return message.NoJournalSchema(sqltext.Ident(s.role), sqltext.Ident(s.database))
	case !s.exists:
		return nil
	case !s.usage || len(missing) > 0 && !s.create:
		return s.noRights()
	}
	if err := s.strange(); err != nil {
		return err
	}
	for _, f := range s.found {
		if !f.writable {
			return s.noRights()
		}
	}
	return nil
}

func (s state) noRights() error {
	return message.NoJournalRights(sqltext.Ident(s.role), sqltext.Ident(s.owner))
}

func create(ctx context.Context, tx pg.Tx, exists bool, missing []table) error {
	var statements []string
	if !exists {
		statements = append(statements, "CREATE SCHEMA rekey", "REVOKE ALL ON SCHEMA rekey FROM PUBLIC")
	}
	if len(missing) > 0 {
		// Ordinary tables where the database has its own, whatever the role's defaults are. Naming
		// pg_default instead would need a right on it where the database lives elsewhere.
		statements = append(statements, "SET LOCAL default_tablespace = ''", "SET LOCAL default_table_access_method = heap")
	}
	for _, t := range missing {
		name := sqltext.Table{Schema: "rekey", Name: t.name}
		// The role's default privileges may grant to everybody.
		statements = append(statements, t.create, sqltext.Format("REVOKE ALL ON TABLE {} FROM PUBLIC", name))
		if t.name == "format" {
			statements = append(statements, sqltext.Format("INSERT INTO rekey.format (version) VALUES ({})", Format))
		}
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// known refuses a journal of a later format.
func known(ctx context.Context, tx pg.Tx) error {
	var version int
	err := tx.QueryRow(ctx, formatQuery).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return foreign("format", "It has no row with a version")
	}
	if err == nil && version > Format {
		return newer(version)
	}
	return err
}

// Present tells whether there is a journal that this role may read; it makes nothing. Without one
// nothing else of this package can be read. A journal of a newer [Format], or of others, is refused.
func Readable(ctx context.Context, tx pg.Tx, trusts ...string) (bool, error) {
	s, err := look(ctx, tx, trusts)
	if err != nil || !s.exists || !s.usage || len(s.missing()) > 0 || s.strange() != nil {
		return false, err
	}
	for _, f := range s.found {
		if !f.readable {
			return false, nil
		}
	}
	return true, known(ctx, tx)
}
